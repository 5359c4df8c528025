"""Read the metadata of issuers, and give every client the server that it describes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import anyio

import scopeprobe
from scopeprobe.audits.off_the_loop import off_the_loop
from scopeprobe.engine.http_client import HttpClient, connect
from scopeprobe.engine.retry import HOST_IS_AWAY, METADATA, Failures, backoff, seconds_until_retry
from scopeprobe.errors import InputError
from scopeprobe.inputs import Fleet
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import AuthMethod, Client
from scopeprobe.model.fault import Fault
from scopeprobe.model.http import HttpRequest, HttpResponse, Purpose
from scopeprobe.model.server import Endpoints, Server
from scopeprobe.model.urls import host_of, is_address, is_private, origin_of
from scopeprobe.oauth.endpoint_trust import ResolvedServer, resolved_server
from scopeprobe.oauth.metadata import Metadata, MetadataProblem, read_metadata, well_known_urls
from scopeprobe.oauth.token_request import configured_headers
from scopeprobe.reports.metadata import Described

AT_ONCE = 64
"""Issuers that are asked at the same time."""
_BRIEF = 5.0
"""Seconds that a guess may take."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """What was found out about one server that names an issuer."""

    written: Server
    url: str
    """Where its metadata was read, or was last looked for."""
    metadata: Metadata | None
    outcome: ResolvedServer | MetadataProblem

    @property
    def server(self) -> Server:
        return self.outcome.server if isinstance(self.outcome, ResolvedServer) else self.written


async def discover(servers: Iterable[Server]) -> dict[Server, Discovered]:
    """Read the metadata of servers that name an issuer, each document once."""
    async with connect(()) as transport:
        return await _discover(servers, transport)


async def _discover(
    servers: Iterable[Server], transport: HttpClient, patience: float = 0.0
) -> dict[Server, Discovered]:
    servers = [server for server in dict.fromkeys(servers) if server.endpoints.issuer]
    found: dict[Server, Discovered] = {}
    turns = anyio.Semaphore(AT_ONCE)

    async def read(source: Server) -> None:
        async with turns:
            url, document = await _document(source, transport, patience)
            for server in servers:
                if _source(server) == source:
                    found[server] = await _settle(server, url, document, transport)

    async with anyio.create_task_group() as tasks:
        for source in dict.fromkeys(map(_source, servers)):
            tasks.start_soon(read, source)
    return {server: found[server] for server in servers}


def _source(server: Server) -> Server:
    """All of a server that decides how its metadata is reached: servers alike share a document."""
    connection = replace(server.connection, allow_http=False, allow_private=False)
    return Server("", Endpoints(issuer=server.endpoints.issuer), connection)


async def _document(
    server: Server, transport: HttpClient, patience: float
) -> tuple[str, Metadata | MetadataProblem]:
    """The first sound document and where it was, or the most telling refusal."""
    refusals: list[tuple[str, MetadataProblem]] = []
    for url in well_known_urls(server.endpoints.issuer):
        found = await _asked(server, url, transport, patience)
        if isinstance(found, Metadata):
            return url, found
        refusals.append((url, found))
        if found.reason in HOST_IS_AWAY:
            break
    # A 404 only says that this name is not in use here.
    return next((told for told in refusals if "is 404" not in told[1].words), refusals[0])


async def _asked(
    server: Server, url: str, transport: HttpClient, patience: float
) -> Metadata | MetadataProblem:
    request, met, began = _request(server, url), Failures(), time.monotonic()
    while True:
        found = _read(server.endpoints.issuer, await transport.fetch(server, request))
        if isinstance(found, Metadata):
            return found
        met = met.and_also(found.reason)
        seconds = seconds_until_retry(METADATA, met, server.limits)
        if seconds is None:
            is_away = found.reason is Reason.UNREACHABLE
            if not is_away or time.monotonic() - began >= patience:
                return found
            seconds = backoff(met.faults)
        await anyio.sleep(seconds)


def _request(server: Server, url: str) -> HttpRequest:
    contact = f" ({server.connection.contact})" if server.connection.contact else ""
    headers = (
        *configured_headers(server),
        ("Accept", "application/json"),
        ("User-Agent", f"scopeprobe/{scopeprobe.__version__}{contact}"),
    )
    return HttpRequest(url, b"", headers, method="GET", purpose=Purpose.METADATA)


def _read(issuer: str, response: HttpResponse | Fault) -> Metadata | MetadataProblem:
    if isinstance(response, Fault):
        return MetadataProblem(response.reason, response.words)
    return read_metadata(issuer, response)


async def _settle(
    server: Server, url: str, found: Metadata | MetadataProblem, transport: HttpClient
) -> Discovered:
    if isinstance(found, MetadataProblem):
        return Discovered(server, url, None, found)
    private = await _private_hosts(server, found, transport)
    outcome = await off_the_loop(resolved_server, server, found, private)  # may read a long list
    return Discovered(server, url, found, outcome)


async def _private_hosts(
    server: Server, metadata: Metadata, transport: HttpClient
) -> frozenset[str]:
    """Hosts that are, or resolve to, an address of a private network; looked up this moment."""
    urls = (
        server.endpoints.issuer,
        metadata.token_endpoint,
        metadata.introspection_endpoint,
        metadata.revocation_endpoint,
        metadata.mtls_token_endpoint,
    )
    hosts = set(filter(None, map(host_of, urls)))
    return frozenset([host for host in sorted(hosts) if await _is_inside(host, transport)])


async def _is_inside(host: str, transport: HttpClient) -> bool:
    if is_address(host):
        return is_private(host)
    try:
        with anyio.fail_after(10):
            return any(map(is_private, await transport.addresses(host)))
    except OSError:  # a time-out is one
        return False  # nothing can be sent to it from here; a proxy may know it


async def describe(servers: Sequence[Server]) -> list[Described]:
    """What `scopeprobe discover` tells of each server, in the order given."""
    found = await discover(servers)
    return [_described(server, found.get(server)) for server in servers]


def _described(server: Server, found: Discovered | None) -> Described:
    if found is None:
        return Described(server, "", None, None)
    match found.outcome:
        case ResolvedServer(resolved, refused):
            return Described(resolved, found.url, found.metadata, None, refused)
        case MetadataProblem() as refusal:
            return Described(server, found.url, found.metadata, refusal)


# -- a server of which only the token endpoint is known


async def with_issuer(client: Client) -> Client:
    """
    Give a client's server an issuer of its origin, where one can be found by the endpoint's path.

    It is the one whose metadata names the endpoint; else one that is a beginning of its path, or
    was given in the place of the endpoint. Nothing is asked where issuer or provider is known.
    """
    server = client.server
    if server.endpoints.issuer or server.provider:
        return client
    connection = replace(server.connection, timeout=min(server.connection.timeout, _BRIEF))
    guesses = [
        replace(server, endpoints=Endpoints(server.address, issuer), connection=connection)
        for issuer in _possible_issuers(server.address)
    ]
    found = await discover(guesses)
    documents = {guess: found[guess].metadata for guess in guesses}
    naming = [g for g, told in documents.items() if told and told.token_endpoint == server.address]
    below = [g for g, told in documents.items() if told and urlsplit(g.endpoints.issuer).path > "/"]
    for guess in (*naming, *below):
        endpoints = replace(server.endpoints, issuer=guess.endpoints.issuer)
        return replace(client, server=replace(server, endpoints=endpoints))
    return client


def _possible_issuers(endpoint: str) -> Iterator[str]:
    """The endpoint itself, the beginnings of its path, its origin with a slash and without one."""
    parts = urlsplit(endpoint)
    origin, steps = f"{parts.scheme}://{parts.netloc}", parts.path.strip("/").split("/")
    for length in range(len(steps), 0, -1):
        yield f"{origin}/{'/'.join(steps[:length])}".rstrip("/")
    yield from (origin, f"{origin}/")


# -- a whole fleet


async def resolve(fleet: Fleet) -> Fleet:
    """
    Give every client its server as the metadata describes it.

    A server whose metadata cannot be had, or is refused, becomes unusable: a notice says why. One
    whose token endpoint the user wrote is used all the same. A fleet without issuers, or one that
    is resolved already, is returned as it is.
    :raises InputError: where candidates were to come from metadata that advertises none.
    """
    if not fleet.needs_metadata:
        return fleet
    async with connect(()) as transport:
        return await resolve_by(transport, fleet)


async def resolve_by(transport: HttpClient, fleet: Fleet, patience: float = 0.0) -> Fleet:
    """The same, over connections that are there; an issuer may be away for `patience` seconds."""
    found = await _discover((client.server for client in fleet.clients), transport, patience)
    clients = tuple(_resolved(client, found.get(client.server), fleet) for client in fleet.clients)
    told = list({one.written.name: one for one in found.values()}.values())
    unusable = {
        one.written.name: Fault(one.outcome.reason, words=one.outcome.words)
        for one in told
        if isinstance(one.outcome, MetadataProblem) and not one.written.endpoints.token
    }
    if fleet.wants_advertised:
        _refuse_empty_targets(clients, unusable)
    return replace(
        fleet,
        clients=clients,
        notices=(*fleet.notices, *(text for one in told for text in _notices(one))),
        unusable=unusable,
        as_written=fleet.clients,
    )


def parted(fleet: Fleet) -> tuple[Fleet, list[Fleet]]:
    """
    The clients that can be asked at once, and those whose metadata is to be read before.

    Those of the second kind in parts that keep a pace of their own: no two servers of different
    parts share a rate group, an origin or an issuer. So each part can be asked when it is read.
    """
    if not fleet.needs_metadata:
        return fleet, []
    parts: list[tuple[set[str], list[Client]]] = []
    for client in fleet.clients:
        marks, members = _marks(client.server), [client]
        apart = []
        for part in parts:
            if part[0].isdisjoint(marks):
                apart.append(part)
            else:
                marks |= part[0]
                members = [*part[1], *members]
        parts = [*apart, (marks, members)]
    fleets = [replace(fleet, clients=tuple(members), notices=()) for _, members in parts]
    known = {client.name for one in fleets if not one.needs_metadata for client in one.clients}
    at_once = tuple(client for client in fleet.clients if client.name in known)
    return replace(fleet, clients=at_once), [one for one in fleets if one.needs_metadata]


def _marks(server: Server) -> set[str]:
    """What servers have in common that cannot be asked independently."""
    issuer = server.endpoints.issuer
    origins = {server.origin, origin_of(issuer)} if issuer else {server.origin}
    return {f"group {server.group}", *(f"origin {origin}" for origin in origins)}


def _resolved(client: Client, found: Discovered | None, fleet: Fleet) -> Client:
    if found is None:
        return client
    server = found.server
    targets = client.targets
    if fleet.wants_advertised:
        more = server.scopes_supported or ()
        targets = tuple(
            replace(target, candidates=tuple(dict.fromkeys((*target.candidates, *more))))
            for target in targets
        )
    method = client.auth_method
    if not client.names_method and found.metadata is not None:
        method = best_method(client, found.metadata.token_endpoint_auth_methods_supported)
    return replace(client, server=server, targets=targets, auth_method=method)


def best_method(client: Client, supported: Iterable[str]) -> AuthMethod:
    """
    The best authentication that the server supports and the client can do.

    RFC 9700 section 2.5 prefers asymmetric ones. Where they have none in common, what the client
    would have done anyway.
    """
    supported = frozenset(supported)
    able = [
        method
        for method in AuthMethod
        if method.value in supported and method.credential and client.has(method.credential)
    ]
    asymmetric = [method for method in able if method.is_asymmetric]
    return next(iter([*asymmetric, *able]), client.auth_method)


def _refuse_empty_targets(clients: Iterable[Client], unusable: Mapping[str, Fault]) -> None:
    empty = {
        client.server.name: client.server.endpoints.issuer
        for client in clients
        if client.server.name not in unusable and not all(t.candidates for t in client.targets)
    }
    if empty:
        raise InputError(
            f"{name}: the metadata of {issuer} has no usable scopes_supported: give --scopes FILE,"
            " or `scopes` for the client or its server"
            for name, issuer in sorted(empty.items())
        )


def _notices(one: Discovered) -> Iterator[str]:
    match one.outcome:
        case MetadataProblem(reason, words):
            rest = (
                "the token endpoint of the clients file is used"
                if one.written.endpoints.token
                else "its clients are not asked; a `token_endpoint` in the clients file needs no"
                " metadata"
            )
            yield f"{one.written.name}: metadata of {one.url}: {reason}: {words}; {rest}"
        case ResolvedServer(_, refused):
            for member, refusal in refused:
                yield f"{one.written.name}: {member} is not used: {refusal.words}"
