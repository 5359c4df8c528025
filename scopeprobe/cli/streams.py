"""Standard output and error, which may be closed, full or gone: a run is not lost for them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


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


def say(line: str) -> None:
    """Write a line to standard error, if anybody still listens."""
    STANDARD_ERROR.write(line + "\n")


def print_data(text: str) -> None:
    """Write data to standard output, as far as anybody reads it."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        _let_go(sys.stdout.fileno())


class _StandardError:
    """Whatever standard error is at the moment of writing: rich stands in for it at times."""

    def write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            _let_go(2)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


STANDARD_ERROR = _StandardError()


def _let_go(number: int) -> None:
    """Nobody reads this stream any more. Python would complain of it once again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)
