"""Where a permission map departs from what is expected of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from scopeprobe.model.cell import Cell, PermissionMap, Verdict
from scopeprobe.model.client import Client, ClientName, Expectation


class FindingKind(StrEnum):
    MISSING = "missing"
    """Expected granted, proved otherwise."""
    EXCESS = "excess"
    """Granted or unenforced, and expected denied or not among what is expected granted."""
    CHANGED = "changed"
    """Proved to be another than when it was last proved."""
    UNAUTHENTICATED = "unauthenticated"
    UNKNOWN = "unknown"
    UNENFORCED = "unenforced"
    SECRET_EXPIRY = "secret_expiry"
    """A secret that expires within thirty days, or has expired."""
    STALE_WAIVER = "stale_waiver"
    """A waiver that has expired, or that nothing needs any more."""


FINDING_KINDS = tuple(FindingKind)
NOTHING_EXPECTED = Expectation()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody should look at."""

    kind: FindingKind
    client: ClientName
    audience: str
    scope: str
    detail: str


def findings(maps: Iterable[PermissionMap], clients: Iterable[Client]) -> Iterator[Finding]:
    """All departures from what clients are expected to have, in the order of the maps."""
    expected = {
        (client.name, target.label): target.expect
        for client in clients
        for target in client.targets
    }
    for permissions in maps:
        for kind, cell, scope, detail in _of_client(permissions, expected):
            yield Finding(kind, cell.client, cell.audience, scope, detail)


_Found = tuple[FindingKind, Cell, str, str]
"""What kind of departure, where it was found, the scope it is about, and the detail."""


def _of_client(
    permissions: PermissionMap, expected: Mapping[tuple[ClientName, str], Expectation]
) -> Iterator[_Found]:
    if permissions.is_unauthenticated:
        first = permissions.cells[0]
        yield FindingKind.UNAUTHENTICATED, first, "", first.reason
        return
    for cell in permissions.cells:
        expect = expected.get((cell.client, cell.audience), NOTHING_EXPECTED)
        for kind, detail in _of_cell(cell, expect):
            yield kind, cell, cell.scope, detail


def _of_cell(cell: Cell, expect: Expectation) -> Iterator[tuple[FindingKind, str]]:
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
            yield FindingKind.UNKNOWN, cell.reason
        case Verdict.UNAUTHENTICATED:
            yield FindingKind.UNAUTHENTICATED, cell.reason
