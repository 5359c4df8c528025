"""Standard output and error, also where they are closed, full or gone: the run goes on."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from io import TextIOWrapper
from textwrap import fill
from typing import TextIO

WIDTH = 80
"""Columns of what goes to no terminal."""
_ACTIVE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def open_all() -> None:
    """
    Give every closed standard stream to /dev/null.

    Otherwise the first sockets of a run would take the numbers of the missing ones.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Data is UTF-8 everywhere; a terminal shows `?` for a letter that it does not have.
            encoding = stream.encoding if stream.isatty() or stream is sys.stderr else "utf-8"
            stream.reconfigure(encoding=encoding, errors="replace")


def inert(text: str) -> str:
    """Take out what a terminal would act on: control, bidirectional and surrogate characters."""
    return text if text.isprintable() else _ACTIVE.sub("", text)


def say(line: str) -> None:
    """Write a line to standard error, unless nothing reads it any more."""
    STANDARD_ERROR.write(line + "\n")


def wrapped(text: str, first: str = "", others: str = "  ") -> str:
    """A text in as many lines as the terminal needs for it; `first` and `others` begin them."""
    columns = WIDTH
    with suppress(OSError, ValueError):  # it is no terminal
        columns = os.get_terminal_size(sys.stderr.fileno()).columns or WIDTH
    return fill(
        text,
        columns,
        initial_indent=first,
        subsequent_indent=others,
        break_on_hyphens=False,
        break_long_words=False,  # a path is there to be pasted
    )


def print_data(text: str) -> None:
    """
    Write data to standard output, as far as something reads it.

    Its colors are made by rich, whose texts are inert; see cli/output.py.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        _discard(sys.stdout.fileno())


class OpenTerminal:
    """A stream to draw on, as long as somebody looks."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


class _StandardError:
    """What `sys.stderr` is when something is written: rich replaces it at times."""

    def write(self, text: str) -> None:
        try:
            sys.stderr.write(inert(text))
            sys.stderr.flush()
        except OSError:
            _discard(2)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


STANDARD_ERROR = _StandardError()


def _discard(number: int) -> None:
    """Send to /dev/null what nothing reads any more: Python flushes it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)
