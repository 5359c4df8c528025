"""Writes the clients file with which scopeprobe audits a real server."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from credentials import signing_key, write_private
from fleet import Client
from servers import RealServer


@dataclass(frozen=True)
class Inputs:
    """Arguments and environment of an audit."""

    arguments: list[object]
    environment: dict[str, str] = field(repr=False)


def by_endpoint(server: RealServer) -> dict[str, str]:
    """Where tokens come from, written down; nothing is discovered."""
    return {"token_endpoint": server.token_endpoint}


def by_issuer(server: RealServer) -> dict[str, str]:
    """Where tokens come from is left to the server's metadata."""
    return {"issuer": server.issuer}


def enrol(folder: Path, server: RealServer, server_draft: dict[str, str]) -> Inputs:
    """A clients file and a scopes file; secrets come from the environment, keys from files."""
    settings = server_draft | {"rate": "500/s", "client_rate": "500/s"}
    if server.ca_file:
        settings["ca_file"] = str(server.ca_file)
    text = _table("[servers.real]", settings)
    environment = {}
    for n, client in enumerate(server.fleet.clients):
        text += _table("[[clients]]", _keys_of(client, server, folder))
        if client.client_secret:
            text += f'client_secret = {{ env = "SECRET_{n}" }}\n'
            environment[f"SECRET_{n}"] = client.held_secret or client.client_secret
        if client.has_key:
            text += f'private_key = {{ file = "{client.name}.pem" }}\n'
        for resource in client.resources:
            text += _table("[[clients.targets]]", {"resource": resource})
    (folder / "clients.toml").write_text(text)
    (folder / "scopes.txt").write_text("\n".join(server.fleet.candidates))
    return Inputs([folder / "clients.toml", "--scopes", folder / "scopes.txt"], environment)


def _keys_of(client: Client, server: RealServer, folder: Path) -> dict[str, object]:
    keys: dict[str, object] = {
        "name": client.name,
        "server": "real",
        "client_id": client.client_id,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
    }
    if client.token_endpoint_auth_signing_alg:
        keys["token_endpoint_auth_signing_alg"] = client.token_endpoint_auth_signing_alg
    if client.assertion_audience:
        keys["assertion_audience"] = client.assertion_audience.format(issuer=server.issuer)
    if client.dpop_bound_access_tokens:
        keys["dpop_bound_access_tokens"] = True
    if client.has_key:
        key = signing_key(client.client_id, client.token_endpoint_auth_signing_alg)
        write_private(folder / f"{client.name}.pem", key.as_pem(private=True))
        keys["kid"] = key.kid
    if identity := server.identities.get(client.client_id):
        keys["tls_client_certificate"] = str(identity.certificate)
        keys["tls_client_key"] = str(identity.key)
    return keys


def _table(head: str, keys: dict[str, object]) -> str:
    """Strings and booleans of JSON are those of TOML, as long as they are ASCII."""
    return f"{head}\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
