"""Fleet files: the servers of a lab with their clients, as TOML."""

from __future__ import annotations

from collections import Counter
from importlib.resources.abc import Traversable
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from scopeprobe.errors import LabError
from scopeprobe.lab.answers import Table
from scopeprobe.lab.clients import Client
from scopeprobe.lab.profiles import parse_toml, read_profile
from scopeprobe.lab.schema import CLIENT_CREDENTIALS, AuthMethod
from scopeprobe.lab.server import AuthorizationServer

Name: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A server's name; it becomes a segment of its token endpoint's path."""

ScopeToken: TypeAlias = Annotated[str, Meta(pattern=r"^[\x21\x23-\x5B\x5D-\x7E]+$")]
"""`scope-token` of RFC 6749 section 3.3."""


class ClientTable(Table, frozen=True):
    """`[[servers.NAME.clients]]`. Without a `client_secret` and a `jwk` it is a public client."""

    client_id: Annotated[str, Meta(min_length=1)]
    """Unique on its server."""
    client_secret: Annotated[str, Meta(min_length=1)] | None = None
    """The right one: an invented secret, which no real client has."""
    granted: tuple[ScopeToken, ...] = ()
    """The scopes that it has."""
    grant_types: tuple[str, ...] = (CLIENT_CREDENTIALS,)
    """The grants that it may use."""
    method: AuthMethod | None = None
    """The registered `token_endpoint_auth_method`, for servers that enforce it."""
    jwk: dict[str, Any] | None = None
    """Its public key, or a JWK Set."""
    roles: tuple[str, ...] = ()
    """Rights that no scope asks for."""
    targets: dict[str, tuple[ScopeToken, ...]] | None = None
    """The audiences or resources that it may ask for, with the scopes granted there."""
    dpop_bound_access_tokens: bool = False
    """It has to prove a key with each request (RFC 9449)."""
    state: str = "active"
    """As a rights API calls it."""
    date_to_delete: str | None = None
    """The moment that a rights API tells (ISO 8601)."""


class ServerTable(Table, frozen=True):
    """`[servers.NAME]`."""

    profile: str = msgspec.field(name="manner")
    """The server that it is like: `scopeprobe lab --list` tells all."""
    scopes: tuple[ScopeToken, ...] = ()
    """Scopes that exist although nobody here was granted them."""
    targets: tuple[str, ...] = ()
    """Audiences or resources that exist."""
    introspectors: dict[str, str] = msgspec.field(default_factory=dict)
    """Resource servers with their secrets."""
    clients: tuple[ClientTable, ...] = ()
    """Who is registered there."""
    override: dict[str, Any] = msgspec.field(default_factory=dict)
    """Tables of the profile, as in its file, that are different on this server."""


class FleetTable(Table, frozen=True):
    """The servers of a lab, with their clients."""

    servers: dict[Name, ServerTable]
    """By name, which is a part of their token endpoints' paths."""


def read_fleet(path: Traversable) -> tuple[AuthorizationServer, ...]:
    """Read a fleet file. An error names the file and the place in it."""
    place = str(path)
    try:
        fleet = msgspec.convert(parse_toml(path, place=place), FleetTable)
    except msgspec.ValidationError as exc:
        raise LabError(f"{place}: {exc}") from exc
    return tuple(
        build_server(name, table, place=f"{place}: servers.{name}")
        for name, table in fleet.servers.items()
    )


def build_server(name: str, table: ServerTable, *, place: str) -> AuthorizationServer:
    """Turn one table into a server; its profile's file and its `override` are read as one."""
    ids = Counter(client.client_id for client in table.clients)
    if twice := [client_id for client_id, count in ids.items() if count > 1]:
        raise LabError(f"{place}: client_id {twice[0]!r} is used twice")
    try:
        profile = read_profile(table.profile, table.override)
    except LabError as exc:
        raise LabError(f"{place}: {exc}") from exc
    return AuthorizationServer(
        name,
        profile,
        map(register, table.clients),
        scopes=table.scopes,
        targets=table.targets,
        introspectors=table.introspectors,
    )


def register(table: ClientTable) -> Client:
    return Client(
        table.client_id,
        table.client_secret,
        [*table.granted],
        table.grant_types,
        method=table.method,
        jwk=table.jwk,
        roles=table.roles,
        targets=table.targets,
        dpop_bound_access_tokens=table.dpop_bound_access_tokens,
        state=table.state,
        date_to_delete=table.date_to_delete,
    )
