"""How real servers read credentials: methods, encodings, and the words of their refusals."""

from __future__ import annotations

import base64

import pytest
from fleets_of_real_servers import ISSUER, make_fleet, make_message
from words_of_real_servers import (
    FOSITE,
    OKTA_CREDENTIALS,
    OKTA_SECRET,
    WRONG_SECRET,
    no,
    rows,
    say,
    yes,
)

WRONG_METHOD = {
    "authlib": WRONG_SECRET["authlib"],
    "hydra": no(
        401,
        "invalid_client",
        f"{FOSITE} The OAuth 2.0 Client supports client authentication method "
        "'client_secret_basic', but method 'client_secret_post' was requested. You must configure "
        "the OAuth 2.0 client's 'token_endpoint_auth_method' value to accept 'client_secret_post'.",
    ),
    "okta-custom": no(401, "invalid_client", OKTA_SECRET),
    "spring": no(401, "invalid_client"),
    "keycloak": yes("users-write profile email"),
    "oidc-provider": yes("users.write"),
    "duende": yes("users.write"),
}


@pytest.mark.parametrize(("name", "said"), rows(WRONG_METHOD))
def test_a_client_of_basic_that_posts_its_secret(name, said):
    fleet = make_fleet(name)
    message = make_message(fleet, "one", fleet.existing[7], method="client_secret_post")
    assert say(fleet, message) == said


TWO_MECHANISMS = {
    "keycloak": yes("users-write profile email"),
    "oidc-provider": no(
        400,
        "invalid_request",
        "client authentication must only be provided using one mechanism",
    ),
    "okta-custom": no(400, "invalid_request", OKTA_CREDENTIALS),
    "zitadel": no(400, "invalid_request"),
}


@pytest.mark.parametrize(("name", "said"), rows(TWO_MECHANISMS))
def test_credentials_in_header_and_body(name, said):
    fleet = make_fleet(name)
    secret = fleet.entries["one"].secret
    both = {"client_id": "one-id", "client_secret": secret}
    assert say(fleet, make_message(fleet, "one", fleet.existing[7], **both)) == said


@pytest.mark.parametrize(
    ("name", "said"),
    rows(
        {
            "keycloak": yes("users-write profile email"),
            "oidc-provider": yes("users.write"),
            "okta-custom": no(400, "invalid_request", OKTA_CREDENTIALS),
        }
    ),
)
def test_a_client_id_in_the_body_beside_basic(name, said):
    fleet = make_fleet(name)
    assert say(fleet, make_message(fleet, "one", fleet.existing[7], client_id="one-id")) == said


def basic(pair):
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


ENCODINGS = {
    **dict.fromkeys(("hydra", "keycloak", "oidc-provider", "spring", "duende"), "rfc6749"),
    **dict.fromkeys(("zitadel", "django-oauth-toolkit"), "rfc6749"),
    **dict.fromkeys(("doorkeeper", "authentik", "cognito", "genesys"), "raw"),
    "authlib": "percent",
}


@pytest.mark.parametrize(("name", "encoding"), rows(ENCODINGS))
@pytest.mark.parametrize("sent", ["a+b", "a%2Bb", "a b"])
def test_basic_is_decoded_as_this_server_does_it(name, encoding, sent):
    means = {
        "rfc6749": {"a+b": "a b", "a%2Bb": "a+b", "a b": "a b"},
        "percent": {"a+b": "a+b", "a%2Bb": "a+b", "a b": "a b"},
        "raw": {"a+b": "a+b", "a%2Bb": "a%2Bb", "a b": "a b"},
    }[encoding][sent]
    fleet = make_fleet(name)
    form = make_message(fleet, "one", fleet.existing[7], method="none")
    message = type(form)(form.content_type, basic(f"one-id:{sent}"), form.body)
    fleet.server.rotate("one-id", means)
    assert say(fleet, message).status == 200
    fleet.server.rotate("one-id", "another")
    assert say(fleet, message).status in (400, 401)


def test_hydra_calls_a_bad_percent_sign_a_malformed_request():
    fleet = make_fleet("hydra")
    form = make_message(fleet, "one", method="none")
    message = type(form)(form.content_type, basic("one-id:a%zz"), form.body)
    assert (said := say(fleet, message)).status == 400
    assert said.members["error"] == "invalid_request"


def test_authentik_calls_a_wrong_secret_an_invalid_grant():
    fleet = make_fleet("authentik")
    said = say(fleet, make_message(fleet, "wrong", fleet.existing[0]))
    assert (said.status, said.members["error"]) == (400, "invalid_grant")
    assert said.members["error_description"].startswith(
        "The provided authorization grant or refresh token is invalid, expired, revoked, "
    )


def headers_of(name, client, override=None):
    fleet = make_fleet(name, override)
    message = make_message(fleet, client, fleet.existing[7])
    return fleet.server.answer(message, issuer=ISSUER).headers


AUTHENTICATE = {
    "authlib": 'Basic error="invalid_client", error_description="{}"'.format(
        "The client cannot authenticate with methods: ['client_secret_basic']"
    ),
    "django-oauth-toolkit": 'Bearer error="invalid_client"',
    "doorkeeper": 'Bearer realm="Doorkeeper", error="invalid_client", error_description="{}"',
    "duende": None,
    "forgerock": 'Basic realm="/"',
    "hydra": None,
    "oidc-provider": f'Basic realm="{ISSUER}", error="invalid_client", '
    'error_description="client authentication failed"',
    "spring": None,
}


@pytest.mark.parametrize(("name", "expected"), rows(AUTHENTICATE))
def test_www_authenticate_is_as_unreliable_as_it_is_out_there(name, expected):
    header = headers_of(name, "wrong").get("WWW-Authenticate")
    if name == "doorkeeper":
        assert header.startswith(expected.partition("{")[0])
    else:
        assert header == expected


def test_forgerock_answers_posted_credentials_with_another_status():
    fleet = make_fleet("forgerock")
    message = make_message(fleet, "wrong", method="client_secret_post")
    assert say(fleet, message) == no(400, "invalid_client", "Client authentication failed")
