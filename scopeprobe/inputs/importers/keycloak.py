"""Keycloak: the export of a realm, or its list of clients."""

from __future__ import annotations

from scopeprobe.inputs.importers.clients_text import (
    GRANT,
    Application,
    Item,
    Server,
    items_of,
    left_out,
)
from scopeprobe.model.client import AuthMethod

_METHODS = {
    "client-secret": AuthMethod.CLIENT_SECRET_BASIC,
    "client-secret-jwt": AuthMethod.CLIENT_SECRET_JWT,
    "client-jwt": AuthMethod.PRIVATE_KEY_JWT,
    "client-x509": AuthMethod.TLS_CLIENT_AUTH,
}
"""By the names of Keycloak's client authenticators."""


def read(data: object) -> tuple[Server, list[Application]]:
    realm = str(data["realm"]) if isinstance(data, dict) else "YOUR-REALM"
    items = items_of(data["clients"] if isinstance(data, dict) else data)
    return {"issuer": f"https://YOUR-KEYCLOAK/realms/{realm}"}, list(map(_application, items))


def _application(item: Item) -> Application:
    title = str(item["clientId"])
    if item.get("publicClient"):
        return left_out(title, "is a public client")
    if item.get("bearerOnly") or not item.get("serviceAccountsEnabled"):
        return left_out(title, f"may not use {GRANT}")
    if not item.get("enabled", True):
        return left_out(title, "is disabled")
    method = _METHODS.get(str(item.get("clientAuthenticatorType", "client-secret")))
    if method is None:
        return left_out(title, "authenticates in a way that is not known")
    scopes = (*item.get("defaultClientScopes", ()), *item.get("optionalClientScopes", ()))
    return Application(title, title, method, scopes=tuple(map(str, scopes)))
