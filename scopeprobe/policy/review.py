"""All that is to be said about the maps of one night."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from scopeprobe.model.cell import Cell, CellKey, PermissionMap
from scopeprobe.model.client import Client, ClientName, Expectation
from scopeprobe.policy.baseline import Baseline, waived
from scopeprobe.policy.changes import changes
from scopeprobe.policy.findings import Finding, FindingKind, findings

WARNED = timedelta(days=30)
"""How long before its end a secret is a finding."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What clients with all of these tags are expected to have, beside what they say themselves."""

    tags: frozenset[str]
    expect: Expectation
    audience: str | None = None
    """The target that it is about; None: all."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the maps of a night are held against."""

    rules: tuple[Rule, ...] = ()
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was known before this night."""

    proved: Mapping[CellKey, Cell] = field(default_factory=dict)
    """The last proved finding of every cell."""
    last: tuple[PermissionMap, ...] = ()
    """What the run before found out."""


def review(
    maps: Sequence[PermissionMap],
    clients: Iterable[Client],
    policy: Policy,
    earlier: Earlier | None,
    today: date,
) -> list[Finding]:
    """Every departure, sorted by cell. Changes only where there is something `earlier`."""
    ruled = [_ruled(client, policy.rules) for client in clients]
    found = list(_cells(maps, ruled, policy.baseline, today))
    if earlier is not None:
        found += changes(maps, earlier.proved)
    if policy.baseline is not None:
        found = list(waived(found, policy.baseline.waivers, maps, today))
    order = list(FindingKind)
    return sorted(
        _distinct(found),
        key=lambda one: (one.client, one.audience, one.scope, order.index(one.kind)),
    )


def news(
    found: Iterable[Finding],
    clients: Iterable[Client],
    policy: Policy,
    earlier: Earlier,
    today: date,
) -> list[Finding]:
    """
    Departures that were not there when their cells were last proved, or on the night before.

    So that neither a finding that everybody knows nor a night with a dead server makes news.
    """
    clients = list(clients)
    known: set[tuple[FindingKind, str, str, str]] = set()
    for maps in (_as_maps(earlier.proved), earlier.last):
        known |= {_key(one) for one in review(maps, clients, policy, None, today)}
    return [one for one in found if one.kind is FindingKind.CHANGED or _key(one) not in known]


def _cells(
    maps: Sequence[PermissionMap],
    clients: Sequence[Client],
    baseline: Baseline | None,
    today: date,
) -> Iterator[Finding]:
    cells = {cell.key: cell for found in maps for cell in found.cells}
    for one in findings(maps, clients):
        if baseline is None or not baseline.accepts(one, cells):
            yield one
    if baseline is not None:
        yield from baseline.findings(maps)
    tested = {permissions.client for permissions in maps}
    for client in clients:
        if client.name in tested and (detail := _expiry(client, today)):
            yield Finding(FindingKind.SECRET_EXPIRY, client.name, "", "", detail)


def _expiry(client: Client, today: date) -> str:
    end = client.secret_expires
    if end is None or end > today + WARNED:
        return ""
    left = (end - today).days
    if left < 0:
        return f"its secret expired on {end}"
    return f"its secret expires on {end}, in {left} day{'' if left == 1 else 's'}"


def _ruled(client: Client, rules: Iterable[Rule]) -> Client:
    """The client, expected to have what the rules for its tags add to its own expectations."""
    mine = [rule for rule in rules if rule.tags <= set(client.tags)]
    if not mine:
        return client
    targets = tuple(
        replace(
            target,
            expect=_added(
                [target.expect, *(r.expect for r in mine if r.audience in {None, target.label})]
            ),
        )
        for target in client.targets
    )
    return replace(client, targets=targets)


def _added(expectations: Sequence[Expectation]) -> Expectation:
    granted = [one.granted for one in expectations if one.granted is not None]
    return Expectation(
        granted=tuple(glob for globs in granted for glob in globs) if granted else None,
        denied=tuple(glob for one in expectations for glob in one.denied),
    )


def _as_maps(proved: Mapping[CellKey, Cell]) -> tuple[PermissionMap, ...]:
    by_client: dict[ClientName, list[Cell]] = {}
    for _, cell in sorted(proved.items()):
        by_client.setdefault(cell.client, []).append(cell)
    return tuple(PermissionMap(client, tuple(cells)) for client, cells in by_client.items())


def _key(one: Finding) -> tuple[FindingKind, str, str, str]:
    return one.kind, one.client, one.audience, one.scope


def _distinct(found: Collection[Finding]) -> Iterable[Finding]:
    """One of each kind a cell: that of the expectations goes before that of the baseline."""
    first: dict[tuple[FindingKind, str, str, str], Finding] = {}
    for one in found:
        first.setdefault(_key(one), one)
    return first.values()
