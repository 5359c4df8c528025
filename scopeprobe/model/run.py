"""A run: one audit of one set of inputs, in one or more invocations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime


@dataclass(frozen=True, slots=True)
class Run:
    """What is stored of a run beside its facts and permission maps."""

    id: str
    started: float
    """Wall time (epoch, seconds)."""
    finished: float | None
    """None while it runs, and after a crash."""
    digest: str
    """Of the inputs that decide its questions; never of a secret."""
    strategy: str
    clients: int
    cells: int
    complete: bool = False
    """No cell is left that asking again may settle."""
    summary: bytes | None = None
    """Its summary.json."""

    @property
    def day(self) -> date:
        """The day, in UTC, on which it was begun."""
        return datetime.fromtimestamp(self.started, UTC).date()
