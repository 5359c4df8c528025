"""
What identity products export of their applications, as the clients of a clients file.

Okta: `GET /api/v1/apps` or `GET /oauth2/v1/clients`. Entra ID: Microsoft Graph's `applications`, or
`az ad app list`. Keycloak: a realm's export, or its list of clients. No secret is taken over, not
even where an export holds one: each client gets a reference that is to be filled in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import tomlkit
from tomlkit.items import InlineTable, Table

from scopeprobe.errors import InputError
from scopeprobe.inputs.parsers import read_document
from scopeprobe.inputs.sources import StandardInput
from scopeprobe.model.client import AuthMethod

_BY_KEY = {AuthMethod.PRIVATE_KEY_JWT}
_BY_CERTIFICATE = {AuthMethod.TLS_CLIENT_AUTH, AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH}
_KEYCLOAK = {
    "client-secret": AuthMethod.CLIENT_SECRET_BASIC,
    "client-secret-jwt": AuthMethod.CLIENT_SECRET_JWT,
    "client-jwt": AuthMethod.PRIVATE_KEY_JWT,
    "client-x509": AuthMethod.TLS_CLIENT_AUTH,
}
_GRANT = "client_credentials"
Export: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Application:
    """One client as it was exported."""

    title: str
    client_id: str
    method: AuthMethod
    scopes: tuple[str, ...] = ()
    secret_expires: str = ""
    left_out: str = ""
    """Why it cannot be audited; empty where it can."""


@dataclass(frozen=True, slots=True)
class Import:
    """The applications of an export, and where their tokens come from."""

    product: str
    issuer: str
    applications: tuple[Application, ...] = field(default_factory=tuple)


def read_export(product: str, path: Path, issuer: str = "") -> Import:
    """
    Read what a product exported; `issuer` goes before what can be found out from that.

    :raises InputError: where it is no such export.
    """
    data = read_document(path, StandardInput(None)).data
    try:
        found_issuer, applications = _READERS[product](data)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise InputError([f"{path}: is no export of applications by {product}"]) from None
    return Import(product, issuer or found_issuer, tuple(applications))


# -- the products


def _okta(data: object) -> tuple[str, list[Application]]:
    items = _items(data)
    hosts = [host for item in items for host in _hosts(item.get("_links"))]
    host = hosts[0] if hosts else "YOUR-ORG.okta.com"
    return f"https://{host}/oauth2/default", [_okta_application(item) for item in items]


def _okta_application(item: Export) -> Application:
    if "client_id" in item:  # of /oauth2/v1/clients
        return _application(
            str(item.get("client_name", item["client_id"])),
            str(item["client_id"]),
            str(item.get("token_endpoint_auth_method", "client_secret_basic")),
            grants=item.get("grant_types", ()),
        )
    oauth = item.get("credentials", {}).get("oauthClient", {})
    if not oauth:
        return _left_out(str(item["label"]), "is no OAuth client")
    settings = item.get("settings", {}).get("oauthClient", {})
    return _application(
        str(item["label"]),
        str(oauth["client_id"]),
        str(oauth.get("token_endpoint_auth_method", "client_secret_basic")),
        grants=settings.get("grant_types", ()),
        is_enabled=item.get("status", "ACTIVE") == "ACTIVE",
    )


def _entra(data: object) -> tuple[str, list[Application]]:
    items = _items(data["value"] if isinstance(data, dict) else data)
    domains = [item["publisherDomain"] for item in items if item.get("publisherDomain")]
    tenant = domains[0] if domains else "YOUR-TENANT"
    return f"https://login.microsoftonline.com/{tenant}/v2.0", list(map(_entra_application, items))


def _entra_application(item: Export) -> Application:
    title, client_id = str(item["displayName"]), str(item["appId"])
    passwords, keys = item.get("passwordCredentials") or (), item.get("keyCredentials") or ()
    if not (passwords or keys):
        return _left_out(title, "has no credentials")
    ends = sorted(str(one.get("endDateTime") or "")[:10] for one in (passwords or keys))
    method = AuthMethod.CLIENT_SECRET_POST if passwords else AuthMethod.PRIVATE_KEY_JWT
    return Application(title, client_id, method, secret_expires=ends[-1])


def _keycloak(data: object) -> tuple[str, list[Application]]:
    realm = str(data["realm"]) if isinstance(data, dict) else "YOUR-REALM"
    items = _items(data["clients"] if isinstance(data, dict) else data)
    issuer = f"https://YOUR-KEYCLOAK/realms/{realm}"
    return issuer, list(map(_keycloak_application, items))


def _keycloak_application(item: Export) -> Application:
    title = str(item["clientId"])
    if item.get("publicClient"):
        return _left_out(title, "is a public client")
    if item.get("bearerOnly") or not item.get("serviceAccountsEnabled"):
        return _left_out(title, f"may not use {_GRANT}")
    if not item.get("enabled", True):
        return _left_out(title, "is disabled")
    method = _KEYCLOAK.get(str(item.get("clientAuthenticatorType", "client-secret")))
    if method is None:
        return _left_out(title, "authenticates in a way that is not known")
    scopes = (*item.get("defaultClientScopes", ()), *item.get("optionalClientScopes", ()))
    return Application(title, title, method, scopes=tuple(map(str, scopes)))


_READERS: Mapping[str, Callable[[object], tuple[str, list[Application]]]] = {
    "okta": _okta,
    "entra": _entra,
    "keycloak": _keycloak,
}


def _application(
    title: str, client_id: str, method: str, *, grants: Iterable[str], is_enabled: bool = True
) -> Application:
    if not is_enabled:
        return _left_out(title, "is disabled")
    if method == AuthMethod.NONE:
        return _left_out(title, "is a public client")
    if _GRANT not in grants:
        return _left_out(title, f"may not use {_GRANT}")
    return Application(title, client_id, AuthMethod(method))


def _left_out(title: str, why: str) -> Application:
    return Application(title, "", AuthMethod.NONE, left_out=why)


def _items(data: object) -> Sequence[Export]:
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise TypeError
    return data


def _hosts(links: object) -> Iterator[str]:
    """Of all addresses in an application's links."""
    if isinstance(links, dict):
        for key, value in links.items():
            if key == "href" and isinstance(value, str) and urlsplit(value).hostname:
                yield str(urlsplit(value).hostname)
            else:
                yield from _hosts(value)


# -- the clients file


def clients_text(found: Import) -> str:
    """A clients file of all that can be audited; what is in capitals is to be filled in."""
    document = tomlkit.document()
    document.add(tomlkit.comment(f"The applications of {found.product}. Fill in what is in"))
    document.add(tomlkit.comment("capitals, and set the environment variables of the secrets."))
    server = tomlkit.table()
    server["issuer"] = found.issuer
    servers = tomlkit.table(is_super_table=True)
    servers[found.product] = server
    document["servers"] = servers
    clients = tomlkit.aot()
    names: set[str] = set()
    for application in found.applications:
        if not application.left_out:
            name = _name(application.title, names)
            names.add(name.lower())
            clients.append(_client(application, name, found.product))
    document["clients"] = clients
    return tomlkit.dumps(document)


def _client(application: Application, name: str, server: str) -> Table:
    client = tomlkit.table()
    client["name"] = name
    client["server"] = server
    client["client_id"] = application.client_id
    client["token_endpoint_auth_method"] = application.method.value
    variable = re.sub(r"[^A-Z0-9]+", "_", name.upper())
    if application.method in _BY_KEY:
        client["private_key"] = _reference(f"{variable}_KEY")
    elif application.method in _BY_CERTIFICATE:
        client["tls_client_certificate"] = f"{name}.pem"
        client["tls_client_key"] = f"{name}.key"
    else:
        client["client_secret"] = _reference(f"{variable}_SECRET")
    if application.scopes:
        client["scopes"] = list(application.scopes)
    if application.secret_expires:
        client["secret_expires"] = application.secret_expires
    return client


def _reference(variable: str) -> InlineTable:
    reference = tomlkit.inline_table()
    reference["env"] = variable
    return reference


def _name(title: str, taken: set[str]) -> str:
    """A name that a client may have, as like its title as can be."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", title).strip("-._")[:60] or "client"
    number, name = 1, plain
    while name.lower() in taken:
        number += 1
        name = f"{plain}-{number}"
    return name
