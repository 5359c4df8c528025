"""Keycloak: the export of a realm, or its list of clients."""

from __future__ import annotations

from datetime import UTC, datetime

from scopeprobe.inputs.importers.clients_text import (
    GRANT,
    Application,
    Item,
    Read,
    items_of,
    skipped,
)
from scopeprobe.model.client import AuthMethod

_METHODS = {
    "client-secret": AuthMethod.CLIENT_SECRET_BASIC,
    "client-secret-jwt": AuthMethod.CLIENT_SECRET_JWT,
    "client-jwt": AuthMethod.PRIVATE_KEY_JWT,
    "client-x509": AuthMethod.TLS_CLIENT_AUTH,
}
"""By the names of Keycloak's client authenticators."""
_ONLY_METHOD, _EXPIRES = (
    "client.secret.authentication.allowed.method",
    "client.secret.expiration.time",
)
"""Attributes (keycloak: ClientSecretConstants.java): since 26.6 a client may allow one method."""
_DIGITS = 10
"""Of a moment from 2001 to 2286."""


def read(data: object) -> Read:
    realm = str(data["realm"]) if isinstance(data, dict) else "YOUR-REALM"
    items = items_of(data["clients"] if isinstance(data, dict) else data)
    server = {"issuer": f"https://YOUR-KEYCLOAK/realms/{realm}"}
    return Read(server, list(map(_application, items)))


def _application(item: Item) -> Application:
    title = str(item["clientId"])
    if item.get("publicClient"):
        return skipped(title, "is a public client", title)
    if item.get("bearerOnly") or not item.get("serviceAccountsEnabled"):
        return skipped(title, f"may not use {GRANT}", title)
    if not item.get("enabled", True):
        return skipped(title, "is disabled", title)
    method = _METHODS.get(str(item.get("clientAuthenticatorType", "client-secret")))
    if method is None:
        return skipped(title, "authenticates in a way that is not known", title)
    attributes = item.get("attributes") or {}
    if attributes.get(_ONLY_METHOD) == AuthMethod.CLIENT_SECRET_POST:
        method = AuthMethod.CLIENT_SECRET_POST
    scopes = (*item.get("defaultClientScopes", ()), *item.get("optionalClientScopes", ()))
    return Application(
        title, title, method, tuple(map(str, scopes)), secret_expires=_day(attributes.get(_EXPIRES))
    )


def _day(seconds: object) -> str:
    """The day of a moment (epoch); empty where there is none, which is told as 0 as well."""
    told = str(seconds)
    if not (told.isdecimal() and len(told) == _DIGITS):
        return ""
    return datetime.fromtimestamp(int(told), UTC).date().isoformat()
