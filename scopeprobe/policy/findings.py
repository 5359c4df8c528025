"""Everything in the maps of a run that fails it or deserves a look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TypeAlias

from scopeprobe.model.cell import (
    Cell,
    CellKey,
    PermissionMap,
    Reason,
    Verdict,
    what_stood_in_the_way,
)
from scopeprobe.model.client import Client, ClientName, Expectation, Registration, Target
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.policy.baseline import Baseline, waived
from scopeprobe.policy.changes import changes

EXPIRES_SOON = timedelta(days=30)
"""How long before its end a secret is a finding."""
NOTHING_EXPECTED = Expectation()
_Identity: TypeAlias = tuple[FindingKind, str, str, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """What clients with all of these tags are expected to have, beside what they say themselves."""

    tags: frozenset[str]
    expect: Expectation
    audience: str | None = None
    """The target that it is about; None: all."""
    allows_unmatched: bool = False
    """There may be no client with these tags."""
    place: str = field(default="", compare=False)
    """Where it is written."""

    def holds_for(self, client: Client, target: Target) -> bool:
        return self.tags <= set(client.tags) and self.audience in {None, target.label}


@dataclass(frozen=True, slots=True)
class Policy:
    """What the maps of a run are compared with."""

    rules: tuple[Rule, ...] = ()
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was known before this run."""

    clients: Sequence[ClientName] = ()
    """Sorted."""
    proved_of: Callable[[ClientName], Mapping[CellKey, Cell]] = lambda _client: {}
    """Every cell of a client as it was last proved."""
    last: Sequence[PermissionMap] = ()
    """The maps of the run before."""
    day: date | None = None
    """On which it was begun; None: on the day of this one."""


def findings(
    maps: Iterable[PermissionMap],
    clients: Iterable[Client],
    policy: Policy,
    earlier: Earlier | None,
    today: date,
) -> list[Finding]:
    """
    All findings, sorted by cell. Changes only where there is something `earlier`.

    :param maps: are gone through several times.
    """
    ruled = [_ruled(client, policy.rules) for client in clients]
    found = [*_unexpected(maps, ruled, policy.baseline), *_expiring(maps, ruled, today)]
    if earlier is not None:
        found += changes(maps, earlier.proved_of)
    if policy.baseline is not None:
        found = list(waived(found, policy.baseline.waivers, maps, today))
    order = list(FindingKind)
    return sorted(
        _distinct(found),
        key=lambda one: (one.client, one.audience, one.scope, order.index(one.kind)),
    )


def new_findings(
    found: Iterable[Finding],
    clients: Iterable[Client],
    policy: Policy,
    earlier: Earlier,
    today: date,
) -> list[Finding]:
    """
    The findings that were not there when their cells were last proved, or in the run before.

    So neither a finding that everybody knows nor a run that met a dead server makes new ones.
    """
    clients = list(clients)
    known: set[_Identity] = set()
    for maps in (_ProvedMaps(earlier), earlier.last):
        then = findings(maps, clients, policy, None, earlier.day or today)
        known |= {_identity(one) for one in then}
    return [one for one in found if one.kind is FindingKind.CHANGED or _identity(one) not in known]


# -- what clients are expected to have


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


def _unexpected(
    maps: Iterable[PermissionMap], clients: Sequence[Client], baseline: Baseline | None
) -> Iterator[Finding]:
    """Where the maps are not as clients or the baseline say; accepted findings are left out."""
    expected = {
        (client.name, target.label): target.expect
        for client in clients
        for target in client.targets
        if target.expect.says_anything
    }
    expecting = {name for name, _ in expected}
    for permissions in maps:
        if permissions.client not in expecting and _says_as_it_should(permissions):
            continue
        cells = {} if baseline is None else {cell.key: cell for cell in permissions.cells}
        for one in _unexpected_of_client(permissions, expected):
            if baseline is None or not baseline.accepts(one, cells):
                yield one
    if baseline is not None:
        yield from baseline.findings(maps)


def _says_as_it_should(permissions: PermissionMap) -> bool:
    """No cell is a finding where nothing is expected."""
    settled = {Verdict.GRANTED, Verdict.DENIED}
    return all(verdict in settled for verdict, _ in permissions.tally)


def _unexpected_of_client(
    permissions: PermissionMap, expected: Mapping[tuple[ClientName, str], Expectation]
) -> Iterator[Finding]:
    if permissions.is_unauthenticated:
        first = permissions.cells[0]
        detail = _and_what_stood_in_the_way(first.reason, permissions.cells)
        yield Finding(FindingKind.UNAUTHENTICATED, first.client, first.audience, "", detail)
        return
    for cell in permissions.cells:
        expect = expected.get((cell.client, cell.audience), NOTHING_EXPECTED)
        for kind, detail in _unexpected_of_cell(cell, expect):
            yield Finding(kind, cell.client, cell.audience, cell.scope, detail)


def _unexpected_of_cell(cell: Cell, expect: Expectation) -> Iterator[tuple[FindingKind, str]]:
    scope, verdict = cell.scope, cell.verdict
    match verdict:
        case Verdict.DENIED:
            if expect.wants(scope):
                yield FindingKind.MISSING, f"expected granted, is denied: {cell.reason}"
        case Verdict.GRANTED | Verdict.UNENFORCED:
            if expect.forbids(scope):
                yield FindingKind.EXCESS, f"expected denied, is {verdict}"
            elif expect.granted is not None and not expect.wants(scope):
                yield FindingKind.EXCESS, f"not expected, is {verdict}"
            if verdict is Verdict.UNENFORCED:
                yield FindingKind.UNENFORCED, cell.reason
        case Verdict.UNKNOWN:
            yield FindingKind.UNKNOWN, _and_what_stood_in_the_way(cell.reason, [cell])
        case Verdict.UNAUTHENTICATED:
            yield FindingKind.UNAUTHENTICATED, _and_what_stood_in_the_way(cell.reason, [cell])


def _and_what_stood_in_the_way(reason: Reason, cells: Iterable[Cell]) -> str:
    return ": ".join(filter(None, (reason, what_stood_in_the_way(cells))))


# -- secrets, and clients that end with them


def _expiring(
    maps: Iterable[PermissionMap], clients: Iterable[Client], today: date
) -> Iterator[Finding]:
    tested = {permissions.client: permissions.registration for permissions in maps}
    for client in clients:
        if client.name in tested:
            told = tested[client.name] or Registration()
            words = (
                _expiry(
                    "its secret expires on", "its secret expired on", client.secret_expires, today
                ),
                told.state and f"its server says that it is {told.state}",
                _expiry(
                    "its server deletes it on", "its server was to delete it on", told.ends, today
                ),
            )
            if detail := "; ".join(filter(None, words)):
                yield Finding(FindingKind.SECRET_EXPIRY, client.name, "", "", detail)


def _expiry(ahead: str, past: str, end: date | None, today: date) -> str:
    """When something ends or ended, in words; nothing while that is far off."""
    if end is None or end > today + EXPIRES_SOON:
        return ""
    left = (end - today).days
    if left < 0:
        return f"{past} {end}"
    return f"{ahead} {end}, in {left} day{'' if left == 1 else 's'}"


# -- telling findings apart


@dataclass(frozen=True, slots=True)
class _ProvedMaps:
    """What was proved of every client, one map after the other."""

    earlier: Earlier

    def __iter__(self) -> Iterator[PermissionMap]:
        for client in self.earlier.clients:
            if proved := self.earlier.proved_of(client):
                yield PermissionMap(client, tuple(cell for _, cell in sorted(proved.items())))


def _identity(one: Finding) -> _Identity:
    return one.kind, one.client, one.audience, one.scope


def _distinct(found: Iterable[Finding]) -> Iterable[Finding]:
    """One of each kind a cell: that of the expectations goes before that of the baseline."""
    first: dict[_Identity, Finding] = {}
    for one in found:
        first.setdefault(_identity(one), one)
    return first.values()
