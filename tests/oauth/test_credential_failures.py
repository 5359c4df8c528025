"""
What real servers answer to an unknown client, a wrong secret, a lock: trap by trap.

Where only a rumour says what a server answers, the cautious reading is expected.
"""

import pytest
from reading import read, said

from scopeprobe.model.answer import Unauthenticated

UNAUTHENTICATED = {
    # server-trap: status, code, text, whether the client is said to be unknown
    "genesys-unknown-client": (400, "invalid_client", "client not found", True),
    "genesys-wrong-secret": (401, "invalid_client", "authentication failed", False),
    "keycloak-unknown-or-disabled": (
        401,
        "invalid_client",
        "Invalid client or Invalid client credentials",
        False,
    ),
    "keycloak-wrong-secret-as-unauthorized_client": (
        401,
        "unauthorized_client",
        "Invalid client or Invalid client credentials",
        False,
    ),
    "keycloak-old-wrong-secret": (400, "unauthorized_client", "Invalid client credentials", False),
    "keycloak-old-unknown-client": (400, "invalid_client", "Could not find client", True),
    "keycloak-no-client-id": (400, "invalid_client", "Missing client_id parameter", False),
    "hydra-either": (
        401,
        "invalid_client",
        (
            "Client authentication failed (e.g., unknown client, no client authentication "
            "included, "
            "or unsupported authentication method)."
        ),
        False,
    ),
    "hydra-replayed-assertion": (400, "jti_known", "The jti was already used.", False),
    "hydra-undecodable-basic": (
        400,
        "invalid_request",
        "The client id in the HTTP authorization header could not be decoded.",
        False,
    ),
    "oidc_provider-either": (401, "invalid_client", "client authentication failed", False),
    "oidc_provider-two-mechanisms": (
        400,
        "invalid_request",
        "client authentication must only be provided using one mechanism",
        False,
    ),
    "oidc_provider-dpop-proof": (400, "invalid_dpop_proof", "DPoP proof invalid", False),
    "spring-either": (401, "invalid_client", "", False),
    "duende-either-as-400": (400, "invalid_client", "", False),
    "entra-unknown-client-as-unauthorized_client": (
        400,
        "unauthorized_client",
        "AADSTS700016: Application with identifier 'x' was not found in the directory 'y'.",
        True,
    ),
    "entra-wrong-secret": (
        401,
        "invalid_client",
        "AADSTS7000215: Invalid client secret provided.",
        False,
    ),
    "okta-wrong-secret": (
        401,
        "invalid_client",
        "The client secret supplied for a confidential client is invalid.",
        False,
    ),
    "okta-two-credentials": (
        400,
        "invalid_request",
        (
            "Cannot supply multiple client credentials. Use one of the following: credentials in "
            "the "
            "Authorization header, credentials in the post body, or a client_assertion."
        ),
        False,
    ),
    "okta-dpop-missing": (
        400,
        "invalid_dpop_proof",
        "The DPoP proof JWT header is missing.",
        False,
    ),
    "auth0-wrong-secret-as-access_denied": (401, "access_denied", "Unauthorized", False),
    "cognito-either-as-400": (400, "invalid_client", "", False),
    "google-unknown-client-as-invalid_grant": (
        400,
        "invalid_grant",
        "Invalid grant: account not found",
        True,
    ),
    "google-wrong-key-as-invalid_grant": (400, "invalid_grant", "Invalid JWT Signature.", False),
    "salesforce-unknown-client": (400, "invalid_client_id", "client identifier invalid", True),
    "salesforce-wrong-secret": (400, "invalid_client", "invalid client credentials", False),
    "pingfederate-either": (
        401,
        "invalid_client",
        "Invalid client or client credentials",
        False,
    ),
    "forgerock-either": (400, "invalid_client", "Client authentication failed", False),
    "zitadel-unknown-client": (401, "invalid_client", "client not found", True),
    "zitadel-wrong-secret-as-invalid_request": (
        400,
        "invalid_request",
        "Errors.User.Machine.Secret.Invalid",
        False,
    ),
    "authentik-unknown-client": (
        400,
        "invalid_client",
        (
            "Client authentication failed (e.g., unknown client, no client authentication "
            "included, "
            "or unsupported authentication method)"
        ),
        False,
    ),
    "authentik-wrong-secret-as-invalid_grant": (
        400,
        "invalid_grant",
        (
            "The provided authorization grant or refresh token is invalid, expired, revoked, or "
            "not "
            "matching"
        ),
        False,
    ),
    "django-either": (401, "invalid_client", "", False),
    "authlib-unknown-client": (
        401,
        "invalid_client",
        "The client does not exist on this server.",
        True,
    ),
    "authlib-wrong-secret": (
        401,
        "invalid_client",
        "The client cannot authenticate with methods: ['client_secret_basic']",
        False,
    ),
    "doorkeeper-either": (
        401,
        "invalid_client",
        (
            "Client authentication failed due to unknown client, no client authentication "
            "included, "
            "or unsupported authentication method."
        ),
        False,
    ),
    "wso2-unknown-client": (
        401,
        "invalid_client",
        "A valid OAuth client could not be found for client_id: billing-id",
        True,
    ),
    "wso2-wrong-secret": (401, "invalid_client", "Client credentials are invalid.", False),
    "wso2-disabled": (
        401,
        "invalid_client",
        "Application is disabled and access is restricted.",
        False,
    ),
    "uber-wrong-secret-as-access_denied": (401, "access_denied", "client secret mismatch", False),
    "uber-wrong-environment": (401, "unauthorized_client", "environment mismatched", False),
    "spotify-unknown-client": (400, "invalid_client", "Invalid client", False),
    "spotify-wrong-secret": (400, "invalid_client", "Invalid client secret", False),
    "paypal-either": (401, "invalid_client", "Client Authentication failed", False),
    "fusionauth-unknown-client": (401, "invalid_client", "invalid_client_id", False),
    "any-locked": (
        401,
        "invalid_client",
        "Too many failed attempts, account locked, try again in 5 minutes",
        False,
    ),
    "any-locked-as-access_denied": (403, "access_denied", "Account is temporarily blocked", False),
    "any-disabled-as-access_denied": (403, "access_denied", "This client has been disabled", False),
}


@pytest.mark.parametrize(
    ("status", "code", "text", "unknown"), UNAUTHENTICATED.values(), ids=UNAUTHENTICATED.keys()
)
def test_failed_authentication_is_known_in_every_disguise(status, code, text, unknown):
    shown = text.replace("5 minutes", "<duration>")
    assert read(status, said(code, text)) == Unauthenticated(status, code, shown, unknown)


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (401, "invalid_client", ""),
        (400, "invalid_request", "Errors.User.Machine.Secret.Invalid"),
        (403, "access_denied", "This client has been disabled"),
    ],
)
def test_a_credential_failure_is_not_waited_out(status, code, text):
    headers = {"Retry-After": "30", "X-RateLimit-Remaining": "0"}
    assert isinstance(read(status, said(code, text), headers), Unauthenticated)
