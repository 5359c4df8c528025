"""What the process ends with: the first of docs/outputs.md, "Exit codes", that applies."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """A process that a signal stopped ends with 128 and the number of the signal."""

    DONE = 0
    """Complete, and nothing fails the run; of `explain`: it works, or the cause is found."""
    FAILED = 1
    """There are findings that fail the run; of `diff --exit-code`: there are differences."""
    INPUT = 2
    """Wrong options or files. Nothing was sent."""
    INCOMPLETE = 3
    """Some of it is not known: cells are open, metadata was not read, no cause was found."""
    NOTHING = 4
    """Nothing could be judged, or read, at all."""
    BUG = 70
    INTERRUPTED = 130
