"""
The endpoints of Genesys Cloud that tell what the bearer of a token may do, and what clients it has.

Shapes: the vendor's generated models `AuthzSubject`, `AuthzGrant`, `AuthzGrantRole`,
`AuthzGrantPolicy`, `DomainOrganizationRole`, `DomainPermissionPolicy`, `OAuthClientEntityListing`,
`OAuthClient`, `TokenInfo` and `ErrorBody`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal
from uuid import NAMESPACE_OID, uuid5

from scopeprobe.lab.answers import Answer
from scopeprobe.lab.clients import Client
from scopeprobe.lab.schema import CLIENT_CREDENTIALS
from scopeprobe.lab.token_store import TokenStore
from scopeprobe.lab.tokens import Grant

SUBJECT = "api/v2/authorization/subjects/me"

TOKEN = "api/v2/tokens/me"

ROLES = "api/v2/authorization/roles/"

CLIENTS = "api/v2/oauth/clients"

RESOURCES = (SUBJECT, TOKEN, CLIENTS, f"{ROLES}{{role}}")

READS_ROLES, READS_CLIENTS = "authorization:role:view", "oauth:client:view"
"""The rights that the vendor's command line names for `GET` of a role, and of clients."""

ORGANIZATION = {"id": "00000000-0000-4000-8000-000000000001", "name": "lab"}

DIVISION = {"id": "00000000-0000-4000-8000-000000000002", "name": "Home", "homeDivision": True}

NO_TOKEN = Answer(
    401,
    {
        "message": "No authentication bearer token specified in authorization header.",
        "code": "authentication.required",
        "status": 401,
    },
)

BAD_TOKEN = Answer(
    401, {"message": "Invalid login credentials.", "code": "bad.credentials", "status": 401}
)

NO_ROLE = Answer(404, {"message": "Role not found.", "code": "not.found", "status": 404})


@dataclass(frozen=True, slots=True)
class GenesysApi:
    """The API of one server."""

    clients: Mapping[str, Client]
    token_store: TokenStore
    roles: Literal["told", "apart"]

    def answer(self, path: str, method: str, authorization: str | None) -> Answer:
        """Answer GET, HEAD and DELETE on the resources."""
        _, bearer, token = (authorization or "").partition("Bearer ")
        grant = self.token_store.find(token)
        if grant is None:
            return BAD_TOKEN if bearer else NO_TOKEN
        if method == "GET":
            self.token_store.counts["asked_for_rights"] += 1
            return self._tell(path, grant)
        if path != TOKEN or method not in ("HEAD", "DELETE"):
            return Answer(405, text="")
        if method == "DELETE":
            self.token_store.revoke(token)
        return Answer(200, text="")

    def _tell(self, path: str, grant: Grant) -> Answer:
        client = grant.client
        if path == TOKEN:
            return Answer(200, tell_token(grant))
        if path == SUBJECT:
            return Answer(200, tell_subject(grant, self.roles))
        wanted = READS_CLIENTS if path == CLIENTS else READS_ROLES
        if not any(fnmatchcase(wanted, right) for right in client.granted):
            return lacks(wanted)
        if path == CLIENTS:
            return Answer(200, tell_clients(self.clients.values()))
        is_own = path.removeprefix(ROLES) == role_id(client)
        return Answer(200, tell_role(client)) if is_own else NO_ROLE


def lacks(right: str) -> Answer:
    """The answer to who may not read something."""
    message = (
        "Unable to perform the requested action. You must have at least one of the following"
        f" permissions assigned: [{right}]"
    )
    return Answer(403, {"message": message, "code": "missing.any.permissions", "status": 403})


def role_id(client: Client) -> str:
    return str(uuid5(NAMESPACE_OID, client.client_id))


def tell_subject(grant: Grant, roles: Literal["told", "apart"] = "told") -> dict[str, object]:
    """The client's rights are all in one role of the home division; without any it has no role."""
    role: dict[str, object] = {"id": role_id(grant.client), "name": "lab role"}
    if roles == "told":
        role["policies"] = tell_policies(grant.client.granted)
    client_id = grant.client.client_id
    entry = {"subjectId": client_id, "division": DIVISION, "role": role}
    grants = [entry] if grant.client.granted else []
    return {"id": client_id, "name": client_id, "grants": grants, "version": 1}


def tell_role(client: Client) -> dict[str, object]:
    """The one role of a client; of others no role is told."""
    policies = [
        {"domain": one["domain"], "entityName": one["entityName"], "actionSet": one["actions"]}
        for one in tell_policies(client.granted)
    ]
    return {"id": role_id(client), "name": "lab role", "permissionPolicies": policies}


def tell_policies(granted: list[str]) -> list[dict[str, object]]:
    """Rights written `domain:entity:action`, gathered by domain and entity in order of writing."""
    actions: dict[tuple[str, str], list[str]] = {}
    for right in granted:
        domain, _, rest = right.partition(":")
        entity, _, action = rest.partition(":")
        actions.setdefault((domain, entity or "*"), []).append(action or "*")
    return [
        {"domain": domain, "entityName": entity, "actions": named}
        for (domain, entity), named in actions.items()
    ]


def tell_token(grant: Grant) -> dict[str, object]:
    return {
        "organization": ORGANIZATION,
        "homeOrganization": ORGANIZATION,
        "authorizedScope": [],
        "OAuthClient": tell_client(grant.client) | {"organization": ORGANIZATION},
    }


def tell_clients(clients: Iterable[Client]) -> dict[str, object]:
    entities = [tell_client(client) for client in clients]
    return {"entities": entities, "pageSize": 25, "pageNumber": 1, "total": len(entities)}


def tell_client(client: Client) -> dict[str, object]:
    """`scope` is for clients of other grants: it is empty here."""
    machine = CLIENT_CREDENTIALS in client.grant_types
    told: dict[str, object] = {
        "id": client.client_id,
        "name": client.client_id,
        "authorizedGrantType": "CLIENT-CREDENTIALS" if machine else "CODE",
        "scope": [],
        "roleDivisions": [{"roleId": role_id(client), "divisionId": DIVISION["id"]}],
        "state": client.state,
    }
    if client.date_to_delete:
        told["dateToDelete"] = client.date_to_delete
    return told
