"""What scopeprobe relies on about Django OAuth Toolkit, as it comes and with scopes of clients."""

from dataclasses import replace

import pytest
from fleet import SECRETS
from wire import CANARY, ask, get, tell

ONE_TRICK = SECRETS.client("one-trick")
NO_GRANTS = SECRETS.client("no-grants")
BY_POST = SECRETS.client("by-post")
ODD_LETTERS = SECRETS.client("odd-letters")


@pytest.fixture(params=["django_stock", "django_per_client"])
def server(request):
    return request.getfixturevalue(request.param)


def test_each_scope_alone_shows_exactly_what_is_true(server):
    listed = {
        (client.name, scope): "granted" if answer.issued else "denied"
        for client in SECRETS.clients
        for scope in SECRETS.candidates
        if (answer := ask(server, client, scope)).issued or answer.error == (400, "invalid_scope")
    }

    assert listed == server.truth


def test_a_wrong_secret_is_refused_with_a_bearer_challenge_although_basic_was_used(server):
    answer = ask(server, replace(ONE_TRICK, client_secret="wrong"), CANARY)

    assert answer.error == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_client"'


def test_an_unknown_client_is_refused_as_invalid_client(server):
    assert ask(server, replace(ONE_TRICK, client_id="nobody")).error == (401, "invalid_client")


@pytest.mark.parametrize("beside", [(), ("orders.read",)], ids=["alone", "beside a granted one"])
def test_an_unknown_scope_is_refused_without_a_word_more(server, beside):
    answer = ask(server, ONE_TRICK, *beside, CANARY)

    assert (answer.status, answer.body) == (400, {"error": "invalid_scope"})


def test_odd_letters_are_understood_when_percent_encoded(server):
    assert ask(server, ODD_LETTERS, "orders.read").scopes == ["orders.read"]


def test_the_other_way_of_sending_the_secret_does_just_as_well(server):
    by_basic = replace(BY_POST, token_endpoint_auth_method="client_secret_basic")

    assert ask(server, by_basic, "invoices.read").scopes == ["invoices.read"]


def test_stock_lists_every_scope_that_exists_when_none_is_asked_for(django_stock):
    assert set(ask(django_stock, NO_GRANTS).scopes) == set(SECRETS.scopes)


def test_with_scopes_of_clients_all_of_the_clients_are_listed_when_none_is_asked_for(
    django_per_client,
):
    assert set(ask(django_per_client, BY_POST).scopes) == set(BY_POST.scopes)


def test_with_scopes_of_clients_one_without_grants_gets_a_token_without_scope(django_per_client):
    answer = ask(django_per_client, NO_GRANTS)

    assert answer.issued
    assert not answer.scopes


def test_a_token_is_introspected_by_its_client_until_it_is_revoked(server):
    token = ask(server, ONE_TRICK, "orders.read").body["access_token"]

    told = tell(server, server.introspection_endpoint, ONE_TRICK, token)
    revoked = tell(server, server.revocation_endpoint, ONE_TRICK, token)
    told_after = tell(server, server.introspection_endpoint, ONE_TRICK, token)

    assert (told.body["active"], told.scopes) == (True, ["orders.read"])
    assert (revoked.status, told_after.body) == (200, {"active": False})


def test_the_metadata_names_every_endpoint(server):
    told = get(f"{server.issuer}/.well-known/oauth-authorization-server").body

    assert told["issuer"] == server.issuer
    assert told["token_endpoint"] == server.token_endpoint
    assert told["introspection_endpoint"] == server.introspection_endpoint
    assert told["revocation_endpoint"] == server.revocation_endpoint
    assert set(told["scopes_supported"]) == set(SECRETS.scopes)
