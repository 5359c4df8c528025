"""Explain: one client, its diagnosis, and what was found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from scopeprobe.audits.discover import Discovered, best_method, discover
from scopeprobe.diagnosis import Case, Explanation, OtherEndpoint, diagnose, explain_log
from scopeprobe.engine.http_client import connect
from scopeprobe.engine.interview import Interview, Watcher
from scopeprobe.errors import InputError
from scopeprobe.model.client import Client
from scopeprobe.model.provider import Pack, RightsApi
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import Server
from scopeprobe.model.urls import host_of, origin_of
from scopeprobe.providers import shipped_packs


def _unwatched(_number: int, _experiment: object) -> None:
    """Nobody looks on."""


def _wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Explain:
    """What an explanation is told to do."""

    client: Client
    scopes: tuple[Scope, ...] | None = None
    """What is asked for, nothing if empty; None: the client's candidates."""
    try_endpoint: str = ""
    """A token endpoint of the user's that credentials may be sent to as well."""
    packs: Sequence[Pack] = field(default_factory=shipped_packs)
    max_requests: int = 60
    max_auth_failures: int = 3
    max_pause: float = 60.0
    """Seconds: a longer throttle is not waited for."""
    now: Callable[[], datetime] = _wall_clock
    watch: Watcher = _unwatched


async def explain(order: Explain) -> Explanation:
    """Find out why a client gets no token, or not the scopes that it asks for."""
    case = await case_of(order)
    async with connect([case.client]) as transport:
        interview = Interview(
            client=case.client,
            target=case.target,
            http=transport,
            max_pause=order.max_pause,
            now=order.now,
            watch=order.watch,
        )
        await interview.conduct(diagnose(case))
    return explain_log(case, interview.log)


async def case_of(order: Explain) -> Case:
    """
    Everything that is known before the first token request; metadata is read for it.

    Raises InputError where no token endpoint is known at all.
    """
    written = order.client
    found = (await discover([written.server])).get(written.server)
    client = _discovered(written, found)
    if not client.server.endpoints.token:
        message = (
            f"{written.name}: no token_endpoint is known: the metadata of"
            f" {written.server.endpoints.issuer} cannot be had, or names none; name it in the"
            " clients file, or look with `scopeprobe discover`"
        )
        raise InputError([message])
    pack, region = _pack_of(client.server, order.packs)
    if pack is not None and not client.server.provider:
        client = replace(client, server=_with_traits(client.server, pack, region))
    endpoints = dict.fromkeys(_endpoints(order, client.server, found, pack, region))
    known = [e for e in endpoints if e.url and e.url != client.server.endpoints.token]
    target = client.targets[0]
    candidates = target.candidates if client.server.traits.send_scope else ()
    return Case(
        client=client,
        target=target,
        wanted=candidates if order.scopes is None else order.scopes,
        endpoints=tuple(known),
        methods=_methods(found, pack),
        unconfirmed=() if pack is None else pack.unconfirmed,
        issuer=client.server.endpoints.issuer,
        most_requests=order.max_requests,
        most_failures=order.max_auth_failures,
    )


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
    traits = replace(pack.traits, rights=_rights(pack.traits.rights, region))
    return replace(server, traits=traits, provider=pack.name, region=region, regions=pack.regions)


def _rights(rights: RightsApi | None, region: str) -> RightsApi | None:
    if rights is None:
        return None
    url, bearer_url = (u.replace("{region}", region) for u in (rights.url, rights.bearer_url))
    return replace(rights, url=url, bearer_url=bearer_url)


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
