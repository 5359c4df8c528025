"""What became of cells since they were last proved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from scopeprobe.model.cell import Cell, CellKey, PermissionMap
from scopeprobe.policy.findings import Finding, FindingKind


def changes(maps: Iterable[PermissionMap], proved: Mapping[CellKey, Cell]) -> Iterator[Finding]:
    """Cells between two proved verdicts: neither `unknown` now, nor never proved before."""
    for permissions in maps:
        for cell in permissions.cells:
            before = proved.get(cell.key)
            if before is None or not cell.is_proved or before.verdict is cell.verdict:
                continue
            yield Finding(
                FindingKind.CHANGED,
                cell.client,
                cell.audience,
                cell.scope,
                f"was {before.verdict}, is {cell.verdict}: {cell.reason}",
            )


def last_proved(
    maps: Iterable[PermissionMap], proved: Mapping[CellKey, Cell]
) -> tuple[PermissionMap, ...]:
    """The maps, with what was proved before in the place of what is not proved in them."""
    return tuple(
        PermissionMap(
            permissions.client,
            tuple(
                cell if cell.is_proved else proved.get(cell.key, cell) for cell in permissions.cells
            ),
        )
        for permissions in maps
    )
