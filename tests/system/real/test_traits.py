"""What scopeprobe relies on about every server that knows its clients and their scopes."""

from dataclasses import replace

import pytest
from fleet import SECRETS
from wire import CANARY, ask

ALL_POWERFUL = SECRETS.client("all-powerful")
ONE_TRICK = SECRETS.client("one-trick")
NO_GRANTS = SECRETS.client("no-grants")
BY_POST = SECRETS.client("by-post")
ODD_LETTERS = SECRETS.client("odd-letters")


@pytest.fixture(params=["oidc_provider", "oidc_provider_resource", "authlib_server"])
def server(request):
    return request.getfixturevalue(request.param)


def test_asking_for_each_scope_alone_shows_exactly_what_is_granted(server):
    listed = {
        (client.name, scope)
        for client in SECRETS.clients
        for scope in SECRETS.candidates
        if (answer := ask(server, client, scope)).issued and scope in (answer.scopes or ())
    }

    assert listed == {cell for cell, verdict in server.truth.items() if verdict == "granted"}


def test_a_set_of_granted_scopes_is_listed_in_full(server):
    assert set(ask(server, ALL_POWERFUL, *SECRETS.scopes).scopes) == set(SECRETS.scopes)


def test_a_request_without_scope_is_issued_and_lists_nothing_even_to_the_all_powerful(server):
    answer = ask(server, ALL_POWERFUL)

    assert answer.issued
    assert answer.scopes is None


def test_a_client_without_grants_gets_a_token_without_scope(server):
    answer = ask(server, NO_GRANTS)

    assert answer.issued
    assert answer.scopes is None


@pytest.mark.parametrize("scope", ["orders.read", "orders.write", CANARY])
def test_a_wrong_secret_is_refused_before_any_scope_is_looked_at(server, scope):
    answer = ask(server, replace(ONE_TRICK, client_secret="wrong"), scope)

    assert answer.error == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_an_unknown_client_is_refused_as_invalid_client(server):
    nobody = replace(ONE_TRICK, client_id="nobody")

    assert ask(server, nobody, "orders.read").error == (401, "invalid_client")


def test_odd_letters_are_understood_when_percent_encoded(server):
    assert ask(server, ODD_LETTERS, "orders.read").scopes == ["orders.read"]
