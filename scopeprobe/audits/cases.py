"""What is known of a client that is to be explained, before its first token request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from scopeprobe.audits.discover import Discovered, best_method, discover
from scopeprobe.audits.explain_journal import stored_in
from scopeprobe.audits.known import StoredKnowledge
from scopeprobe.audits.off_the_loop import off_the_loop
from scopeprobe.diagnosis import Case, OtherEndpoint
from scopeprobe.diagnosis.case import Known
from scopeprobe.errors import InputError
from scopeprobe.model.client import Client, Target
from scopeprobe.model.provider import Pack
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import Server
from scopeprobe.model.urls import host_of, origin_of
from scopeprobe.oauth.metadata import MetadataProblem
from scopeprobe.providers import shipped_packs
from scopeprobe.reports.explanations import NotExplained


def _wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Explain:
    """What an explanation is told to do."""

    client: Client
    scopes: tuple[Scope, ...] | None = None
    """
    What is asked for, nothing if empty.

    None: the client's candidates; where the inputs name none, those of its last run.
    """
    try_endpoint: str = ""
    """A token endpoint of the user's that credentials may be sent to as well."""
    packs: Sequence[Pack] | None = None
    """None: those that come with scopeprobe."""
    out: Path | None = None
    """
    The output folder of audits: what they found out, and what was used up of quotas.

    It is not made, but where failed authentications have to be remembered. None: nothing is known,
    and nothing remembered.
    """
    max_requests: int = 60
    max_auth_failures: int | None = None
    """None: as many as the server's own."""
    max_pause: float = 60.0
    """Seconds: a longer throttle is not waited for."""
    others: tuple[Client, ...] = ()
    """More clients, which `explain_all` explains in the same run."""
    like: Client | None = None
    """A client that works, to be compared with."""
    now: Callable[[], datetime] = _wall_clock


async def case_of(order: Explain) -> Case:
    """
    Everything that is known of the client's first target; metadata is read for it.

    Raises InputError where no token endpoint is known at all.
    """
    cases, unknown = await cases_of(order, [order.client])
    if unknown:
        raise InputError([one.told for one in unknown])
    return cases[0]


async def cases_of(
    order: Explain, clients: Iterable[Client]
) -> tuple[list[Case], list[NotExplained]]:
    """The same for each target of several clients, and those of which no endpoint is known."""
    clients = list(clients)
    found = await discover(client.server for client in clients)
    known = {client.name: _discovered(client, found.get(client.server)) for client in clients}
    reachable = [client for client in clients if known[client.name].server.endpoints.token]
    unknown = [
        _without_endpoint(client, found.get(client.server))
        for client in clients
        if client not in reachable
    ]
    asked = [(known[client.name], found.get(client.server)) for client in reachable]
    return await off_the_loop(_all_cases, order, asked), unknown


def _all_cases(order: Explain, clients: Iterable[tuple[Client, Discovered | None]]) -> list[Case]:
    with stored_in(order.out) as store:
        knowledge = None if store is None else StoredKnowledge(store, order.now())
        return [
            case for client, found in clients for case in _cases(order, client, found, knowledge)
        ]


def _without_endpoint(client: Client, found: Discovered | None) -> NotExplained:
    told = found.outcome.words if found and isinstance(found.outcome, MetadataProblem) else ""
    because = (
        f"no token_endpoint is known: the metadata of {client.server.endpoints.issuer}"
        f" {f'cannot be had ({told})' if told else 'names none'}; name it in the clients file, or"
        " with --token-endpoint; `scopeprobe discover` tells more"
    )
    return NotExplained(client.name, "", because)


def _cases(
    order: Explain, client: Client, found: Discovered | None, knowledge: StoredKnowledge | None
) -> Iterator[Case]:
    packs = shipped_packs() if order.packs is None else order.packs
    pack, region = _pack_of(client.server, packs)
    if pack is not None and not client.server.provider:
        client = replace(client, server=_with_traits(client.server, pack, region))
    limits = client.server.limits
    if order.max_auth_failures is not None:
        limits = replace(limits, max_auth_failures=order.max_auth_failures)
        client = replace(client, server=replace(client.server, limits=limits))
    endpoints = dict.fromkeys(_endpoints(order, client.server, found, pack, region))
    others = [e for e in endpoints if e.url and e.url != client.server.endpoints.token]
    for written in client.targets:
        known = Known() if knowledge is None else knowledge.of(client, written, order.scopes)
        target = replace(written, candidates=written.candidates or known.candidates)
        yield Case(
            client=client,
            target=target,
            wanted=_wanted(order, client, target),
            endpoints=tuple(others),
            methods=_methods(found, pack),
            unconfirmed=() if pack is None else pack.unconfirmed,
            issuer=client.server.endpoints.issuer,
            known=known,
            most_requests=order.max_requests,
            most_failures=limits.max_auth_failures,
        )


def _wanted(order: Explain, client: Client, target: Target) -> tuple[Scope, ...]:
    if order.scopes is not None:
        return order.scopes
    return target.candidates if client.server.traits.send_scope else ()


def _discovered(client: Client, found: Discovered | None) -> Client:
    if found is None:
        return client
    method = client.auth_method
    if not client.names_method and found.metadata is not None:
        method = best_method(client, found.metadata.token_endpoint_auth_methods_supported)
    return replace(client, server=found.server, auth_method=method)


def _methods(found: Discovered | None, pack: Pack | None) -> tuple[str, ...] | None:
    if found is not None and found.metadata is not None:
        return found.metadata.token_endpoint_auth_methods_supported
    if pack is not None and pack.token_endpoint_auth_methods:
        return pack.token_endpoint_auth_methods
    return None


def _pack_of(server: Server, packs: Sequence[Pack]) -> tuple[Pack | None, str]:
    """The pack that was chosen; or else the one in whose regions the host is, and that region."""
    for pack in packs:
        if pack.name == server.provider:
            return pack, server.region
    host = host_of(server.endpoints.token)
    for pack in packs:
        for region in pack.regions:
            if host.endswith(f".{region}"):
                return pack, region
    return None, ""


def _with_traits(server: Server, pack: Pack, region: str) -> Server:
    """What the provider of a host is known for, although its token host is another."""
    rights = pack.traits.rights
    if rights is not None:
        rights = rights.located(lambda template: template.replace("{region}", region))
    traits = replace(pack.traits, rights=rights)
    return replace(server, traits=traits, provider=pack.name, region=region, regions=pack.regions)


def _endpoints(
    order: Explain, server: Server, found: Discovered | None, pack: Pack | None, region: str
) -> Iterator[OtherEndpoint]:
    """
    Others than the configured endpoint that may be the right one.

    Credentials go to another origin only where the user or a shipped pack names it.
    """
    if order.try_endpoint:
        yield OtherEndpoint(order.try_endpoint, "as you said")
    if (
        pack is not None
        and pack.token_endpoint
        and (region or "{region}" not in pack.token_endpoint)
    ):
        url = pack.token_endpoint.replace("{region}", region)
        if pack in shipped_packs() or origin_of(url) == origin_of(server.endpoints.token):
            yield OtherEndpoint(url, f"so says {pack.title}")
    if found is not None and found.metadata is not None:
        url = found.metadata.token_endpoint
        if origin_of(url) == origin_of(server.endpoints.token):
            yield OtherEndpoint(url, f"so says the metadata of {server.endpoints.issuer}")
