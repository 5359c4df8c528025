"""
How the errors of the vendors of APIs, and of any server are read, trap by trap.

Where only a rumour says what a server answers, the cautious reading is expected.
"""

import msgspec
import pytest
from reading import read, refused, said, throttled

from scopeprobe.model.answer import (
    Answer,
    GrantNotAllowed,
    Subject,
    TooLarge,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.cell import Reason

TARGET = Subject.TARGET
TOKEN = "opaque-token"


GOOGLE = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized "
    "for any of the scopes requested."
)
AUTH0_GRANT = (
    'Client is not authorized to access "https://api". You need to create a "client-grant" '
    "associated to this API."
)

ANSWERS = {
    # server-trap: status, body, answer
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


@pytest.mark.parametrize(("status", "body", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_error_is_read_as_what_it_says(status, body, expected):
    assert read(status, body) == expected


def test_an_error_survives_the_journal():
    for status, body, answer in ANSWERS.values():
        stored = msgspec.json.encode(read(status, body))
        assert msgspec.json.decode(stored, type=Answer) == answer
