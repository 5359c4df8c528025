"""Which clients of the last run need an explanation, and of what."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from scopeprobe.model.cell import Cell, CellKey, Verdict
from scopeprobe.model.client import Client, ClientName, Target
from scopeprobe.model.run import Run
from scopeprobe.store import StoredRuns


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest finished run, and what was granted in those before."""

    run: Run
    cells: Mapping[ClientName, tuple[Cell, ...]]
    proved_before: Mapping[CellKey, Cell]

    @classmethod
    def of(cls, out: Path) -> Self:
        """Raises InputError where no run was finished there."""
        with StoredRuns.read(out) as store:
            run = store.finished_run()
            cells = {found.client: found.cells for found in store.maps_of(run)}
            return cls(run, cells, store.proved_by(run.started))

    def needs(self, client: Client) -> bool:
        """Whether some target of the client needs an explanation."""
        return any(map(self._chooser(client), client.targets))

    def narrowed(self, client: Client) -> Client:
        """The client with the targets that need one, and there with what it is missed for."""
        targets = filter(self._chooser(client), client.targets)
        return replace(client, targets=tuple(self._asked(client, target) for target in targets))

    def _chooser(self, client: Client) -> Callable[[Target], bool]:
        return lambda target: self._is_in_need(client, target)

    def _is_in_need(self, client: Client, target: Target) -> bool:
        """Nothing was proved for it, or something is missing that is expected or was granted."""
        cells = list(self._cells_of(client, target))
        if not cells:
            return False
        missed = self._missed(cells, target)
        return not any(cell.is_proved for cell in cells) or any(
            cell.verdict is not Verdict.GRANTED for cell in cells if cell.key in missed
        )

    def _asked(self, client: Client, target: Target) -> Target:
        """What is expected or was granted; all candidates where nothing is."""
        cells = list(self._cells_of(client, target))
        missed = self._missed(cells, target)
        wanted = [cell.scope for cell in cells if cell.key in missed]
        return replace(target, candidates=tuple(wanted or target.candidates))

    def _cells_of(self, client: Client, target: Target) -> Iterator[Cell]:
        found = self.cells.get(client.name, ())
        return (cell for cell in found if cell.audience == target.label)

    def _missed(self, cells: Collection[Cell], target: Target) -> set[CellKey]:
        """What would be missed if it were not granted."""
        before = self.proved_before
        return {
            cell.key
            for cell in cells
            if target.expect.wants(cell.scope)
            or (cell.key in before and before[cell.key].verdict is Verdict.GRANTED)
        }
