"""When cells changed: intervals in which one verdict was proved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

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
    def key(self) -> CellKey:
        return self.client, self.audience, self.scope

    @property
    def is_flapping(self) -> bool:
        return len(self.intervals) > FLAPS

    def changed_in(self, run: Run) -> bool:
        """That run was the first to prove another verdict than the one proved before."""
        *earlier, last = self.intervals
        was_proved = bool(earlier) and earlier[-1].verdict is not Verdict.UNKNOWN
        return was_proved and last.first.id == run.id


@dataclass(frozen=True, slots=True)
class Past:
    """What a run's folder knew before it."""

    run: Run
    """The run itself."""
    clients: Collection[ClientName]
    """Those of the run before."""
    nights_of: Callable[[ClientName], Sequence[tuple[Run, PermissionMap]]]
    """What earlier runs found out about a client, the oldest first."""

    def of(self, permissions: PermissionMap) -> tuple[CellHistory, ...]:
        """The history of every cell of a client up to this run, in which this map was found."""
        nights = (*self.nights_of(permissions.client), (self.run, permissions))
        current = {cell.key for cell in permissions.cells}
        return tuple(
            past for past in history(nights) if (past.client, past.audience, past.scope) in current
        )


def history(nights: Iterable[tuple[Run, PermissionMap]]) -> tuple[CellHistory, ...]:
    """
    Lay out what nights, the oldest first of each client, found out, sorted by cell.

    A night that proved nothing of a cell ends no interval: only a proved verdict does.
    Nights that follow one another and found the same are laid out together.
    """
    cells: dict[CellKey, list[Interval]] = {}
    for permissions, alike in groupby(nights, itemgetter(1)):
        runs = [run for run, _ in alike]
        first, last, many = runs[0], runs[-1], len(runs)
        for cell in permissions.cells:
            past = cells.setdefault(cell.key, [])
            if not cell.is_proved:
                if past:
                    past[-1] = replace(past[-1], unproved=past[-1].unproved + many)
                else:
                    past.append(Interval(Verdict.UNKNOWN, first, first, nights=0, unproved=many))
            elif past and past[-1].verdict is cell.verdict:
                past[-1] = replace(past[-1], last=last, nights=past[-1].nights + many)
            else:
                past.append(Interval(cell.verdict, first, last, nights=many))
    return tuple(
        CellHistory(ClientName(client), audience, Scope(scope), tuple(intervals))
        for (client, audience, scope), intervals in sorted(cells.items())
    )
