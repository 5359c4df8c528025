"""How real servers take the assertions that clients sign (RFC 7523)."""

import time

import pytest
from credentials import signing_key
from fleet import ASSERTIONS, AUTHLIB_ASSERTIONS
from wire import ask, assertion, post, tell, with_assertion

BY_RS256 = ASSERTIONS.client("by-rs256")
BY_HS256 = ASSERTIONS.client("by-hs256")

each_server_and_client = pytest.mark.parametrize(
    ("place", "client"),
    [
        pytest.param(place, client, id=f"{place}-{client.name}")
        for place, fleet in {
            "oidc_provider_assertions": ASSERTIONS,
            "authlib_assertions": AUTHLIB_ASSERTIONS,
        }.items()
        for client in fleet.clients
    ],
)
KEYS_AND_A_SECRET = [
    pytest.param("oidc_provider_assertions", BY_RS256, id="oidc-provider-key"),
    pytest.param("oidc_provider_assertions", BY_HS256, id="oidc-provider-secret"),
    pytest.param("authlib_assertions", BY_RS256, id="authlib-key"),
]
a_key_and_a_secret = pytest.mark.parametrize(("place", "client"), KEYS_AND_A_SECRET)
REFUSED = {
    "oidc_provider_assertions": (401, "invalid_client"),
    "authlib_assertions": (400, "invalid_client"),
}


@pytest.fixture
def server(request, place):
    return request.getfixturevalue(place)


def present(server, text):
    form = {"grant_type": "client_credentials", "scope": "orders.read"}
    return post(server.token_endpoint, form | with_assertion(text))


@each_server_and_client
def test_asking_with_assertions_shows_exactly_what_is_granted(server, client):
    listed = {
        scope
        for scope in ASSERTIONS.candidates
        if (answer := ask(server, client, scope)).issued and scope in (answer.scopes or ())
    }

    assert listed == set(client.scopes)


@a_key_and_a_secret
def test_the_issuer_is_an_audience_as_good_as_the_token_endpoint(server, client):
    text = assertion(server, client, aud=server.issuer)

    assert present(server, text).scopes == ["orders.read"]


@a_key_and_a_secret
def test_a_replayed_assertion_is_refused(place, server, client):
    text = assertion(server, client)

    first, second = present(server, text), present(server, text)

    assert first.scopes == ["orders.read"]
    assert second.error == REFUSED[place]


@a_key_and_a_secret
def test_an_expired_assertion_is_refused(place, server, client):
    an_hour_ago = int(time.time()) - 3600
    text = assertion(server, client, iat=an_hour_ago, exp=an_hour_ago + 60)

    assert present(server, text).error == REFUSED[place]


@a_key_and_a_secret
def test_an_assertion_for_another_audience_is_refused(place, server, client):
    text = assertion(server, client, aud="https://login.example/token")

    assert present(server, text).error == REFUSED[place]


@a_key_and_a_secret
def test_an_assertion_of_an_unknown_client_is_refused(place, server, client):
    text = assertion(server, client, iss="nobody", sub="nobody")

    assert present(server, text).error == REFUSED[place]


@pytest.mark.parametrize("place", REFUSED)
def test_an_assertion_by_the_key_of_another_client_is_refused(place, server):
    key = signing_key("somebody-else", "RS256")

    answer = present(server, assertion(server, BY_RS256, key))

    assert answer.error == REFUSED[place]


@pytest.mark.parametrize("name", ["by-ps256", "by-es384", "by-eddsa", "by-ed25519"])
def test_authlib_calls_a_client_whose_algorithm_it_does_not_take_an_invalid_one(
    authlib_assertions, name
):
    answer = ask(authlib_assertions, ASSERTIONS.client(name))

    assert answer.error == (400, "invalid_client")
    assert "is not recommended" in answer.body["error_description"]


@a_key_and_a_secret
def test_a_token_is_introspected_and_revoked_with_assertions_too(server, client):
    token = ask(server, client, "orders.read").body["access_token"]

    told = tell(server, server.introspection_endpoint, client, token)
    revoked = tell(server, server.revocation_endpoint, client, token)
    told_after = tell(server, server.introspection_endpoint, client, token)

    assert (told.body["active"], told.scopes) == (True, ["orders.read"])
    assert (revoked.status, told_after.body) == (200, {"active": False})
