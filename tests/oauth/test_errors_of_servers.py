"""
How the errors of authorization servers that one can run or rent are read, trap by trap.

Where only a rumour says what a server answers, the cautious reading is expected.
"""

import msgspec
import pytest
from reading import read, refused, said, throttled

from scopeprobe.model.answer import Answer, GrantNotAllowed, Subject, Unanswered, Unauthenticated
from scopeprobe.model.cell import Reason

TARGET = Subject.TARGET


HYDRA_SCOPE = (
    "The requested scope is invalid, unknown, or malformed. "
    "The OAuth 2.0 Client is not allowed to request scope 'write'."
)
HYDRA_GRANT = (
    "The client is not authorized to request a token using this method. "
    "The OAuth 2.0 Client is not allowed to use authorization grant 'client_credentials'."
)
OKTA_GRANT = (
    "The client is not authorized to use the provided grant type. "
    "Configured grant types: [authorization_code, refresh_token]."
)

ANSWERS = {
    # server-trap: status, body, answer
    "genesys-throttle-as-invalid_request": (
        400,
        said("invalid_request", description="rate limit exceeded; 300"),
        throttled(400, "invalid_request", "rate limit exceeded; 300"),
    ),
    "genesys-api-throttle": (
        429,
        {
            "code": "too.many.requests",
            "message": "Rate limit exceeded the maximum [300] requests within [60] seconds",
        },
        throttled(
            429,
            "too.many.requests",
            "Rate limit exceeded the maximum [300] requests within [60] seconds",
            60.0,
        ),
    ),
    "genesys-unknown-client-in-two-members": (
        400,
        said("invalid_client", "client not found", description="client not found"),
        Unauthenticated(400, "invalid_client", "client not found", True),
    ),
    "keycloak-echo": (
        400,
        said("invalid_scope", "Invalid scopes: read write"),
        refused(400, "invalid_scope", "Invalid scopes: read write", named=("read", "write")),
    ),
    "keycloak-empty-scope": (
        400,
        said("invalid_scope", "Invalid scopes: "),
        refused(400, "invalid_scope", "Invalid scopes:"),
    ),
    "keycloak-grant": (
        401,
        said("unauthorized_client", "Client not enabled to retrieve service account"),
        GrantNotAllowed(
            401, "unauthorized_client", "Client not enabled to retrieve service account"
        ),
    ),
    "hydra-names-the-first": (
        400,
        said("invalid_scope", HYDRA_SCOPE),
        refused(400, "invalid_scope", HYDRA_SCOPE, named=("write",)),
    ),
    "hydra-legacy-hint": (
        400,
        said("invalid_scope", "Malformed.", error_hint="not allowed to request scope 'write'."),
        refused(400, "invalid_scope", "Malformed.", named=("write",)),
    ),
    "hydra-grant": (
        400,
        said("unauthorized_client", HYDRA_GRANT),
        GrantNotAllowed(400, "unauthorized_client", HYDRA_GRANT),
    ),
    "hydra-empty-body": (
        400,
        said("invalid_request", "The POST body can not be empty."),
        refused(400, "invalid_request", "The POST body can not be empty.", Subject.UNSAID),
    ),
    "oidc_provider-names-in-a-member": (
        400,
        said("invalid_scope", "requested scope is not allowed", scope="write"),
        refused(400, "invalid_scope", "requested scope is not allowed", named=("write",)),
    ),
    "oidc_provider-grant-as-invalid_request": (
        400,
        said("invalid_request", "requested grant type is not allowed for this client"),
        GrantNotAllowed(
            400, "invalid_request", "requested grant type is not allowed for this client"
        ),
    ),
    "oidc_provider-target": (
        400,
        said("invalid_target", "resource indicator is missing, or unknown"),
        refused(400, "invalid_target", "resource indicator is missing, or unknown", TARGET),
    ),
    "oidc_provider-json-body": (
        400,
        said("invalid_request", "only application/x-www-form-urlencoded bodies are supported"),
        refused(
            400,
            "invalid_request",
            "only application/x-www-form-urlencoded bodies are supported",
            Subject.UNSAID,
        ),
    ),
    "any-dpop-nonce": (
        400,
        said("use_dpop_nonce", "Authorization server requires nonce in DPoP proof."),
        Unanswered(
            Reason.SERVER_ERROR,
            400,
            "use_dpop_nonce",
            "Authorization server requires nonce in DPoP proof.",
        ),
    ),
    "spring-scope": (400, said("invalid_scope"), refused(400, "invalid_scope")),
    "spring-grant": (
        400,
        said("unauthorized_client"),
        GrantNotAllowed(400, "unauthorized_client"),
    ),
    "spring-json-body": (
        400,
        said("invalid_request", "OAuth 2.0 Parameter: grant_type"),
        refused(400, "invalid_request", "OAuth 2.0 Parameter: grant_type", Subject.UNSAID),
    ),
    "duende-target": (400, said("invalid_target"), refused(400, "invalid_target", "", TARGET)),
    "entra-scope": (
        400,
        said(
            "invalid_scope",
            "AADSTS70011: The provided value for scope x is not valid.\r\nTrace ID: 1",
            error_codes=[70011],
        ),
        refused(400, "invalid_scope", "AADSTS70011: The provided value for scope x is not valid."),
    ),
    "entra-several-resources": (
        400,
        said("invalid_scope", "AADSTS28000: More than one resource."),
        refused(400, "invalid_scope", "AADSTS28000: More than one resource.", TARGET),
    ),
    "entra-other-several-resources": (
        400,
        said("invalid_request", "AADSTS700022: More than one resource."),
        refused(400, "invalid_request", "AADSTS700022: More than one resource.", TARGET),
    ),
    "entra-no-such-resource": (
        400,
        said("invalid_resource", "AADSTS500011: The resource principal was not found."),
        refused(
            400, "invalid_resource", "AADSTS500011: The resource principal was not found.", TARGET
        ),
    ),
    "entra-no-scope": (
        400,
        said("invalid_request", "AADSTS900144: must contain the following parameter: 'scope'."),
        refused(
            400, "invalid_request", "AADSTS900144: must contain the following parameter: 'scope'."
        ),
    ),
    "entra-throttle-as-text": (
        429,
        b"Too Many Requests",
        throttled(429, "", "Too Many Requests"),
    ),
    "okta-own-shape": (
        401,
        {"errorCode": "invalid_client", "errorSummary": "Invalid value for 'client_id' parameter."},
        Unauthenticated(401, "invalid_client", "Invalid value for 'client_id' parameter.", True),
    ),
    "okta-exists-for-nobody": (
        400,
        said(
            "invalid_scope",
            "One or more scopes are not configured for the authorization server resource.",
        ),
        refused(
            400,
            "invalid_scope",
            "One or more scopes are not configured for the authorization server resource.",
            Subject.UNKNOWN_SCOPE,
        ),
    ),
    "okta-no-policy-as-access_denied": (
        400,
        said("access_denied", "Policy evaluation failed for this request, please check."),
        refused(400, "access_denied", "Policy evaluation failed for this request, please check."),
    ),
    "okta-not-granted-as-consent_required": (
        400,
        said("consent_required", "You are not allowed any of the requested scopes."),
        refused(400, "consent_required", "You are not allowed any of the requested scopes."),
    ),
    "okta-openid": (
        400,
        said("invalid_request", "Cannot request 'openid' scopes using client credentials"),
        refused(400, "invalid_request", "Cannot request 'openid' scopes using client credentials"),
    ),
    "okta-grant": (
        401,
        said("unauthorized_client", OKTA_GRANT),
        GrantNotAllowed(401, "unauthorized_client", OKTA_GRANT),
    ),
}


@pytest.mark.parametrize(("status", "body", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_error_is_read_as_what_it_says(status, body, expected):
    assert read(status, body) == expected


def test_an_error_survives_the_journal():
    for status, body, answer in ANSWERS.values():
        stored = msgspec.json.encode(read(status, body))
        assert msgspec.json.decode(stored, type=Answer) == answer
