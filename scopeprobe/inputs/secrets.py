"""Where the secret of a client comes from, and how it is looked up."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias, assert_never

from pydantic import ValidationInfo

from scopeprobe.model.clients import Secret

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PLAIN_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
"""Names that are quoted in complaints. Others may be secrets, put there by mistake."""

COMMAND_SECONDS = 30
COMMANDS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class LiteralSecret:
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EnvironmentSecret:
    variable: str


@dataclass(frozen=True, slots=True)
class FileSecret:
    path: Path


@dataclass(frozen=True, slots=True)
class CommandSecret:
    arguments: tuple[str, ...]


SecretSource: TypeAlias = LiteralSecret | EnvironmentSecret | FileSecret | CommandSecret


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why there is no secret, in words that hold nothing of it."""

    words: str


def secret_source(value: object, info: ValidationInfo[Path]) -> SecretSource:
    """Read `client_secret`; the validation's context is the folder of the clients file."""
    match value:
        case str():
            return LiteralSecret(value)
        case {"env": str(variable), **rest} if not rest:
            if not VARIABLE.fullmatch(variable):
                raise ValueError("env must be the name of an environment variable")
            return EnvironmentSecret(variable)
        case {"file": str(path), **rest} if not rest:
            return FileSecret(info.context / path)
        case {"command": [str(), *_] as arguments, **rest} if not rest and _all_text(arguments):
            return CommandSecret(tuple(arguments))
        case _:
            raise ValueError(
                'must be { env = "NAME" }, { file = "PATH" }, '
                '{ command = ["PROGRAM", "ARGUMENT", …] }, or the secret itself as text in quotes'
            )


def _all_text(items: Iterable[object]) -> bool:
    return all(isinstance(item, str) for item in items)


def look_up_all(
    sources: Iterable[SecretSource], environment: Mapping[str, str]
) -> dict[SecretSource, Secret | Unavailable]:
    """Look up every source once, some at a time: password managers take their time."""
    asked = list(dict.fromkeys(sources))
    with ThreadPoolExecutor(COMMANDS_AT_ONCE) as pool:
        found = pool.map(partial(look_up, environment=environment), asked)
        return dict(zip(asked, found, strict=True))


def look_up(source: SecretSource, *, environment: Mapping[str, str]) -> Secret | Unavailable:
    """Fetch a secret as it is, but for one newline at the end of a file or an output."""
    match source:
        case LiteralSecret(text):
            return _secret(text)
        case EnvironmentSecret(variable):
            return _from_environment(variable, environment)
        case FileSecret(path):
            return _from_file(path)
        case CommandSecret(arguments):
            return _from_command(arguments)
        case _:
            assert_never(source)


def _from_environment(variable: str, environment: Mapping[str, str]) -> Secret | Unavailable:
    named = f" {variable}" if PLAIN_VARIABLE.fullmatch(variable) else ""
    text = environment.get(variable)
    if text is None:
        return Unavailable(f"environment variable{named} is not set")
    return _secret(text, f"environment variable{named}")


def _from_file(path: Path) -> Secret | Unavailable:
    try:
        return _from_bytes(path.read_bytes(), "the file")
    except OSError as error:
        return Unavailable(f"the file cannot be read: {error.strerror}")
    except ValueError:
        return Unavailable("the file cannot be read: no system has a file of that name")


def _from_command(arguments: tuple[str, ...]) -> Secret | Unavailable:
    name = f"command {arguments[0]}"
    try:
        done = subprocess.run(  # noqa: S603  # no shell, and the user's own file names it
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it may speak of the secret
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Unavailable(f"{name} took longer than {COMMAND_SECONDS} s")
    except OSError as error:
        return Unavailable(f"{name} cannot be run: {error.strerror}")
    except ValueError:
        return Unavailable("the command cannot be run: an argument holds a NUL character")
    if done.returncode != 0:
        return Unavailable(f"{name} ended with exit code {done.returncode}")
    return _from_bytes(done.stdout, f"the output of {name}")


def _from_bytes(content: bytes, origin: str) -> Secret | Unavailable:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return Unavailable(f"{origin} is not UTF-8 text")
    newline = "\r\n" if text.endswith("\r\n") else "\n"
    return _secret(text.removesuffix(newline), origin)


def _secret(text: str, origin: str = "the secret") -> Secret | Unavailable:
    if not text:
        return Unavailable(f"{origin} is empty")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return Unavailable(f"{origin} is not UTF-8 text")
    return Secret(text)
