"""When cells changed: intervals in which one verdict was proved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from scopeprobe.model.cell import CellKey, PermissionMap, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.run import Run
from scopeprobe.model.scope_names import Scope

FLAPS = 3
"""Changes from which on a cell is said to be flapping."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Runs that proved one verdict of a cell; runs that proved none may lie between."""

    verdict: Verdict
    first: Run
    last: Run
    nights: int = 1
    unproved: int = 0
    """Runs since the first that asked about the cell and did not prove it."""


@dataclass(frozen=True, slots=True)
class CellHistory:
    """The intervals of one cell, the oldest first. Before anything is proved, one is `unknown`."""

    client: ClientName
    audience: str
    scope: Scope
    intervals: tuple[Interval, ...]

    @property
    def is_flapping(self) -> bool:
        return len(self.intervals) > FLAPS

    def changed_in(self, run: Run) -> bool:
        """That run was the first to prove another verdict than the one proved before."""
        *earlier, last = self.intervals
        was_proved = bool(earlier) and earlier[-1].verdict is not Verdict.UNKNOWN
        return was_proved and last.first.id == run.id


def history(nights: Iterable[tuple[Run, PermissionMap]]) -> tuple[CellHistory, ...]:
    """
    Lay out what nights, the oldest first of each client, found out, sorted by cell.

    A night that proved nothing of a cell ends no interval: only a proved verdict does.
    """
    cells: dict[CellKey, list[Interval]] = {}
    for run, permissions in nights:
        for cell in permissions.cells:
            past = cells.setdefault(cell.key, [])
            if not cell.is_proved:
                if past:
                    past[-1] = replace(past[-1], unproved=past[-1].unproved + 1)
                else:
                    past.append(Interval(Verdict.UNKNOWN, run, run, nights=0, unproved=1))
            elif past and past[-1].verdict is cell.verdict:
                past[-1] = replace(past[-1], last=run, nights=past[-1].nights + 1)
            else:
                past.append(Interval(cell.verdict, run, run))
    return tuple(
        CellHistory(ClientName(client), audience, Scope(scope), tuple(intervals))
        for (client, audience, scope), intervals in sorted(cells.items())
    )
