"""From options to a fleet and its limits; what is wrong with an option is said like the rest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio

from scopeprobe.errors import InputError
from scopeprobe.inputs import Fleet, Overrides, Selection, read_clients, read_servers
from scopeprobe.inputs.units import parse_duration
from scopeprobe.inputs.values import endpoint as check_endpoint
from scopeprobe.inputs.values import is_plain_http_abroad
from scopeprobe.inputs.values import issuer as check_issuer
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import FindingKind
from scopeprobe.model.provider import Verify
from scopeprobe.model.rate import parse_rate
from scopeprobe.model.server import Connection, Endpoints, Server
from scopeprobe.providers import read_packs

T = TypeVar("T")


def parsed(name: str, text: str | None, parse: Callable[[str], T]) -> T | None:
    """Read the text of an option. Raises InputError that names the option."""
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise InputError([f"{name} {text}: {error}"]) from error


@dataclass(frozen=True, slots=True)
class Sources:
    """Where clients and candidates come from."""

    clients: list[Path]
    scopes: list[Path] | None = None
    scope: list[str] | None = None
    providers: list[Path] | None = None
    allow_literal_secrets: bool = False
    scopes_from_metadata: bool = False
    client: list[str] | None = None
    tag: list[str] | None = None


def read_fleet(sources: Sources, overrides: Overrides) -> Fleet:
    """Read all inputs, but no metadata. What is worth a notice stands in the fleet."""
    return read_clients(
        sources.clients,
        scopes_files=sources.scopes or (),
        extra_scopes=sources.scope or (),
        packs=read_packs(sources.providers or ()),
        overrides=overrides,
        scopes_from_metadata=sources.scopes_from_metadata,
        allow_literal_secrets=sources.allow_literal_secrets,
        chosen=Selection(tuple(sources.client or ()), tuple(sources.tag or ())),
        stdin=sys.stdin,
    )


def with_metadata(fleet: Fleet) -> Fleet:
    """Read the metadata of every issuer, where any is named."""
    from scopeprobe.audits.discover import resolve  # noqa: PLC0415 - heavy, rarely needed

    return anyio.run(resolve, fleet) if fleet.needs_metadata else fleet


def server_of(issuer: str, overrides: Overrides) -> Server:
    """A server of which only the issuer is known. Raises InputError where that cannot be one."""
    parsed("--issuer", issuer, check_issuer)
    if is_plain_http_abroad(issuer):
        raise InputError([f"--issuer {issuer}: must be https"])
    connection = Connection(timeout=overrides.timeout) if overrides.timeout else Connection()
    return Server(issuer, Endpoints(issuer=issuer), connection)


def chosen_servers(words: Sequence[Path], overrides: Overrides) -> list[Server]:
    """
    The servers of clients files; where the last word is no file, the one it names.

    Raises InputError where none of them names an issuer.
    """
    *files, last = words
    name = str(last) if files and str(last) != "-" and not last.exists() else None
    paths = files if name is not None else list(words)
    servers, servers_of_clients = read_servers(paths, overrides=overrides, stdin=sys.stdin)
    if name is not None:
        server = servers.get(name) or servers_of_clients.get(ClientName(name))
        if server is None:
            raise InputError([f"{name}: is no file, and no server or client of {paths[0]}"])
        servers = {server.name: server}
    if not any(server.endpoints.issuer for server in servers.values()):
        raise InputError([f"{name or paths[0]}: no issuer is named, so there is nothing to read"])
    return [servers[name] for name in sorted(servers)]


def overrides_from(
    *,
    rate: str | None,
    client_rate: str | None,
    timeout: str | None,
    in_flight: int | None,
    retries: int | None,
    max_auth_failures: int | None,
    verify: Verify | None = None,
    revokes: bool = False,
) -> Overrides:
    return Overrides(
        rate=parsed("--rate", rate, parse_rate),
        client_rate=parsed("--client-rate", client_rate, parse_rate),
        timeout=parsed("--timeout", timeout, parse_duration),
        in_flight=in_flight,
        retries=retries,
        max_auth_failures=max_auth_failures,
        verify=verify,
        revokes=revokes,
    )


def fail_on_from(text: str) -> tuple[str, ...]:
    """The kinds of findings that fail a run. Raises InputError for one that does not exist."""
    kinds = tuple(kind.strip() for kind in text.split(",") if kind.strip())
    if kinds == ("never",):
        return ()
    if unknown := [kind for kind in kinds if kind not in {*FindingKind}]:
        known = ", ".join(FindingKind)
        raise InputError(
            [f"--fail-on: no such kind: {', '.join(unknown)} (there are {known}, never)"]
        )
    return kinds


def endpoint_from(name: str, url: str | None) -> str:
    """A token endpoint given on the command line; empty where none was."""
    if url is None:
        return ""
    parsed(name, url, check_endpoint)
    if is_plain_http_abroad(url):
        raise InputError([f"{name} {url}: must be https"])
    return url
