"""Standard output and error, also where they are closed, full or gone: the run goes on."""

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
    """Write a line to standard error, unless nothing reads it any more."""
    STANDARD_ERROR.write(line + "\n")


def print_data(text: str) -> None:
    """Write data to standard output, as far as something reads it."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        _discard(sys.stdout.fileno())


class _StandardError:
    """What `sys.stderr` is when something is written: rich replaces it at times."""

    def write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
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
