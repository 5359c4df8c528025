"""
The endpoints of Genesys Cloud that tell what the bearer of a token may do.

Shapes: the vendor's generated models `AuthzSubject`, `AuthzGrant`, `AuthzGrantRole`,
`AuthzGrantPolicy`, `DomainOrganizationRole`, `DomainPermissionPolicy` and `TokenInfo`, `ErrorBody`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal
from uuid import NAMESPACE_OID, uuid5

from scopeprobe.lab.answers import Answer
from scopeprobe.lab.clients import Client
from scopeprobe.lab.token_store import TokenStore
from scopeprobe.lab.tokens import Grant

SUBJECT = "api/v2/authorization/subjects/me"

TOKEN = "api/v2/tokens/me"

ROLES = "api/v2/authorization/roles/"

RESOURCES = (SUBJECT, TOKEN, f"{ROLES}{{role}}")

READS_ROLES = "authorization:role:view"
"""The right that the vendor's command line names for `GET` of a role."""

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

NO_RIGHT = Answer(
    403,
    {
        "message": "Unable to perform the requested action. You must have at least one of the "
        f"following permissions assigned: [{READS_ROLES}]",
        "code": "missing.any.permissions",
        "status": 403,
    },
)

NO_ROLE = Answer(404, {"message": "Role not found.", "code": "not.found", "status": 404})


def answer_rights(
    token_store: TokenStore,
    roles: Literal["told", "apart"],
    path: str,
    method: str,
    authorization: str | None,
) -> Answer:
    """Answer GET, HEAD and DELETE on the resources."""
    _, bearer, token = (authorization or "").partition("Bearer ")
    grant = token_store.find(token)
    if grant is None:
        return BAD_TOKEN if bearer else NO_TOKEN
    token_store.counts["asked_for_rights"] += method == "GET"
    if method == "GET":
        if path.startswith(ROLES):
            return answer_role(grant.client, path.removeprefix(ROLES))
        return Answer(200, tell_subject(grant, roles) if path == SUBJECT else tell_token(grant))
    if path != TOKEN or method not in ("HEAD", "DELETE"):
        return Answer(405, text="")
    if method == "DELETE":
        token_store.revoke(token)
    return Answer(200, text="")


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


def answer_role(client: Client, role: str) -> Answer:
    """What a role holds, to who may read roles; there is no role but the client's own."""
    if not any(fnmatchcase(READS_ROLES, right) for right in client.granted):
        return NO_RIGHT
    return Answer(200, tell_role(client)) if role == role_id(client) else NO_ROLE


def tell_role(client: Client) -> dict[str, object]:
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
    """`scope` is for clients of other grants: it is empty here."""
    client = grant.client
    told: dict[str, object] = {
        "id": client.client_id,
        "name": client.client_id,
        "authorizedGrantType": "CLIENT-CREDENTIALS",
        "scope": [],
        "roleDivisions": [{"roleId": role_id(client), "divisionId": DIVISION["id"]}],
        "state": client.state,
        "organization": ORGANIZATION,
    }
    if client.date_to_delete:
        told["dateToDelete"] = client.date_to_delete
    return {
        "organization": ORGANIZATION,
        "homeOrganization": ORGANIZATION,
        "authorizedScope": [],
        "OAuthClient": told,
    }
