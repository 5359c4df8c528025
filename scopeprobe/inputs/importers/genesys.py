"""Genesys Cloud: `GET /api/v2/oauth/clients` (the vendor's model `OAuthClientEntityListing`)."""

from __future__ import annotations

from scopeprobe.inputs.importers.clients_text import (
    GRANT,
    Application,
    Item,
    Read,
    items_of,
    skipped,
)
from scopeprobe.model.client import AuthMethod


def read(data: object) -> Read:
    items = items_of(data["entities"] if isinstance(data, dict) else data)
    applications = list(map(_application, items))
    missing = int(data.get("total") or 0) - len(items) if isinstance(data, dict) else 0
    if missing > 0:
        applications.append(skipped(f"{missing} more", "are not in this export"))
    server = {"provider": "genesys", "region": "YOUR-REGION"}
    return Read(server, applications, is_whole=missing <= 0)


def _application(item: Item) -> Application:
    title, client_id = str(item["name"]), str(item["id"])
    if str(item["authorizedGrantType"]).upper() != "CLIENT-CREDENTIALS":
        return skipped(title, f"may not use {GRANT}", client_id)
    state = str(item.get("state") or "active").lower()
    if state != "active":
        return skipped(title, f"is {state}", client_id)
    ends = str(item.get("dateToDelete") or "")[:10]
    return Application(title, client_id, AuthMethod.CLIENT_SECRET_BASIC, secret_expires=ends)
