"""What became of cells since they were last proved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from scopeprobe.model.cell import CellKey, Finding, PermissionMap
from scopeprobe.policy.expectations import Departure, Kind


def changes(
    maps: Iterable[PermissionMap], proved: Mapping[CellKey, Finding]
) -> Iterator[Departure]:
    """Cells between two proved verdicts: neither `unknown` now, nor never proved before."""
    for permissions in maps:
        for finding in permissions.findings:
            before = proved.get(finding.cell)
            if before is None or not finding.is_proved or before.verdict is finding.verdict:
                continue
            yield Departure(
                Kind.CHANGED,
                finding.client,
                finding.audience,
                finding.scope,
                f"was {before.verdict}, is {finding.verdict}: {finding.reason}",
            )


def last_proved(
    maps: Iterable[PermissionMap], proved: Mapping[CellKey, Finding]
) -> tuple[PermissionMap, ...]:
    """The maps, with what was proved before in the place of what is not proved in them."""
    return tuple(
        PermissionMap(
            permissions.client,
            tuple(
                finding if finding.is_proved else proved.get(finding.cell, finding)
                for finding in permissions.findings
            ),
        )
        for permissions in maps
    )
