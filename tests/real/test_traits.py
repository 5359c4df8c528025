"""What scopeprobe relies on about the real servers, asked with nothing but http.client."""

import base64
import http.client
import json
from dataclasses import dataclass, replace
from urllib.parse import quote, quote_plus, urlencode, urlsplit

import pytest
from fleet import FLEET

CANARY = "scopeprobe-canary-traits"
ALL_POWERFUL = FLEET.client("all-powerful")
ONE_TRICK = FLEET.client("one-trick")
NO_GRANTS = FLEET.client("no-grants")
BY_POST = FLEET.client("by-post")
ODD_LETTERS = FLEET.client("odd-letters")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: dict

    @property
    def issued(self):
        return self.status == 200 and "access_token" in self.body

    @property
    def scopes(self):
        return self.body["scope"].split() if "scope" in self.body else None

    @property
    def error(self):
        return self.status, self.body["error"]


def percent(text):
    return quote(text, safe="")


def ask(server, client, *scopes, encode=percent):
    form = {"grant_type": "client_credentials"}
    if scopes:
        form["scope"] = " ".join(scopes)
    return post(server.token_endpoint, client, form, encode)


def post(url, client, form, encode=percent):
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    if client.token_endpoint_auth_method == "client_secret_post":
        form = form | {"client_id": client.client_id, "client_secret": client.client_secret}
    else:
        pair = f"{encode(client.client_id)}:{encode(client.client_secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc, timeout=10)
    try:
        connection.request("POST", place.path, urlencode(form), headers)
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    return Answer(response.status, response.headers, json.loads(text or "{}"))


def claims(answer):
    _, payload, _ = answer.body["access_token"].split(".")
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


@pytest.fixture(params=["oidc_provider", "oidc_provider_resource", "authlib_server"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["oidc_provider", "oidc_provider_resource"])
def either_oidc_provider(request):
    return request.getfixturevalue(request.param)


# Every server


def test_asking_for_each_scope_alone_shows_exactly_what_is_granted(server):
    listed = {
        (client.name, scope)
        for client in FLEET.clients
        for scope in FLEET.candidates
        if (answer := ask(server, client, scope)).issued and scope in (answer.scopes or ())
    }

    assert listed == server.truth


def test_a_set_of_granted_scopes_is_listed_in_full(server):
    assert set(ask(server, ALL_POWERFUL, *FLEET.scopes).scopes) == set(FLEET.scopes)


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


# oidc-provider


def test_oidc_provider_refuses_an_ungranted_scope_and_names_it(either_oidc_provider):
    answer = ask(either_oidc_provider, ONE_TRICK, "orders.write")

    assert answer.error == (400, "invalid_scope")
    assert answer.scopes == ["orders.write"]


def test_oidc_provider_names_only_the_first_of_the_ungranted_scopes(either_oidc_provider):
    answer = ask(either_oidc_provider, ONE_TRICK, "orders.read", "users:view", "orders.write")

    assert answer.error == (400, "invalid_scope")
    assert answer.scopes == ["users:view"]


@pytest.mark.parametrize("scope", [*FLEET.unknown, CANARY])
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

    told = post(f"{oidc_provider.token_endpoint}/introspection", ONE_TRICK, {"token": token})

    assert (told.body["active"], told.scopes) == (True, ["orders.read"])


def test_oidc_provider_revokes_an_opaque_token(oidc_provider):
    token = ask(oidc_provider, ONE_TRICK, "orders.read").body["access_token"]

    revoked = post(f"{oidc_provider.token_endpoint}/revocation", ONE_TRICK, {"token": token})

    told = post(f"{oidc_provider.token_endpoint}/introspection", ONE_TRICK, {"token": token})
    assert (revoked.status, told.body) == (200, {"active": False})


def test_oidc_provider_tells_the_scope_of_a_resource_token_in_the_token(oidc_provider_resource):
    answer = ask(oidc_provider_resource, ALL_POWERFUL, "orders.read", CANARY, "users:view")

    assert claims(answer)["scope"] == "orders.read users:view"


@pytest.mark.parametrize("scopes", [(), (CANARY,)], ids=["without scope", "canary"])
def test_oidc_provider_leaves_an_empty_scope_out_of_the_resource_token(
    oidc_provider_resource, scopes
):
    assert "scope" not in claims(ask(oidc_provider_resource, ALL_POWERFUL, *scopes))


@pytest.mark.parametrize("place", ["introspection", "revocation"])
def test_oidc_provider_neither_introspects_nor_revokes_a_resource_token(
    oidc_provider_resource, place
):
    token = ask(oidc_provider_resource, ONE_TRICK, "orders.read").body["access_token"]

    told = post(f"{oidc_provider_resource.token_endpoint}/{place}", ONE_TRICK, {"token": token})

    assert told.error == (400, "unsupported_token_type")


# Authlib


@pytest.mark.parametrize("client", [ONE_TRICK, NO_GRANTS], ids=lambda client: client.name)
def test_authlib_issues_a_token_without_scope_for_an_ungranted_scope(authlib_server, client):
    answer = ask(authlib_server, client, "orders.write")

    assert answer.issued
    assert answer.scopes is None


def test_authlib_leaves_an_ungranted_scope_out_beside_a_granted_one(authlib_server):
    answer = ask(authlib_server, ONE_TRICK, "orders.write", "orders.read")

    assert answer.scopes == ["orders.read"]


@pytest.mark.parametrize("scope", [*FLEET.unknown, CANARY])
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
