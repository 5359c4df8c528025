"""Texts of options, read; what is wrong with one is said like any other error of the inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import anyio

from scopeprobe.audits.discover import resolve
from scopeprobe.errors import InputError
from scopeprobe.inputs import Fleet
from scopeprobe.inputs.parsers import PARSERS
from scopeprobe.inputs.schema import check_endpoint
from scopeprobe.model.urls import is_plain_http_abroad

T = TypeVar("T")


def parsed(name: str, text: str | None, parse: Callable[[str], T]) -> T | None:
    """Read the text of an option. Raises InputError that names the option."""
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise InputError([f"{name} {text}: {error}"]) from error


def endpoint_from(name: str, url: str | None) -> str:
    """A token endpoint given on the command line; empty where none was."""
    if url is None:
        return ""
    parsed(name, url, check_endpoint)
    if is_plain_http_abroad(url):
        raise InputError([f"{name} {url}: must be https"])
    return url


CLIENTS, SCOPES = Path("clients.toml"), Path("scopes.txt")
"""What is taken from the current folder where no clients files are given."""


def clients_here() -> list[Path]:
    """Raises InputError where the current folder holds no clients file of that name."""
    if not CLIENTS.is_file():
        message = (
            f"CLIENTS: give clients files; there is no {CLIENTS} in this folder"
            " (`scopeprobe init` writes one to start from)"
        )
        raise InputError([message])
    return [CLIENTS]


def files_and_name(words: Sequence[Path]) -> tuple[list[Path], str | None]:
    """
    Clients files, and the one word that is none, in whatever order they stand.

    Without files that of the current folder is meant. Raises InputError where there is none.
    """
    names = [word for word in words if not _is_file(word)]
    if not names:
        return list(words), None
    files = [word for word in words if word is not names[-1]]
    return files or clients_here(), str(names[-1])


def _is_file(word: Path) -> bool:
    is_there = word.exists() and not word.is_dir()
    return is_there or str(word) == "-" or word.suffix in PARSERS


def taken_from_here(paths: Sequence[Path]) -> str:
    return f"taken from this folder: {' and '.join(map(str, paths))}"


def with_metadata(fleet: Fleet) -> Fleet:
    """Read the metadata of every issuer, where any is named."""
    return anyio.run(resolve, fleet) if fleet.needs_metadata else fleet
