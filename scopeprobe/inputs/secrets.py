"""Where a secret comes from, and how it is looked up."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from select import select
from typing import NoReturn, TypeAlias, assert_never

from pydantic import ValidationInfo

from scopeprobe.inputs.problems import CORRECT_THE_PATH
from scopeprobe.model.secret import Secret

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PLAIN_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
"""Names that messages quote. Any other may be a secret, written there by mistake."""

COMMAND_SECONDS = 30
COMMANDS_AT_ONCE = 8
LONGEST = 1 << 20
"""Bytes of a secret; keys and certificates are far shorter."""
_LOOKS_EVERY = 0.02
"""Seconds between two looks at a command that still runs."""


@dataclass(frozen=True, slots=True)
class LiteralSecret:
    text: str = field(repr=False)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not serialised")


@dataclass(frozen=True, slots=True)
class EnvironmentSecret:
    variable: str


@dataclass(frozen=True, slots=True)
class FileSecret:
    path: Path


@dataclass(frozen=True, slots=True)
class CommandSecret:
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyringSecret:
    """A password of the system's keyring (the extra `keyring`)."""

    service: str
    user: str


SecretSource: TypeAlias = (
    LiteralSecret | EnvironmentSecret | FileSecret | CommandSecret | KeyringSecret
)


@dataclass(frozen=True, slots=True)
class UnusableSecret:
    """A source gave no secret, or one that cannot be used."""

    why: str
    """In the user's words; holds nothing of the secret."""


class RenewedSecret(Secret):
    """The text of a file, read again whenever the file has changed: somebody renews it."""

    __slots__ = ("_path", "_state")

    def __init__(self, text: str, path: Path) -> None:
        super().__init__(text)
        self._path = path
        self._state: object = None

    def reveal(self) -> str:
        """What the file holds now; while it cannot be read, what it held last."""
        try:
            status = self._path.stat()
        except OSError:
            return super().reveal()
        state = (status.st_mtime_ns, status.st_ino, status.st_size)
        if state != self._state:
            self._renew()
            self._state = state
        return super().reveal()

    def _renew(self) -> None:
        found = _from_file(self._path)
        text = found.text() if isinstance(found, RawSecret) else found
        if isinstance(text, Secret):
            self._text = text.reveal()


@dataclass(frozen=True, slots=True)
class RawSecret:
    """What a source holds, byte for byte: mostly text, but a key file may be binary."""

    data: bytes = field(repr=False)
    name: str
    """What messages call it."""
    drops_newline: bool = False
    """One newline at the end belongs to the editor or the command, and not to the secret."""

    def text(self) -> Secret | UnusableSecret:
        try:
            text = self.data.decode("utf-8")
        except UnicodeDecodeError:
            return UnusableSecret(f"{self.name} is not UTF-8 text")
        if self.drops_newline:
            text = text.removesuffix("\r\n" if text.endswith("\r\n") else "\n")
        return Secret(text) if text else UnusableSecret(f"{self.name} is empty")


SECRET_SCHEMA = {
    "anyOf": [
        *(
            {
                "type": "object",
                "properties": {source: {**shape, "description": words}},
                "required": [source],
                "additionalProperties": False,
            }
            for source, shape, words in (
                ("env", {"type": "string", "pattern": f"^{VARIABLE.pattern}$"},
                 "The name of an environment variable."),
                ("file", {"type": "string"}, "A file, relative to this one."),
                ("command", {"type": "array", "items": {"type": "string"}, "minItems": 1},
                 "A program with its arguments, run without a shell; its output is the secret."),
                ("keyring", {"type": "string", "pattern": "^.+/[^/]+$"},
                 "SERVICE/USER in the system's keyring."),
            )
        ),
        {"type": "string", "description": "The secret itself. Keep it elsewhere if you can."},
    ]
}  # fmt: skip
"""What `secret_source` reads, as JSON Schema."""


def secret_source(value: object, info: ValidationInfo[Path]) -> SecretSource:
    """Read `client_secret` and its like; the context is the folder of the clients file."""
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
        case {"keyring": str(entry), **rest} if not rest and all(entry.rpartition("/")):
            service, _, user = entry.rpartition("/")
            return KeyringSecret(service, user)
        case _:
            raise ValueError(
                'must be { env = "NAME" }, { file = "PATH" }, '
                '{ command = ["PROGRAM", "ARGUMENT", …] }, { keyring = "SERVICE/USER" }, '
                "or the secret itself as text in quotes"
            )


def reference(text: str) -> SecretSource:
    """Read `env:NAME`, `file:PATH` or `keyring:SERVICE/USER`. Raises ValueError for all else."""
    kind, _, place = text.partition(":")
    match kind:
        case "env" if VARIABLE.fullmatch(place):
            return EnvironmentSecret(place)
        case "file" if place and not place.startswith("//"):
            return FileSecret(Path(place))
        case "keyring" if all(place.rpartition("/")):
            service, _, user = place.rpartition("/")
            return KeyringSecret(service, user)
    raise ValueError("takes env:NAME, file:PATH or keyring:SERVICE/USER, and never the secret")


def _all_text(items: Iterable[object]) -> bool:
    return all(isinstance(item, str) for item in items)


def look_up_all(
    sources: Iterable[SecretSource], environment: Mapping[str, str]
) -> dict[SecretSource, RawSecret | UnusableSecret]:
    """Look up every source once, several at a time: password managers are slow."""
    distinct = list(dict.fromkeys(sources))
    with ThreadPoolExecutor(COMMANDS_AT_ONCE) as pool:
        found = pool.map(partial(look_up, environment=environment), distinct)
        return dict(zip(distinct, found, strict=True))


def look_up(source: SecretSource, *, environment: Mapping[str, str]) -> RawSecret | UnusableSecret:
    match source:
        case LiteralSecret(text):
            return _raw(text, "the secret")
        case EnvironmentSecret(variable):
            return _from_environment(variable, environment)
        case FileSecret(path):
            return _from_file(path)
        case CommandSecret(arguments):
            return _from_command(arguments)
        case KeyringSecret(service, user):
            return _from_keyring(service, user)
        case _:
            assert_never(source)


def _from_environment(variable: str, environment: Mapping[str, str]) -> RawSecret | UnusableSecret:
    named = f" {variable}" if PLAIN_VARIABLE.fullmatch(variable) else ""
    text = environment.get(variable)
    if text is None:
        return UnusableSecret(f"environment variable{named} is not set: export it")
    return _raw(text, f"environment variable{named}")


def _raw(text: str, name: str) -> RawSecret:
    """Encode text so that a lone surrogate (PEP 383) fails later, as text that is not UTF-8."""
    return RawSecret(text.encode("utf-8", "surrogatepass"), name)


def _from_file(path: Path) -> RawSecret | UnusableSecret:
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        is_there = not isinstance(error, FileNotFoundError)
        cure = "" if is_there else f": {CORRECT_THE_PATH}"
        return UnusableSecret(f"the file cannot be read: {error.strerror}{cure}")
    except ValueError:
        return UnusableSecret("the file cannot be read: no system has a file of that name")
    return _of_size(RawSecret(data, "the file", drops_newline=True))


def _of_size(found: RawSecret) -> RawSecret | UnusableSecret:
    if len(found.data) > LONGEST:
        return UnusableSecret(f"{found.name} is longer than a secret: {LONGEST} bytes at most")
    return found


def _from_command(arguments: tuple[str, ...]) -> RawSecret | UnusableSecret:
    name = f"command {arguments[0]}"
    try:
        code, data = _run(arguments)
    except subprocess.TimeoutExpired:
        return UnusableSecret(f"{name} took longer than {COMMAND_SECONDS} s")
    except OSError as error:
        is_there = not isinstance(error, FileNotFoundError)
        cure = "" if is_there else "; install it, or give its whole path"
        return UnusableSecret(f"{name} cannot be run: {error.strerror}{cure}")
    except ValueError:
        return UnusableSecret("the command cannot be run: an argument holds a NUL character")
    if code != 0:
        return UnusableSecret(f"{name} ended with exit code {code}")
    return _of_size(RawSecret(data, f"the output of {name}", drops_newline=True))


def _run(arguments: tuple[str, ...]) -> tuple[int, bytes]:
    """
    The exit code of a command, and what it wrote until it ended.

    What it leaves behind may hold its output open, as the agents of password managers do: nobody
    waits for that. Raises TimeoutExpired.
    """
    deadline = time.monotonic() + COMMAND_SECONDS
    with subprocess.Popen(  # noqa: S603  # no shell, and the user's own file names it
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it may speak of the secret
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        output = process.stdout.fileno()
        data, is_open = b"", True
        while len(data) <= LONGEST:
            code = process.poll()
            wait = 0.0 if code is not None else _LOOKS_EVERY
            if is_open and select([output], (), (), wait)[0]:
                data += (more := os.read(output, LONGEST))
                is_open = bool(more)
            elif code is not None:
                return code, data
            elif not is_open:
                time.sleep(_LOOKS_EVERY)
            if time.monotonic() > deadline:
                process.kill()
                raise subprocess.TimeoutExpired(arguments[0], COMMAND_SECONDS)
        process.kill()
    return 0, data


def _from_keyring(service: str, user: str) -> RawSecret | UnusableSecret:
    try:
        import keyring  # noqa: PLC0415  # an extra
        from keyring.errors import KeyringError  # noqa: PLC0415
    except ImportError:
        return UnusableSecret("keyring is not installed: pip install 'scopeprobe[keyring]'")
    try:
        text = keyring.get_password(service, user)
    except KeyringError as error:
        return UnusableSecret(f"the keyring cannot be read ({type(error).__name__})")
    if text is None:
        return UnusableSecret("the keyring has no such entry")
    return _raw(text, "the entry of the keyring")
