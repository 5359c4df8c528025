"""What scopeprobe relies on about oidc-provider."""

from dataclasses import replace
from urllib.parse import quote_plus

import pytest
from fleet import SECRETS
from wire import CANARY, ask, claims_of, get, tell

ALL_POWERFUL = SECRETS.client("all-powerful")
ONE_TRICK = SECRETS.client("one-trick")
NO_GRANTS = SECRETS.client("no-grants")
BY_POST = SECRETS.client("by-post")
ODD_LETTERS = SECRETS.client("odd-letters")


@pytest.fixture(params=["oidc_provider", "oidc_provider_resource"])
def either_oidc_provider(request):
    return request.getfixturevalue(request.param)


def test_oidc_provider_refuses_an_ungranted_scope_and_names_it(either_oidc_provider):
    answer = ask(either_oidc_provider, ONE_TRICK, "orders.write")

    assert answer.error == (400, "invalid_scope")
    assert answer.scopes == ["orders.write"]


def test_oidc_provider_names_only_the_first_of_the_ungranted_scopes(either_oidc_provider):
    answer = ask(either_oidc_provider, ONE_TRICK, "orders.read", "users:view", "orders.write")

    assert answer.error == (400, "invalid_scope")
    assert answer.scopes == ["users:view"]


@pytest.mark.parametrize("scope", [*SECRETS.unknown, CANARY])
@pytest.mark.parametrize("client", [ALL_POWERFUL, NO_GRANTS], ids=lambda client: client.name)
def test_oidc_provider_issues_a_token_without_scope_for_an_unknown_scope(
    either_oidc_provider, client, scope
):
    answer = ask(either_oidc_provider, client, scope)

    assert answer.issued
    assert answer.scopes is None


def test_oidc_provider_leaves_an_unknown_scope_out_beside_a_granted_one(either_oidc_provider):
    assert ask(either_oidc_provider, ONE_TRICK, CANARY, "orders.read").scopes == ["orders.read"]


def test_oidc_provider_does_not_mind_the_other_way_of_sending_the_secret(either_oidc_provider):
    by_basic = replace(BY_POST, token_endpoint_auth_method="client_secret_basic")

    assert ask(either_oidc_provider, by_basic, "invoices.read").scopes == ["invoices.read"]


def test_oidc_provider_reads_a_plus_as_a_space(either_oidc_provider):
    assert ask(either_oidc_provider, ODD_LETTERS, encode=quote_plus).issued


def test_oidc_provider_calls_unencoded_odd_letters_an_invalid_request(either_oidc_provider):
    assert ask(either_oidc_provider, ODD_LETTERS, encode=str).error == (400, "invalid_request")


def test_oidc_provider_tells_the_scope_of_an_opaque_token_by_introspection(oidc_provider):
    token = ask(oidc_provider, ONE_TRICK, "orders.read", CANARY).body["access_token"]

    told = tell(oidc_provider, oidc_provider.introspection_endpoint, ONE_TRICK, token)

    assert (told.body["active"], told.scopes) == (True, ["orders.read"])


def test_oidc_provider_revokes_an_opaque_token(oidc_provider):
    token = ask(oidc_provider, ONE_TRICK, "orders.read").body["access_token"]

    revoked = tell(oidc_provider, oidc_provider.revocation_endpoint, ONE_TRICK, token)

    told = tell(oidc_provider, oidc_provider.introspection_endpoint, ONE_TRICK, token)
    assert (revoked.status, told.body) == (200, {"active": False})


def test_oidc_provider_tells_the_scope_of_a_resource_token_in_the_token(oidc_provider_resource):
    answer = ask(oidc_provider_resource, ALL_POWERFUL, "orders.read", CANARY, "users:view")

    assert claims_of(answer)["scope"] == "orders.read users:view"


@pytest.mark.parametrize("scopes", [(), (CANARY,)], ids=["without scope", "canary"])
def test_oidc_provider_leaves_an_empty_scope_out_of_the_resource_token(
    oidc_provider_resource, scopes
):
    assert "scope" not in claims_of(ask(oidc_provider_resource, ALL_POWERFUL, *scopes))


@pytest.mark.parametrize("place", ["introspection", "revocation"])
def test_oidc_provider_neither_introspects_nor_revokes_a_resource_token(
    oidc_provider_resource, place
):
    token = ask(oidc_provider_resource, ONE_TRICK, "orders.read").body["access_token"]

    told = tell(
        oidc_provider_resource,
        f"{oidc_provider_resource.token_endpoint}/{place}",
        ONE_TRICK,
        token,
    )

    assert told.error == (400, "unsupported_token_type")


def test_oidc_provider_names_its_endpoints_and_scopes(oidc_provider):
    told = get(f"{oidc_provider.issuer}/.well-known/openid-configuration").body

    assert told["issuer"] == oidc_provider.issuer
    assert told["token_endpoint"] == oidc_provider.token_endpoint
    assert told["introspection_endpoint"] == oidc_provider.introspection_endpoint
    assert told["revocation_endpoint"] == oidc_provider.revocation_endpoint
    assert set(SECRETS.scopes) < set(told["scopes_supported"])
