"""
How the answers of real authorization servers are read, trap by trap.

Where only a rumour says what a server answers, the cautious reading is expected.
"""

import json

import msgspec
import pytest
from reading import client_of, jwt, read, response_of

from scopeprobe.model.answers import (
    Answer,
    GrantNotAllowed,
    Issued,
    Refused,
    Subject,
    TooLarge,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.findings import Reason
from scopeprobe.oauth.answers import access_token, asks_for_nonce, token_type

TOKEN = "opaque-token"
SCOPE, TARGET = Subject.SCOPE, Subject.TARGET


def said(code, text=None, /, **members):
    description = {} if text is None else {"error_description": text}
    return {"error": code, **description, **members}


def refused(status, code, text="", about=SCOPE, named=()):
    return Refused(status, code, text, about, named)


def throttled(status, code, text="", wait=None):
    return Unanswered(Reason.THROTTLED, status, code, text, wait)


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


def test_a_header_tells_a_throttle_where_no_word_does():
    expected = throttled(403, "access_denied", "no", 30.0)
    assert read(403, said("access_denied", "no"), {"Retry-After": "30"}) == expected
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}
    assert read(403, said("access_denied", "no"), spent) == expected


HYDRA_SCOPE = (
    "The requested scope is invalid, unknown, or malformed. "
    "The OAuth 2.0 Client is not allowed to request scope 'write'."
)
HYDRA_GRANT = (
    "The client is not authorized to request a token using this method. "
    "The OAuth 2.0 Client is not allowed to use authorization grant 'client_credentials'."
)
GOOGLE = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized "
    "for any of the scopes requested."
)
AUTH0_GRANT = (
    'Client is not authorized to access "https://api". You need to create a "client-grant" '
    "associated to this API."
)
OKTA_GRANT = (
    "The client is not authorized to use the provided grant type. "
    "Configured grant types: [authorization_code, refresh_token]."
)

OTHERS = {
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
    "auth0-not-granted-as-access_denied": (
        403,
        said("access_denied", "Client has not been granted scopes: write"),
        refused(
            403, "access_denied", "Client has not been granted scopes: write", named=("write",)
        ),
    ),
    "auth0-unknown-audience": (
        403,
        said("access_denied", "Service not enabled within domain: https://api"),
        refused(403, "access_denied", "Service not enabled within domain: https://api", TARGET),
    ),
    "auth0-no-client-grant": (
        403,
        said("access_denied", AUTH0_GRANT),
        refused(403, "access_denied", AUTH0_GRANT, TARGET),
    ),
    "auth0-no-client-grant-in-newer-words": (
        403,
        said("access_denied", 'Client "x" is not authorized to access resource server "y".'),
        refused(
            403,
            "access_denied",
            'Client "x" is not authorized to access resource server "y".',
            TARGET,
        ),
    ),
    "cognito-scope": (400, said("invalid_scope"), refused(400, "invalid_scope")),
    "google-scope": (
        400,
        said("invalid_scope", "Invalid OAuth scope or ID token audience provided."),
        refused(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided."),
    ),
    "google-not-delegated-as-unauthorized_client": (
        401,
        said("unauthorized_client", GOOGLE),
        refused(401, "unauthorized_client", GOOGLE),
    ),
    "salesforce-parameter": (
        400,
        said("invalid_request", "scope parameter not supported"),
        refused(400, "invalid_request", "scope parameter not supported", Subject.SCOPE_PARAMETER),
    ),
    "salesforce-grant-as-invalid_grant": (
        400,
        said("invalid_grant", "no client credentials user enabled"),
        GrantNotAllowed(400, "invalid_grant", "no client credentials user enabled"),
    ),
    "salesforce-domain": (
        400,
        said("invalid_grant", "request not supported on this domain"),
        GrantNotAllowed(400, "invalid_grant", "request not supported on this domain"),
    ),
    "pingfederate-anonymous": (
        400,
        said("invalid_scope", "The requested scope(s) must be blank or a subset."),
        refused(400, "invalid_scope", "The requested scope(s) must be blank or a subset."),
    ),
    "pingone-none-left": (
        400,
        said("invalid_scope", "At least one scope must be granted"),
        refused(400, "invalid_scope", "At least one scope must be granted"),
    ),
    "forgerock-names-all": (
        400,
        said("invalid_scope", "Unknown/invalid scope(s): [write, read]"),
        refused(
            400, "invalid_scope", "Unknown/invalid scope(s): [write, read]", named=("read", "write")
        ),
    ),
    "zitadel-no-scope": (
        400,
        said("invalid_request", "The scope of your request is missing. Please ensure it."),
        refused(400, "invalid_request", "The scope of your request is missing. Please ensure it."),
    ),
    "authentik-grant": (
        400,
        said("unsupported_grant_type", "The authorization grant type is not supported"),
        GrantNotAllowed(
            400, "unsupported_grant_type", "The authorization grant type is not supported"
        ),
    ),
    "authlib-grant": (
        400,
        said("unauthorized_client", "The client is not authorized to use 'grant_type=x'"),
        GrantNotAllowed(
            400, "unauthorized_client", "The client is not authorized to use 'grant_type=x'"
        ),
    ),
    "doorkeeper-anonymous": (
        400,
        said("invalid_scope", "The requested scope is invalid, unknown, or malformed."),
        refused(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed."),
    ),
    "wso2-scope": (
        400,
        said("invalid_scope", "Invalid Scope!"),
        refused(400, "invalid_scope", "Invalid Scope!"),
    ),
    "wso2-grant": (
        400,
        said(
            "unauthorized_client",
            "The authenticated client is not authorized to use this authorization grant type",
        ),
        GrantNotAllowed(
            400,
            "unauthorized_client",
            "The authenticated client is not authorized to use this authorization grant type",
        ),
    ),
    "uber-scope": (
        400,
        said("invalid_scope", "scope(s) are invalid"),
        refused(400, "invalid_scope", "scope(s) are invalid"),
    ),
    "twitch-unknown-client": (
        400,
        {"status": 400, "message": "invalid client"},
        Unauthenticated(400, "", "invalid client"),
    ),
    "twitch-wrong-secret": (
        403,
        {"status": 403, "message": "invalid client secret"},
        Unauthenticated(403, "", "invalid client secret"),
    ),
    "amadeus-wrong-secret": (
        401,
        said(
            "invalid_client",
            "Client credentials are invalid",
            code=38187,
            title="Invalid parameters",
        ),
        Unauthenticated(401, "invalid_client", "Client credentials are invalid"),
    ),
    "vertex-throttle-as-invalid_request": (
        400,
        said(
            "invalid_request",
            "Client billing-id audience https://api has exceeded the rate limit of "
            "10 tokens/28800 seconds",
        ),
        throttled(
            400,
            "invalid_request",
            "Client billing-id audience https://api has exceeded the rate limit of "
            "10 tokens/<duration>",
            28800.0,
        ),
    ),
    "zoho-throttle-as-access-denied": (
        400,
        said("Access Denied", "You have made too many requests continuously."),
        throttled(400, "Access Denied", "You have made too many requests continuously."),
    ),
    "zoho-throttle-under-200": (
        200,
        said("Access Denied", "You have made too many requests continuously."),
        throttled(200, "Access Denied", "You have made too many requests continuously."),
    ),
    "idportal-throttle": (
        429,
        said("too_many_requests", "Slow down. Try again in 420 seconds."),
        throttled(429, "too_many_requests", "Slow down. Try again in <duration>.", 420.0),
    ),
    "fiat-throttle-as-authentication-failed": (
        401,
        {
            "errorCode": "AUTHENTICATION FAILED",
            "message": "Too many requests, please try again after [9] seconds.",
        },
        throttled(
            401,
            "AUTHENTICATION FAILED",
            "Too many requests, please try again after [9] seconds.",
            9.0,
        ),
    ),
    "aws-throttle": (429, said("INVALID_REQUEST"), throttled(429, "INVALID_REQUEST")),
    "iracing-perhaps-a-throttle": (
        400,
        said("unauthorized_client"),
        GrantNotAllowed(400, "unauthorized_client"),
    ),
    "any-error-as-object": (
        400,
        {"error": {"message": "rate limit exceeded", "code": "x"}},
        throttled(400, "x", "rate limit exceeded"),
    ),
    "any-limit-in-invalid_scope-is-no-throttle": (
        400,
        said("invalid_scope", "limit of scopes exceeded"),
        refused(400, "invalid_scope", "limit of scopes exceeded"),
    ),
    "any-insufficient_scope": (
        403,
        said("insufficient_scope", scope=["write"]),
        refused(403, "insufficient_scope", named=("write",)),
    ),
    "any-conflict": (
        409,
        said("conflict", "concurrent update"),
        Unanswered(Reason.SERVER_ERROR, 409, "conflict", "concurrent update"),
    ),
    "any-wrong-endpoint": (
        404,
        {"message": "no such path"},
        Unanswered(Reason.MALFORMED_ANSWER, 404, "", "no such path"),
    ),
    "any-500-is-no-refusal": (
        500,
        said("invalid_scope"),
        Unanswered(Reason.SERVER_ERROR, 500, "invalid_scope"),
    ),
    "any-temporarily-unavailable": (
        400,
        said("temporarily_unavailable"),
        Unanswered(Reason.SERVER_ERROR, 400, "temporarily_unavailable"),
    ),
    "any-too-large": (413, b"", TooLarge(413)),
    "any-redirect": (302, b"", Unanswered(Reason.REDIRECTED, 302)),
    "any-page-200": (200, b"<html>hello", Unanswered(Reason.MALFORMED_ANSWER, 200)),
    "any-page-401": (401, b"<html>no", Unanswered(Reason.MALFORMED_ANSWER, 401)),
    "any-page-403": (403, b"<html>no", Unanswered(Reason.MALFORMED_ANSWER, 403)),
    "any-bare-401": (401, b"", Unauthenticated(401)),
    "any-error-beside-a-token": (
        200,
        said("invalid_scope", access_token=TOKEN),
        Unanswered(Reason.MALFORMED_ANSWER, 200),
    ),
}


@pytest.mark.parametrize(("status", "body", "expected"), OTHERS.values(), ids=OTHERS.keys())
def test_an_error_is_read_as_what_it_says(status, body, expected):
    assert read(status, body) == expected


ISSUED = {
    "keycloak-superset": ({"scope": "profile read email"}, Issued(("read", "email", "profile"))),
    "oidc_provider-silent": ({}, Issued()),
    "authentik-unordered": ({"scope": "write read"}, Issued(("read", "write"))),
    "authentik-nothing": ({"scope": ""}, Issued(())),
    "twitch-array": ({"scope": ["read", "x"]}, Issued(("read", "x"))),
    "any-commas": ({"scope": "x,read"}, Issued(("read", "x"))),
    "any-token-as-scope": ({"scope": TOKEN}, Issued(())),
    "any-number": ({"scope": 7}, Unanswered(Reason.MALFORMED_ANSWER, 200)),
    "any-no-token": ({"access_token": ""}, Unanswered(Reason.MALFORMED_ANSWER, 200)),
    "any-no-jwt": ({"access_token": "a.b.c"}, Issued()),
    "auth0-claim-string": ({"access_token": jwt(scope="a b")}, Issued(None, ("a", "b"), True)),
    "spring-claim-array": ({"access_token": jwt(scope=["a"])}, Issued(None, ("a",), True)),
    "hydra-claim-scp-list": ({"access_token": jwt(scp=["a"])}, Issued(None, ("a",), True)),
    "entra-claim-scp-string": ({"access_token": jwt(scp="a b")}, Issued(None, ("a", "b"), True)),
    "entra-no-roles": ({"access_token": jwt(sub="x")}, Issued(None, None, True)),
}


@pytest.mark.parametrize(("members", "expected"), ISSUED.values(), ids=ISSUED.keys())
def test_a_token_is_read_and_dropped(members, expected):
    assert read(200, {"access_token": TOKEN, **members}) == expected


@pytest.mark.parametrize("code", ["access_denied", "invalid_scope", "invalid_request"])
@pytest.mark.parametrize(
    "scope", ["quota.write", "rate-limit:admin", "too.many.requests", "client:secret"]
)
@pytest.mark.parametrize("echo", ["{}", "'{}'", "[{}]", "{},"])
def test_a_scope_that_sounds_like_a_throttle_is_refused_all_the_same(code, scope, echo):
    text = f"Client has not been granted scopes: {echo.format(scope)}"
    answer = read(403, said(code, text), asked=(scope,))
    assert answer == refused(403, code, text, named=(scope,))


def test_a_throttle_is_none_of_our_words_even_where_its_code_is_the_scope():
    answer = read(400, said("too.many.requests"), asked=("too.many.requests",))
    assert answer == throttled(400, "too.many.requests")


def test_a_scope_of_a_throttled_client_is_not_refused():
    answer = read(400, said("invalid_request", "rate limit exceeded: read"), asked=("read",))
    assert isinstance(answer, Unanswered)


def test_a_nonce_is_asked_for_in_the_body_or_in_the_challenge():
    nonce = {"DPoP-Nonce": "n-0S6_WzA2Mj"}
    challenge = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"'}
    assert asks_for_nonce(response_of(400, said("use_dpop_nonce"), nonce)) == "n-0S6_WzA2Mj"
    assert asks_for_nonce(response_of(401, b"", nonce | challenge)) == "n-0S6_WzA2Mj"
    assert asks_for_nonce(response_of(400, said("invalid_scope"), nonce)) is None
    assert asks_for_nonce(response_of(400, said("use_dpop_nonce"))) is None
    assert asks_for_nonce(response_of(200, {"access_token": TOKEN}, nonce)) is None
    bad = {"DPoP-Nonce": "a\x1b b"}
    assert asks_for_nonce(response_of(400, said("use_dpop_nonce"), bad)) is None


def test_the_token_can_be_reached_for_the_rest_of_its_exchange():
    issued = response_of(200, {"access_token": TOKEN, "token_type": "DPoP"})
    refusal = response_of(400, said("invalid_scope", access_token=TOKEN, token_type=7))
    assert (access_token(issued), token_type(issued)) == (TOKEN, "DPoP")
    assert (access_token(refusal), token_type(refusal)) == (None, None)


def test_an_answer_survives_the_journal():
    answers = [read(status, body) for status, body, _ in OTHERS.values()]
    answers += [read(200, {"access_token": TOKEN, **members}) for members, _ in ISSUED.values()]
    for answer in answers:
        assert msgspec.json.decode(msgspec.json.encode(answer), type=Answer) == answer


def test_a_client_without_a_secret_is_read_too():
    body = json.dumps(said("invalid_scope")).encode()
    assert read(400, body, client=client_of(secret="")) == refused(400, "invalid_scope")
