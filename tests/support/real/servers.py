"""Starts real authorization servers on this machine and stops them again."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import node_packages
import trustme
from credentials import Identity, self_signed, write_private
from fleet import (
    CellKey,
    Client,
    Fleet,
    own_grants,
    own_grants_by_resource,
    whatever_exists,
    whatever_is_asked,
)
from processes import gunicorn, running

HERE = Path(__file__).parent


@dataclass(frozen=True)
class RealServer:
    name: str
    fleet: Fleet
    truth: Mapping[CellKey, str]
    """The verdict that is right, for every client and candidate."""
    issuer: str
    token_endpoint: str
    introspection_endpoint: str = ""
    revocation_endpoint: str = ""
    mtls_token_endpoint: str = ""
    ca_file: Path | None = None
    identities: Mapping[str, Identity] = field(default_factory=dict)
    """The certificates of its clients, by their ids."""
    also_honest: Mapping[CellKey, frozenset[str]] = field(default_factory=dict)
    """Verdicts beside the truth, where no answer of the server tells more."""


@contextmanager
def oidc_provider(
    fleet: Fleet, mode: Literal["static", "resource", "resources"], port: int = 0
) -> Iterator[RealServer]:
    """The npm package oidc-provider.

    static: no resource server, opaque tokens.
    resource: one default resource server, JWT access tokens.
    resources: three of them, none the default; each client has grants of its own at each.
    """
    with folder_of(fleet) as folder, node("oidc_provider.mjs", folder, mode, port) as issuer:
        yield RealServer(
            f"oidc-provider-{mode}",
            fleet,
            own_grants_by_resource(fleet) if mode == "resources" else own_grants(fleet),
            issuer,
            f"{issuer}/token",
            f"{issuer}/token/introspection",
            f"{issuer}/token/revocation",
        )


@contextmanager
def oauth2_mock_server(fleet: Fleet, port: int = 0) -> Iterator[RealServer]:
    """The npm package oauth2-mock-server: it is told nothing of the fleet, and grants all."""
    truth = dict.fromkeys(whatever_is_asked(fleet), "unenforced")  # a wrong secret is as good
    with folder_of(fleet) as folder, node("oauth2_mock_server.mjs", folder, "", port) as issuer:
        yield RealServer(
            "oauth2-mock-server",
            fleet,
            truth,
            issuer,
            f"{issuer}/token",
            f"{issuer}/introspect",
            f"{issuer}/revoke",
        )


@contextmanager
def authlib_server(fleet: Fleet, port: int = 0) -> Iterator[RealServer]:
    """Authlib on Flask and gunicorn."""
    with folder_of(fleet) as folder:
        app = f"authlib_server:create_app({str(folder / 'fleet.json')!r})"
        environment = os.environ | {"AUTHLIB_INSECURE_TRANSPORT": "1"}
        with gunicorn(app, folder, environment, port) as used:
            issuer = f"http://127.0.0.1:{used}"
            yield RealServer(
                "authlib",
                fleet,
                own_grants(fleet),
                issuer,
                f"{issuer}/token",
                f"{issuer}/introspect",
                f"{issuer}/revoke",
            )


@contextmanager
def django_stock(fleet: Fleet, port: int = 0) -> Iterator[RealServer]:
    """Django OAuth Toolkit as it comes: no scopes of single clients."""
    stock = "oauth2_provider.scopes.SettingsScopes"
    with _django(fleet, stock, whatever_exists(fleet), port) as server:
        yield server


@contextmanager
def django_per_client(fleet: Fleet, port: int = 0) -> Iterator[RealServer]:
    """Django OAuth Toolkit with a scopes backend that knows what each client may have."""
    with _django(fleet, "django_scopes.PerClientScopes", own_grants(fleet), port) as server:
        yield server


@contextmanager
def _django(
    fleet: Fleet, backend: str, truth: Mapping[CellKey, str], port: int
) -> Iterator[RealServer]:
    with folder_of(fleet) as folder:
        app = f"django_server:create_app({str(folder / 'fleet.json')!r}, {backend!r})"
        with gunicorn(app, folder, os.environ, port) as used:
            issuer = f"http://127.0.0.1:{used}"
            yield RealServer(
                "django-oauth-toolkit",
                fleet,
                truth,
                issuer,
                f"{issuer}/token/",
                f"{issuer}/introspect/",
                f"{issuer}/revoke_token/",
            )


@contextmanager
def tls_server(fleet: Fleet, mtls_port: int = 0) -> Iterator[RealServer]:
    """Python's own TLS, with a port that lets nobody in without a certificate."""
    with tempfile.TemporaryDirectory(prefix="scopeprobe-real-") as name:
        folder = Path(name)
        identities = _issue_certificates(fleet, folder)
        told = json.loads(fleet.as_json())
        for client in told["clients"]:
            if client["token_endpoint_auth_method"] == "self_signed_tls_client_auth":
                client["x5t#S256"] = identities[client["client_id"]].thumbprint
        (folder / "fleet.json").write_text(json.dumps(told))
        command = [sys.executable, HERE / "tls_server.py", folder, mtls_port]
        with running(command, folder) as server:
            ports = server.printed()
            issuer = f"https://127.0.0.1:{ports['port']}"
            yield RealServer(
                "mutual-tls",
                fleet,
                own_grants(fleet),
                issuer,
                f"{issuer}/token",
                mtls_token_endpoint=f"https://127.0.0.1:{ports['mtls_port']}/token",
                ca_file=folder / "server-ca.crt",
                identities=identities,
            )


def _issue_certificates(fleet: Fleet, folder: Path) -> dict[str, Identity]:
    """Those of the clients; beside them, in the folder, the server's and the two authorities'."""
    servers, clients = trustme.CA(), trustme.CA(organization_name="clients.example")
    servers.cert_pem.write_to_path(folder / "server-ca.crt")
    _write(servers.issue_cert("127.0.0.1"), folder, "server")
    identities = {}
    trusted = [clients.cert_pem.bytes()]
    for client in fleet.clients:
        match client.token_endpoint_auth_method:
            case "tls_client_auth":
                identities[client.client_id] = _write(_leaf(clients, client), folder, client.name)
            case "self_signed_tls_client_auth":
                own = identities[client.client_id] = self_signed(folder, client.name)
                trusted.append(own.certificate.read_bytes())
    (folder / "trusted-clients.crt").write_bytes(b"".join(trusted))
    return identities


def _leaf(authority: trustme.CA, client: Client) -> trustme.LeafCert:
    if client.tls_client_auth_san_dns:
        return authority.issue_cert(client.tls_client_auth_san_dns)
    names = dict(part.split("=") for part in client.tls_client_auth_subject_dn.split(","))
    return authority.issue_cert(
        common_name=names["CN"],
        organization_unit_name=names["OU"],
        organization_name=names["O"],
    )


def _write(leaf: trustme.LeafCert, folder: Path, name: str) -> Identity:
    certificate = folder / f"{name}.crt"
    certificate.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    key = write_private(folder / f"{name}.key", leaf.private_key_pem.bytes())
    return Identity(certificate, key)


@contextmanager
def node(script: str, folder: Path, mode: str, port: int = 0) -> Iterator[str]:
    """Runs a script of `node/`; gives its issuer."""
    node_packages.install()
    command = [node_packages.executable(), node_packages.NODE / script]
    with running([*command, mode, folder / "fleet.json", port], folder) as server:
        yield f"http://127.0.0.1:{server.printed()['port']}"


@contextmanager
def folder_of(fleet: Fleet) -> Iterator[Path]:
    """A folder for the files of one server, with what it is told of the fleet."""
    with tempfile.TemporaryDirectory(prefix="scopeprobe-real-") as name:
        folder = Path(name)
        (folder / "fleet.json").write_text(fleet.as_json())
        yield folder
