"""How real servers take the assertions that clients sign (RFC 7523)."""

import time

import pytest
from credentials import signing_key
from fleet import ASSERTIONS
from wire import ask, assertion, post, tell, with_assertion

BY_RS256 = ASSERTIONS.client("by-rs256")
BY_HS256 = ASSERTIONS.client("by-hs256")
EITHER_KIND = pytest.mark.parametrize("client", [BY_RS256, BY_HS256], ids=lambda c: c.name)

REFUSED = {"oidc_provider_assertions": 401, "authlib_assertions": 400}


@pytest.fixture(params=REFUSED)
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def refused(request, server):
    """Both say invalid_client, each with a status of its own."""
    return REFUSED[request.node.callspec.params["server"]], "invalid_client"


def present(server, text):
    form = {"grant_type": "client_credentials", "scope": "orders.read"}
    return post(server.token_endpoint, form | with_assertion(text))


@pytest.mark.parametrize("client", ASSERTIONS.clients, ids=lambda client: client.name)
def test_asking_with_assertions_shows_exactly_what_is_granted(server, client):
    listed = {
        scope
        for scope in ASSERTIONS.candidates
        if (answer := ask(server, client, scope)).issued and scope in (answer.scopes or ())
    }

    assert listed == set(client.scopes)


@EITHER_KIND
def test_a_replayed_assertion_is_refused(server, client, refused):
    text = assertion(server, client)

    first, second = present(server, text), present(server, text)

    assert first.scopes == ["orders.read"]
    assert second.error == refused


@EITHER_KIND
def test_an_expired_assertion_is_refused(server, client, refused):
    an_hour_ago = int(time.time()) - 3600
    text = assertion(server, client, iat=an_hour_ago, exp=an_hour_ago + 60)

    assert present(server, text).error == refused


@EITHER_KIND
def test_an_assertion_for_another_audience_is_refused(server, client, refused):
    text = assertion(server, client, aud="https://login.example/token")

    assert present(server, text).error == refused


def test_an_assertion_by_the_key_of_another_client_is_refused(server, refused):
    key = signing_key("somebody-else", "RS256")

    assert present(server, assertion(server, BY_RS256, key)).error == refused


def test_an_assertion_of_an_unknown_client_is_refused(server, refused):
    text = assertion(server, BY_RS256, iss="nobody", sub="nobody")

    assert present(server, text).error == refused


@EITHER_KIND
def test_a_token_is_introspected_and_revoked_with_assertions_too(server, client):
    token = ask(server, client, "orders.read").body["access_token"]

    told = tell(server, server.introspection_endpoint, client, token)
    revoked = tell(server, server.revocation_endpoint, client, token)
    told_after = tell(server, server.introspection_endpoint, client, token)

    assert (told.body["active"], told.scopes) == (True, ["orders.read"])
    assert (revoked.status, told_after.body) == (200, {"active": False})
