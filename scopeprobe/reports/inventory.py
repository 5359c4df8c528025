"""What the inputs say: every client and how it would be asked. Never a secret."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scopeprobe.model.client import Client, GrantType
from scopeprobe.model.server import Server
from scopeprobe.reports.names import Names
from scopeprobe.reports.texts import json_text


def inventory_table(clients: Sequence[Client]) -> RenderableType:
    """Servers and clients, in 80 columns."""
    servers = Table(title="servers", title_justify="left", title_style="bold", box=None)
    servers.add_column("name", no_wrap=True)
    servers.add_column("token endpoint", overflow="fold")
    servers.add_column("rate")
    servers.add_column("per client")
    for server in _servers(clients):
        rates, client_rates = (_rates(server.limits.rates), _rates(server.limits.client_rates))
        servers.add_row(
            *map(
                Text, (server.name, server.address or server.endpoints.issuer, rates, client_rates)
            )
        )
    table = Table(title="clients", title_justify="left", title_style="bold", box=None)
    table.add_column("name")
    table.add_column("server")
    table.add_column("client_id")
    table.add_column("method", no_wrap=True)
    table.add_column("candidates", justify="right")
    names = Names(client.name for client in clients)
    servers_of = Names(client.server.name for client in clients)
    ids = Names(client.client_id for client in clients)
    for client in clients:
        candidates = sum(len(target.candidates) for target in client.targets)
        table.add_row(
            names.cell(client.name),
            servers_of.cell(client.server.name),
            ids.cell(client.client_id),
            Text(_method(client)),
            str(candidates),
        )
    return Group(servers, "", table)


def inventory_json(clients: Sequence[Client]) -> str:
    """The same for machines, with every candidate named."""
    members = {
        "version": 1,
        "servers": [
            {
                "name": server.name,
                "issuer": server.endpoints.issuer,
                "token_endpoint": server.address,
                "provider": server.provider,
                "region": server.region,
                "verify": server.traits.verify,
                "rate": [str(rate) for rate in server.limits.rates],
                "client_rate": [str(rate) for rate in server.limits.client_rates],
                "rate_group": server.group,
                "in_flight": server.limits.in_flight,
                "timeout": server.connection.timeout,
                "retries": server.limits.retries,
                "max_auth_failures": server.limits.max_auth_failures,
            }
            for server in _servers(clients)
        ],
        "clients": [
            {
                "name": client.name,
                "server": client.server.name,
                "client_id": client.client_id,
                "token_endpoint_auth_method": client.auth_method,
                "token_endpoint_auth_signing_alg": _alg(client),
                "grant_type": client.grant_type,
                "dpop_bound_access_tokens": client.binds_tokens,
                "tags": client.tags,
                "targets": [
                    {"audience": target.label, "candidates": target.candidates}
                    for target in client.targets
                ],
            }
            for client in clients
        ],
    }
    return json_text(members)


def _servers(clients: Iterable[Client]) -> list[Server]:
    servers = {client.server.name: client.server for client in clients}
    return [servers[name] for name in sorted(servers)]


def _alg(client: Client) -> str | None:
    """Name the algorithm that signs this client's assertions; None where we sign none."""
    if client.signing_key is not None:
        return client.signing_key.alg
    return client.secret_signing_alg or None


def _method(client: Client) -> str:
    """How the client authenticates; for the JWT bearer grant, by the grant's own assertion."""
    is_bearer = client.grant_type is GrantType.JWT_BEARER
    method = "jwt-bearer" if is_bearer else client.auth_method.value
    return f"{method} ({alg})" if (alg := _alg(client)) else method


def _rates(rates: Sequence[object]) -> str:
    return ", ".join(map(str, rates))
