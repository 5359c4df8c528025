"""What changed: since cells were last proved, and between any two sets of maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from scopeprobe.model.cell import Cell, CellKey, PermissionMap, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.model.scope_names import Scope

_GAINED = (Verdict.DENIED, Verdict.GRANTED)
_LOST = (Verdict.GRANTED, Verdict.DENIED)
_CellsByKey: TypeAlias = dict[CellKey, Cell]


def changes(
    maps: Iterable[PermissionMap], proved_of: Callable[[ClientName], Mapping[CellKey, Cell]]
) -> Iterator[Finding]:
    """Cells that are proved to be another than when they were last proved."""
    for permissions in maps:
        proved = proved_of(permissions.client)
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


# -- between two sets of maps


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell whose verdicts differ; None where the cell did not exist."""

    client: ClientName
    audience: str
    scope: Scope
    before: Verdict | None
    after: Verdict | None


@dataclass(frozen=True, slots=True)
class Differences:
    """All of them, sorted. Cells of new and gone clients are not listed one by one."""

    gained: tuple[Difference, ...]
    """Denied before, granted now."""
    lost: tuple[Difference, ...]
    changed: tuple[Difference, ...]
    """Any other difference, also to and from `unknown`."""
    new_clients: tuple[ClientName, ...]
    gone_clients: tuple[ClientName, ...]

    def __bool__(self) -> bool:
        return any((self.gained, self.lost, self.changed, self.new_clients, self.gone_clients))


def differences(before: Iterable[PermissionMap], after: Iterable[PermissionMap]) -> Differences:
    """Compare verdicts alone: reasons and evidence may differ from night to night."""
    old, new = _by_client(before), _by_client(after)
    found = [
        difference
        for client in sorted(old.keys() & new.keys())
        for difference in _of_client(old[client], new[client])
    ]

    def between(verdicts: tuple[Verdict, Verdict]) -> tuple[Difference, ...]:
        return tuple(d for d in found if (d.before, d.after) == verdicts)

    return Differences(
        gained=between(_GAINED),
        lost=between(_LOST),
        changed=tuple(d for d in found if (d.before, d.after) not in {_GAINED, _LOST}),
        new_clients=tuple(sorted(new.keys() - old.keys())),
        gone_clients=tuple(sorted(old.keys() - new.keys())),
    )


def _by_client(maps: Iterable[PermissionMap]) -> dict[ClientName, _CellsByKey]:
    return {found.client: {cell.key: cell for cell in found.cells} for found in maps}


def _of_client(old: _CellsByKey, new: _CellsByKey) -> Iterable[Difference]:
    for cell in sorted(old.keys() | new.keys()):
        before, after = old.get(cell), new.get(cell)
        was = before.verdict if before else None
        is_now = after.verdict if after else None
        if was is not is_now:
            client, audience, scope = cell
            yield Difference(ClientName(client), audience, Scope(scope), was, is_now)
