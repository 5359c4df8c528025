"""When cells changed: intervals of nights on which one verdict was proved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from scopeprobe.model.cell import PermissionMap, Verdict
from scopeprobe.model.run import Run
from scopeprobe.model.scope_names import Scope

FLAPS = 3
"""Changes from which on a cell is said to be flapping."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Nights on end on which a cell was proved to be the same; others may lie between."""

    verdict: Verdict
    first: Run
    last: Run
    nights: int = 1
    unproved: int = 0
    """Nights since its first on which the cell was asked and not proved."""


@dataclass(frozen=True, slots=True)
class CellHistory:
    """What became of one cell. The verdict of an interval that never was proved is `unknown`."""

    audience: str
    scope: Scope
    intervals: tuple[Interval, ...]

    @property
    def is_flapping(self) -> bool:
        return len(self.intervals) > FLAPS


def history(nights: Iterable[tuple[Run, PermissionMap]]) -> tuple[CellHistory, ...]:
    """
    Lay out what nights, the oldest first, found out about one client, sorted by cell.

    A night that proved nothing of a cell ends no interval: only a proved verdict does.
    """
    cells: dict[tuple[str, Scope], list[Interval]] = {}
    for run, permissions in nights:
        for cell in permissions.cells:
            past = cells.setdefault((cell.audience, cell.scope), [])
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
        CellHistory(audience, scope, tuple(intervals))
        for (audience, scope), intervals in sorted(cells.items())
    )
