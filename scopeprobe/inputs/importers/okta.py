"""Okta: `GET /api/v1/apps` or `GET /oauth2/v1/clients`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scopeprobe.inputs.importers.clients_text import (
    GRANT,
    Application,
    Item,
    Read,
    items_of,
    skipped,
)
from scopeprobe.model.client import AuthMethod
from scopeprobe.model.urls import host_of


def read(data: object) -> Read:
    items = items_of(data)
    hosts = [host for item in items for host in _hosts(item.get("_links"))]
    host = hosts[0] if hosts else "YOUR-ORG.okta.com"
    return Read({"issuer": f"https://{host}/oauth2/default"}, list(map(_application, items)))


def _application(item: Item) -> Application:
    if "client_id" in item:  # of /oauth2/v1/clients
        return _client(
            str(item.get("client_name", item["client_id"])), item, item.get("grant_types", ())
        )
    client = item.get("credentials", {}).get("oauthClient", {})
    if not client:
        return skipped(str(item["label"]), "is no OAuth client")
    if item.get("status", "ACTIVE") != "ACTIVE":
        client_id = str(client.get("client_id", ""))
        return skipped(str(item["label"]), "is disabled", client_id)
    settings = item.get("settings", {}).get("oauthClient", {})
    return _client(str(item["label"]), client, settings.get("grant_types", ()))


def _client(title: str, client: Item, grants: Iterable[str]) -> Application:
    client_id = str(client["client_id"])
    method = str(client.get("token_endpoint_auth_method", "client_secret_basic"))
    if method == AuthMethod.NONE:
        return skipped(title, "is a public client", client_id)
    if GRANT not in grants:
        return skipped(title, f"may not use {GRANT}", client_id)
    return Application(title, client_id, AuthMethod(method))


def _hosts(links: object) -> Iterator[str]:
    """The hosts of all addresses among an application's links."""
    if isinstance(links, dict):
        for key, value in links.items():
            if key == "href" and isinstance(value, str) and host_of(value):
                yield host_of(value)
            else:
                yield from _hosts(value)
