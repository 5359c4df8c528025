"""The summary of a run, and what of it deserves a notice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scopeprobe.engine.usage import Usage
from scopeprobe.inputs import Fleet
from scopeprobe.model.cell import PermissionMap, Reason
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding
from scopeprobe.model.http import Purpose
from scopeprobe.model.run import Run
from scopeprobe.policy import compare_with_advertised
from scopeprobe.reports.summary import (
    Commands,
    NotTested,
    ServerSummary,
    Summary,
    client_summaries,
    counts,
    moment,
    not_tested,
)
from scopeprobe.reports.texts import counted


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took, and what became of its tokens."""

    requests: int
    """Of all invocations, as the tokens are."""
    tokens: int
    by_client: Mapping[str, int]
    """Token requests, by the name of the client."""
    by_server: Mapping[str, Usage]
    """What this invocation spent, by the name of the server."""
    follow_ups: Mapping[Purpose, int]
    tokens_left_alive: int
    shared_tokens: tuple[str, ...]
    """Servers that hand out tokens that others use too."""


def build_summary(
    run: Run,
    finished: float,
    fleet: Fleet,
    maps: Sequence[PermissionMap],
    *,
    failures: tuple[Finding, ...],
    warnings: tuple[Finding, ...],
    cost: Cost,
    doubts: Iterable[tuple[ClientName, Reason]],
    commands: Commands,
) -> Summary:
    """
    Sum up what a run found, what it took, and what it could not test.

    :param finished: when it ended (epoch, seconds).
    :param failures: the findings that fail it.
    :param warnings: those that do not.
    :param doubts: clients that could not ask about a prefix, and why.
    """
    cells = [cell for permissions in maps for cell in permissions.cells]
    servers = {client.name: client.server.name for client in fleet.clients}
    with_open_cells = {cell.client for cell in cells if cell.is_open}
    unasked = (
        *_without_cells(fleet),
        *(NotTested(name, why, 0) for name, why in doubts if name not in with_open_cells),
    )
    return Summary(
        run=run.id,
        started=moment(run.started),
        finished=moment(finished),
        complete=not with_open_cells and not unasked,
        over_bar=bool(failures),
        counts=counts(cells),
        requests=cost.requests,
        tokens=cost.tokens,
        clients=client_summaries(
            maps, {client.name: client for client in fleet.clients}, cost.by_client
        ),
        servers=tuple(_server_summaries(fleet, maps, cost.by_server)),
        not_tested=(*_skipped(fleet), *unasked, *not_tested(maps, servers)),
        findings=failures,
        warnings=warnings,
        introspections=cost.follow_ups[Purpose.INTROSPECTION],
        rights_calls=cost.follow_ups[Purpose.RIGHTS],
        revocations=cost.follow_ups[Purpose.REVOCATION],
        tokens_left_alive=cost.tokens_left_alive,
        shared_tokens=cost.shared_tokens,
        authorised_by=distinct(client.authorised_by for client in fleet.clients),
        commands=commands,
        contact=distinct(client.server.connection.contact for client in fleet.clients),
    )


def _server_summaries(
    fleet: Fleet, maps: Sequence[PermissionMap], by_server: Mapping[str, Usage]
) -> Iterator[ServerSummary]:
    clients = fleet.clients
    servers = {client.server.name: client.server for client in clients}
    for name, server in sorted(servers.items()):
        members = {client.name for client in clients if client.server.name == name}
        cells = [f for m in maps if m.client in members for f in m.cells]
        advertised = compare_with_advertised(server.scopes_supported, cells)
        usage = by_server.get(name, Usage())
        yield ServerSummary(
            name=name,
            token_endpoint=server.address,
            requests=usage.requests,
            throttled=usage.throttled,
            seconds=round(usage.seconds, 3),
            advertised_but_refused=advertised.refused if advertised else None,
            granted_but_not_advertised=advertised.unadvertised if advertised else None,
        )


def _skipped(fleet: Fleet) -> Iterator[NotTested]:
    """Clients that the inputs say to skip: the run is complete without them."""
    for client in sorted(fleet.skipped, key=lambda one: one.name):
        cells = sum(len(target.candidates) for target in client.targets)
        yield NotTested(client.name, Reason.NOT_ASKED, cells)


def _without_cells(fleet: Fleet) -> Iterator[NotTested]:
    """Clients that have no candidates, because the metadata with them could not be read."""
    for client in fleet.clients:
        fault = fleet.unusable.get(client.server.name)
        if fault and not any(target.candidates for target in client.targets):
            yield NotTested(client.name, fault.reason, 0, fault.words)


def distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(filter(None, values))))


# -- notices


def notices_of(summary: Summary, maps: Iterable[PermissionMap], fleet: Fleet) -> Iterator[str]:
    """What a person should be told of a run beside its findings."""
    yield from _other_regions(maps, fleet)
    yield from _token_notices(summary, fleet)


def _other_regions(maps: Iterable[PermissionMap], fleet: Fleet) -> Iterator[str]:
    """Clients that their region does not know or rejects: they may be of another one."""
    servers = {client.name: client.server for client in fleet.clients}
    for permissions in maps:
        server = servers[permissions.client]
        if not (server.other_regions and permissions.is_unauthenticated):
            continue
        if all(cell.reason is Reason.UNKNOWN_CLIENT for cell in permissions.cells):
            yield (
                f"{permissions.client}: {server.region} knows no such client; it may be of another"
                f" region: {', '.join(server.other_regions)}"
            )
        else:
            yield (
                f"{permissions.client}: {server.region} rejects its credentials, as it would reject"
                " those of a client of another region"
            )


def _token_notices(summary: Summary, fleet: Fleet) -> Iterator[str]:
    asked = {client.server for client in fleet.clients}
    if silent := distinct(s.name for s in asked if s.revokes and not s.endpoints.revocation):
        names = ", ".join(silent)
        yield f"no revocation_endpoint of {names} is known: their tokens stay valid until they end"
    if summary.shared_tokens:
        servers = ", ".join(summary.shared_tokens)
        yield f"nothing was revoked on {servers}: tokens there are shared with other users of them"
    if summary.tokens_left_alive:
        alive = counted(summary.tokens_left_alive, "token")
        yield f"{alive} could not be revoked: valid until the server ends them"
