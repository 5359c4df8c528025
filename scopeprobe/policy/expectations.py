"""Where a permission map departs from what is expected of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from scopeprobe.model.clients import Client, ClientName, Expectation
from scopeprobe.model.findings import Finding, PermissionMap, Verdict


class Kind(StrEnum):
    MISSING = "missing"
    """Expected granted, proved otherwise."""
    EXCESS = "excess"
    """Granted or unenforced, and expected denied or not among what is expected granted."""
    UNAUTHENTICATED = "unauthenticated"
    UNKNOWN = "unknown"
    UNENFORCED = "unenforced"


KINDS = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Departure:
    """One thing that somebody should look at."""

    kind: Kind
    client: ClientName
    audience: str
    scope: str
    detail: str


def departures(
    maps: Iterable[PermissionMap], clients: Iterable[Client], bar: Collection[str]
) -> list[Departure]:
    """All departures of the kinds that are over the bar, in the order of the maps."""
    expected = {
        (client.name, target.label): target.expect
        for client in clients
        for target in client.targets
    }
    return [
        departure
        for permissions in maps
        for departure in _of_client(permissions, expected)
        if departure.kind in bar
    ]


def _of_client(
    permissions: PermissionMap, expected: Mapping[tuple[ClientName, str], Expectation]
) -> Iterator[Departure]:
    if permissions.is_unauthenticated:
        first = permissions.findings[0]
        yield _departure(Kind.UNAUTHENTICATED, first, first.reason, scope="")
        return
    for finding in permissions.findings:
        expect = expected.get((finding.client, finding.audience), Expectation())
        yield from _of_cell(finding, expect)


def _of_cell(finding: Finding, expect: Expectation) -> Iterator[Departure]:
    scope = finding.scope
    match finding.verdict:
        case Verdict.DENIED if expect.wants(scope):
            yield _departure(
                Kind.MISSING, finding, f"expected granted, is denied: {finding.reason}"
            )
        case Verdict.GRANTED | Verdict.UNENFORCED:
            if expect.forbids(scope):
                yield _departure(Kind.EXCESS, finding, f"expected denied, is {finding.verdict}")
            elif expect.granted is not None and not expect.wants(scope):
                yield _departure(Kind.EXCESS, finding, f"not expected, is {finding.verdict}")
            if finding.verdict is Verdict.UNENFORCED:
                yield _departure(Kind.UNENFORCED, finding, finding.reason)
        case Verdict.UNKNOWN:
            yield _departure(Kind.UNKNOWN, finding, finding.reason)
        case Verdict.UNAUTHENTICATED:
            yield _departure(Kind.UNAUTHENTICATED, finding, finding.reason)
        case _:
            return


def _departure(kind: Kind, finding: Finding, detail: str, scope: str | None = None) -> Departure:
    return Departure(
        kind=kind,
        client=finding.client,
        audience=finding.audience,
        scope=finding.scope if scope is None else scope,
        detail=detail,
    )
