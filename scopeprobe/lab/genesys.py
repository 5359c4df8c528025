"""
The endpoints of Genesys Cloud that tell what the bearer of a token may do.

Shapes: the vendor's generated models `AuthzSubject`, `AuthzGrant`, `AuthzGrantRole`,
`AuthzGrantPolicy` and `TokenInfo`, `ErrorBody`.
"""

from __future__ import annotations

from scopeprobe.lab.answers import Answer
from scopeprobe.lab.token_store import TokenStore
from scopeprobe.lab.tokens import Grant

SUBJECT = "api/v2/authorization/subjects/me"

RESOURCES = (SUBJECT, "api/v2/tokens/me")

ORGANIZATION = {"id": "00000000-0000-4000-8000-000000000001", "name": "lab"}

DIVISION = {"id": "00000000-0000-4000-8000-000000000002", "name": "Home", "homeDivision": True}

ROLE_ID = "00000000-0000-4000-8000-000000000003"

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


def answer_rights(
    token_store: TokenStore, path: str, method: str, authorization: str | None
) -> Answer:
    """Answer GET, HEAD and DELETE on the two resources."""
    _, bearer, token = (authorization or "").partition("Bearer ")
    grant = token_store.find(token)
    if grant is None:
        return BAD_TOKEN if bearer else NO_TOKEN
    token_store.counts["asked_for_rights"] += method == "GET"
    if method == "GET":
        return Answer(200, tell_subject(grant) if path == SUBJECT else tell_token(grant))
    if path == SUBJECT or method not in ("HEAD", "DELETE"):
        return Answer(405, text="")
    if method == "DELETE":
        token_store.revoke(token)
    return Answer(200, text="")


def tell_subject(grant: Grant) -> dict[str, object]:
    """One grant: the client's rights are all in one role of the home division."""
    role = {"id": ROLE_ID, "name": "lab role", "policies": tell_policies(grant.client.granted)}
    client_id = grant.client.client_id
    entry = {"subjectId": client_id, "division": DIVISION, "role": role}
    return {"id": client_id, "name": client_id, "grants": [entry], "version": 1}


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
    return {
        "organization": ORGANIZATION,
        "homeOrganization": ORGANIZATION,
        "authorizedScope": [],
        "OAuthClient": {
            "id": grant.client.client_id,
            "name": grant.client.client_id,
            "authorizedGrantType": "CLIENT-CREDENTIALS",
            "scope": [],
            "roleDivisions": [{"roleId": ROLE_ID, "divisionId": DIVISION["id"]}],
            "state": "active",
            "organization": ORGANIZATION,
        },
    }
