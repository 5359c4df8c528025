"""Entra ID: Microsoft Graph's `applications`, or `az ad app list`."""

from __future__ import annotations

from scopeprobe.inputs.importers.clients_text import Application, Item, Read, items_of, skipped
from scopeprobe.model.client import AuthMethod


def read(data: object) -> Read:
    items = items_of(data["value"] if isinstance(data, dict) else data)
    domains = [item["publisherDomain"] for item in items if item.get("publisherDomain")]
    tenant = domains[0] if domains else "YOUR-TENANT"
    server = {"issuer": f"https://login.microsoftonline.com/{tenant}/v2.0"}
    is_whole = not (isinstance(data, dict) and data.get("@odata.nextLink"))
    return Read(server, list(map(_application, items)), is_whole)


def _application(item: Item) -> Application:
    title, client_id = str(item["displayName"]), str(item["appId"])
    passwords, keys = item.get("passwordCredentials") or (), item.get("keyCredentials") or ()
    if not (passwords or keys):
        return skipped(title, "has no credentials", client_id)
    ends = sorted(str(one.get("endDateTime") or "")[:10] for one in (passwords or keys))
    method = AuthMethod.CLIENT_SECRET_POST if passwords else AuthMethod.PRIVATE_KEY_JWT
    return Application(title, client_id, method, secret_expires=ends[-1])
