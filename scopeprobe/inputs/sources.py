"""The text of an input: a file, or standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

from scopeprobe.errors import InputError, nearest

Source: TypeAlias = Path | Literal["-"]
"""A file, or `-` for standard input."""


class StandardInput:
    """Standard input, which can be read only once, whoever names it."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = sys.stdin if stream is None else stream
        self._taken = False

    def read(self) -> str:
        if self._taken:
            raise InputError(["standard input: can be read only once"])
        self._taken = True
        with _in_users_words("standard input"):
            return self._stream.read()


def file_of(source: Source) -> Path | None:
    """The path of a file; None for standard input, also where `-` was made a path."""
    return None if str(source) == "-" else Path(source)


def name_of(source: Source) -> str:
    """The name of a source in messages."""
    return str(file_of(source) or "standard input")


def text_of(source: Source, standard_input: StandardInput) -> str:
    path = file_of(source)
    return standard_input.read() if path is None else text_of_file(path)


def read_text(source: Source, stdin: TextIO | None = None) -> str:
    """The text of one input. Raises InputError where it cannot be read."""
    return text_of(source, StandardInput(stdin))


def text_of_file(path: Path) -> str:
    """Read UTF-8 text and keep its newlines; a byte order mark is left out."""
    with _in_users_words(str(path)):
        if not path.exists():
            raise InputError([f"{path}: there is no such file{_meant(path)}"])
        return path.read_bytes().decode("utf-8-sig")


def _meant(path: Path) -> str:
    """Which file of the folder was probably meant, of those with the same ending."""
    with suppress(OSError):
        others = {one.stem for one in path.parent.iterdir() if one.suffix == path.suffix}
        if near := nearest(path.stem, others):
            return f"; did you mean {path.with_stem(near)}?"
    return ""


@contextmanager
def _in_users_words(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError([f"{name}: {error.strerror}"]) from error
    except UnicodeDecodeError:
        # The cause would carry the text, and a secret in it.
        raise InputError([f"{name}: is not UTF-8 text"]) from None
