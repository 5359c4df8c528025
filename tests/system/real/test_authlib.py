"""What scopeprobe relies on about Authlib."""

import json
from dataclasses import replace
from urllib.parse import quote_plus

import pytest
from fleet import SECRETS
from wire import CANARY, ask, tell

ONE_TRICK = SECRETS.client("one-trick")
NO_GRANTS = SECRETS.client("no-grants")
BY_POST = SECRETS.client("by-post")
ODD_LETTERS = SECRETS.client("odd-letters")


@pytest.mark.parametrize("client", [ONE_TRICK, NO_GRANTS], ids=lambda client: client.name)
def test_authlib_issues_a_token_without_scope_for_an_ungranted_scope(authlib_server, client):
    answer = ask(authlib_server, client, "orders.write")

    assert answer.issued
    assert answer.scopes is None


def test_authlib_leaves_an_ungranted_scope_out_beside_a_granted_one(authlib_server):
    answer = ask(authlib_server, ONE_TRICK, "orders.write", "orders.read")

    assert answer.scopes == ["orders.read"]


@pytest.mark.parametrize("scope", [*SECRETS.unknown, CANARY])
@pytest.mark.parametrize("beside", [(), ("orders.read",)], ids=["alone", "beside a granted one"])
def test_authlib_refuses_an_unknown_scope_without_naming_it(authlib_server, beside, scope):
    answer = ask(authlib_server, ONE_TRICK, *beside, scope)

    assert answer.error == (400, "invalid_scope")
    assert scope not in json.dumps(answer.body)


@pytest.mark.parametrize(
    ("client", "method"),
    [(BY_POST, "client_secret_basic"), (ONE_TRICK, "client_secret_post")],
    ids=["post client by basic", "basic client by post"],
)
def test_authlib_refuses_the_other_way_of_sending_the_secret(authlib_server, client, method):
    other_way = replace(client, token_endpoint_auth_method=method)

    assert ask(authlib_server, other_way).error == (401, "invalid_client")


def test_authlib_refuses_an_unknown_client_by_post_with_400(authlib_server):
    nobody = replace(BY_POST, client_id="nobody")

    assert ask(authlib_server, nobody).error == (400, "invalid_client")


@pytest.mark.parametrize("encode", [quote_plus, str], ids=["space as plus", "unencoded"])
def test_authlib_takes_odd_letters_otherwise_encoded_for_another_client(authlib_server, encode):
    assert ask(authlib_server, ODD_LETTERS, encode=encode).error == (401, "invalid_client")


@pytest.mark.parametrize(
    ("asked", "carried"),
    [(("orders.read",), ["orders.read"]), (("orders.write",), []), ((), [])],
    ids=["granted", "ungranted", "without scope"],
)
def test_authlib_tells_by_introspection_what_a_token_carries(authlib_server, asked, carried):
    token = ask(authlib_server, ONE_TRICK, *asked).body["access_token"]

    told = tell(authlib_server, authlib_server.introspection_endpoint, ONE_TRICK, token)

    assert (told.body["active"], told.scopes) == (True, carried)


def test_authlib_tells_nothing_about_the_token_of_another_client(authlib_server):
    token = ask(authlib_server, ONE_TRICK, "orders.read").body["access_token"]

    told = tell(authlib_server, authlib_server.introspection_endpoint, BY_POST, token)

    assert told.body == {"active": False}


def test_authlib_revokes_a_token(authlib_server):
    token = ask(authlib_server, ONE_TRICK, "orders.read").body["access_token"]

    revoked = tell(authlib_server, authlib_server.revocation_endpoint, ONE_TRICK, token)

    told = tell(authlib_server, authlib_server.introspection_endpoint, ONE_TRICK, token)
    assert (revoked.status, told.body) == (200, {"active": False})
