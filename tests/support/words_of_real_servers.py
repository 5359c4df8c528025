"""What real servers say, by occasion and name: the tables that the lab is held to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from fleets_of_real_servers import ISSUER, RealFleet

FOSITE = (
    "Client authentication failed (e.g., unknown client, no client authentication included, "
    "or unsupported authentication method)."
)
FOSITE_SCOPE = (
    "The requested scope is invalid, unknown, or malformed. "
    "The OAuth 2.0 Client is not allowed to request scope '{}'."
)
OKTA_CREDENTIALS = (
    "Cannot supply multiple client credentials. Use one of the following: credentials in the "
    "Authorization header, credentials in the post body, or a client_assertion in the post body."
)
GOOGLE_UNAUTHORIZED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not "
    "authorized for any of the scopes requested."
)


@dataclass(frozen=True)
class Said:
    """An answer, as far as a row of the table tells it."""

    status: int
    members: dict[str, Any]


def no(status, error, description=None, /, **members):
    told = {"error": error} | ({"error_description": description} if description else {})
    return Said(status, told | members)


def yes(scope=None):
    """A token; `scope` is the list in the answer, None where it has none."""
    return Said(200, {} if scope is None else {"scope": scope})


def say(fleet: RealFleet, message) -> Said:
    answer = fleet.server.answer(message, issuer=ISSUER)
    members = {"text": answer.text} if answer.text is not None else json.loads(answer.body)
    if answer.status == 200:
        members = {key: value for key, value in members.items() if key == "scope"}
    return Said(answer.status, members)


def rows(table):
    return [pytest.param(name, said, id=name) for name, said in sorted(table.items())]


UNKNOWN_CLIENT = {
    "auth0": no(401, "access_denied", "Unauthorized"),
    "authentik": no(400, "invalid_client", FOSITE.removesuffix(".")),
    "authlib": no(401, "invalid_client", "The client does not exist on this server."),
    "cognito": no(400, "invalid_client"),
    "django-oauth-toolkit": no(401, "invalid_client"),
    "duende": no(400, "invalid_client"),
    "forgerock": no(401, "invalid_client", "Client authentication failed"),
    "genesys": no(400, "invalid_client", "client not found", description="client not found"),
    "google": no(400, "invalid_grant", "Invalid grant: account not found"),
    "hydra": no(401, "invalid_client", FOSITE),
    "keycloak": no(401, "invalid_client", "Invalid client or Invalid client credentials"),
    "oidc-provider": no(401, "invalid_client", "client authentication failed"),
    "oidc-provider-resource": no(401, "invalid_client", "client authentication failed"),
    "okta-custom": no(401, "invalid_client", "Invalid value for 'client_id' parameter."),
    "okta-org": no(401, "invalid_client", "Invalid value for 'client_id' parameter."),
    "pingfederate": no(401, "invalid_client", "Invalid client or client credentials"),
    "salesforce": no(400, "invalid_client_id", "client identifier invalid"),
    "spotify": no(400, "invalid_client", "Invalid client"),
    "spring": no(401, "invalid_client"),
    "twitch": Said(400, {"status": 400, "message": "invalid client"}),
    "uber": no(401, "invalid_client"),
    "wso2": no(
        401,
        "invalid_client",
        "A valid OAuth client could not be found for client_id: stranger-id",
    ),
    "zitadel": no(401, "invalid_client", "client not found"),
}

OKTA_SECRET = "The client secret supplied for a confidential client is invalid."

WRONG_SECRET = UNKNOWN_CLIENT | {
    "authlib": no(
        401,
        "invalid_client",
        "The client cannot authenticate with methods: ['client_secret_basic']",
    ),
    "genesys": no(
        401, "invalid_client", "authentication failed", description="authentication failed"
    ),
    "google": no(400, "invalid_grant", "Invalid JWT Signature."),
    "keycloak": no(401, "unauthorized_client", "Invalid client or Invalid client credentials"),
    "okta-custom": no(401, "invalid_client", OKTA_SECRET),
    "okta-org": no(401, "invalid_client", OKTA_SECRET),
    "salesforce": no(400, "invalid_client", "invalid client credentials"),
    "spotify": no(400, "invalid_client", "Invalid client secret"),
    "twitch": Said(403, {"status": 403, "message": "invalid client secret"}),
    "uber": no(401, "access_denied", "client secret mismatch"),
    "wso2": no(401, "invalid_client", "Client credentials are invalid."),
    "zitadel": no(400, "invalid_request", "Errors.User.Machine.Secret.Invalid"),
}
del WRONG_SECRET["authentik"]  # an invalid_grant, with a long text: its own test

PING = "The requested scope(s) must be blank or a subset of the provided scopes."
DOORKEEPER = "The requested scope is invalid, unknown, or malformed."
OKTA_POLICY = "Policy evaluation failed for this request, please check the policy configurations."
OKTA_UNKNOWN = "One or more scopes are not configured for the authorization server resource."
OKTA_DEFAULT = (
    "The authorization server resource does not have any configured default scopes, "
    "'scope' must be provided."
)
NOTHING_ALLOWED = "You are not allowed any of the requested scopes."
NO_PARAMETER = no(400, "invalid_request", "scope parameter not supported")
BAD_GOOGLE = no(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
UBER = no(400, "invalid_scope", "scope(s) are invalid")

UNKNOWN_SCOPE = {
    "auth0": no(403, "access_denied", "Client has not been granted scopes: read:unicorns"),
    "authentik": yes(""),
    "authlib": yes(),
    "cognito": no(400, "invalid_scope"),
    "django-oauth-toolkit": no(400, "invalid_scope"),
    "doorkeeper": no(400, "invalid_scope", DOORKEEPER),
    "duende": no(400, "invalid_scope"),
    "forgerock": no(400, "invalid_scope", "Unknown/invalid scope(s): [unicorns.read]"),
    "genesys": yes(),
    "google": BAD_GOOGLE,
    "hydra": no(400, "invalid_scope", FOSITE_SCOPE.format("unicorns.read")),
    "keycloak": no(400, "invalid_scope", "Invalid scopes: unicorns-read"),
    "oidc-provider": yes(),
    "oidc-provider-resource": yes(),
    "okta-custom": no(400, "invalid_scope", OKTA_UNKNOWN),
    "okta-org": no(400, "consent_required", NOTHING_ALLOWED),
    "pingfederate": no(400, "invalid_scope", PING),
    "salesforce": NO_PARAMETER,
    "spotify": yes(),
    "spring": no(400, "invalid_scope"),
    "twitch": yes(),
    "uber": UBER,
    "wso2": yes(""),
    "zitadel": yes(),
}

UNGRANTED = UNKNOWN_SCOPE | {
    "auth0": no(403, "access_denied", "Client has not been granted scopes: read:orders"),
    "cognito": yes(),
    "django-oauth-toolkit": yes("orders.read"),
    "entra": yes(),
    "forgerock": no(400, "invalid_scope", "Unknown/invalid scope(s): [orders.read]"),
    "google": no(401, "unauthorized_client", GOOGLE_UNAUTHORIZED),
    "hydra": no(400, "invalid_scope", FOSITE_SCOPE.format("orders.read")),
    "keycloak": no(400, "invalid_scope", "Invalid scopes: orders-read"),
    "oidc-provider": no(
        400, "invalid_scope", "requested scope is not allowed", scope="orders.read"
    ),
    "okta-custom": no(400, "access_denied", OKTA_POLICY),
    "zitadel": yes("urn:zitadel:iam:org:project:role:orders.read"),
}

GRANTED = {
    "auth0": yes("write:users"),
    "cognito": yes(),
    "entra": yes(),
    "genesys": yes(),
    "google": yes(),
    "keycloak": yes("users-write profile email"),
    "oidc-provider-resource": yes("users:write"),
    "okta-org": yes("okta.users.write"),
    "pingfederate": yes(),
    "salesforce": NO_PARAMETER,
    "spotify": yes(),
    "twitch": yes(["users:write:item"]),
    "wso2": yes("internal_users_write"),
    "zitadel": yes("urn:zitadel:iam:org:project:role:users.write"),
    "doorkeeper": yes("write_users"),
} | {
    name: yes("users.write")
    for name in (
        "authentik",
        "authlib",
        "django-oauth-toolkit",
        "duende",
        "forgerock",
        "hydra",
        "oidc-provider",
        "okta-custom",
        "spring",
        "uber",
    )
}

MIXED = {
    "auth0": no(
        403, "access_denied", "Client has not been granted scopes: read:orders read:unicorns"
    ),
    "authentik": yes("users.write"),
    "authlib": yes("users.write"),
    "django-oauth-toolkit": no(400, "invalid_scope"),
    "doorkeeper": no(400, "invalid_scope", DOORKEEPER),
    "duende": no(400, "invalid_scope"),
    "forgerock": no(400, "invalid_scope", "Unknown/invalid scope(s): [orders.read, unicorns.read]"),
    "hydra": no(400, "invalid_scope", FOSITE_SCOPE.format("orders.read")),
    "keycloak": no(400, "invalid_scope", "Invalid scopes: users-write orders-read unicorns-read"),
    "oidc-provider": no(
        400, "invalid_scope", "requested scope is not allowed", scope="orders.read"
    ),
    "oidc-provider-resource": yes("users:write"),
    "okta-org": yes("okta.users.write"),
    "pingfederate": no(400, "invalid_scope", PING),
    "salesforce": NO_PARAMETER,
    "spring": no(400, "invalid_scope"),
    "uber": UBER,
    "wso2": yes("internal_users_write"),
    "zitadel": yes(
        "urn:zitadel:iam:org:project:role:users.write urn:zitadel:iam:org:project:role:orders.read"
    ),
}

ABSENT = {
    "auth0": yes("write:users"),
    "authentik": yes(""),
    "authlib": yes(),
    "cognito": yes(),
    "doorkeeper": yes("write_users"),
    "duende": yes("users.write"),
    "forgerock": yes("users.write"),
    "genesys": yes(),
    "google": BAD_GOOGLE,
    "hydra": yes(""),
    "keycloak": yes("profile email"),
    "oidc-provider": yes(),
    "oidc-provider-resource": yes(),
    "okta-custom": no(400, "invalid_scope", OKTA_DEFAULT),
    "okta-org": no(400, "invalid_scope", OKTA_DEFAULT),
    "pingfederate": yes(),
    "salesforce": yes("users_write"),
    "spotify": yes(),
    "spring": yes(),
    "twitch": yes(),
    "uber": UBER,
    "wso2": yes(""),
    "zitadel": no(
        400,
        "invalid_request",
        "The scope of your request is missing. Please ensure some scopes are requested.",
    ),
}

JSON_BODY = {
    "auth0": yes("write:users"),
    "authentik": UNKNOWN_CLIENT["authentik"],
    "django-oauth-toolkit": no(400, "unsupported_grant_type"),
    "duende": no(400, "invalid_request"),
    "keycloak": no(400, "invalid_request"),
    "oidc-provider": no(
        400,
        "invalid_request",
        "only application/x-www-form-urlencoded content-type bodies are supported on POST /token",
    ),
    "spring": no(
        400,
        "invalid_request",
        "OAuth 2.0 Parameter: grant_type",
        error_uri="https://datatracker.ietf.org/doc/html/rfc6749#section-5.2",
    ),
}
