"""The command line: reads options, calls the program, prints, and picks the exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line and return its exit code. Ctrl-C ends it without a traceback at any moment.

    :param argv: the words behind the program's name; those of the process unless given.
    """
    if argv is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from scopeprobe.cli.app import run  # noqa: PLC0415 - to import it takes a moment

        return run(argv)
    except KeyboardInterrupt:
        return 130
    finally:
        if argv is None and _was_stopped():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # while Python takes itself apart


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End what goes on, unless an audit was stopped already and says how to go on with it."""
    if not _was_stopped():
        raise KeyboardInterrupt


def _was_stopped() -> bool:
    signals = sys.modules.get("scopeprobe.audits.signals")
    return signals is not None and signals.Interruption.has_come
