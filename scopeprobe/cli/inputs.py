"""Texts of options, read; what is wrong with one is said like any other error of the inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio

from scopeprobe.audits.discover import resolve
from scopeprobe.errors import InputError
from scopeprobe.inputs import Fleet
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


def with_metadata(fleet: Fleet) -> Fleet:
    """Read the metadata of every issuer, where any is named."""
    return anyio.run(resolve, fleet) if fleet.needs_metadata else fleet
