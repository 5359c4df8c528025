"""How oidc-provider binds tokens to a key, with a nonce in every proof (RFC 9449)."""

import pytest
from fleet import PROOFS
from joserfc.jwk import ECKey
from wire import ask, assertion, claims_of, post, proof, with_assertion

BOUND = PROOFS.client("bound-by-basic")
BOUND_BY_KEY = PROOFS.client("bound-by-key")
UNBOUND = PROOFS.client("unbound")
KEY = ECKey.generate_key("P-256")


@pytest.fixture(params=["oidc_provider_proofs", "oidc_provider_resource_proofs"])
def server(request):
    return request.getfixturevalue(request.param)


def nonce_of(server):
    """What the refusal of a proof without nonce gives."""
    text = proof(KEY, server.token_endpoint)
    return ask(server, UNBOUND, headers={"DPoP": text}).headers["DPoP-Nonce"]


def ask_with_proof(server, client, *scopes, key=KEY, **claims):
    text = proof(key, server.token_endpoint, **{"nonce": nonce_of(server)} | claims)
    return ask(server, client, *scopes, headers={"DPoP": text})


@pytest.mark.parametrize("client", PROOFS.clients, ids=lambda client: client.name)
def test_asking_with_proofs_shows_exactly_what_is_granted(server, client):
    listed = {
        scope
        for scope in PROOFS.candidates
        if (answer := ask_with_proof(server, client, scope)).issued
        and scope in (answer.scopes or ())
    }

    assert listed == set(client.scopes)


@pytest.mark.parametrize("client", [BOUND, BOUND_BY_KEY], ids=lambda client: client.name)
def test_a_proof_without_nonce_is_refused_with_one(server, client):
    answer = ask(server, client, headers={"DPoP": proof(KEY, server.token_endpoint)})

    assert answer.error == (400, "use_dpop_nonce")
    assert answer.headers["DPoP-Nonce"]


def test_the_nonce_is_asked_for_before_the_scope_is_looked_at(server):
    answer = ask(server, BOUND, "orders.write", headers={"DPoP": proof(KEY, server.token_endpoint)})

    assert answer.error == (400, "use_dpop_nonce")


def test_a_nonce_serves_many_requests(server):
    nonce = nonce_of(server)

    assert ask_with_proof(server, BOUND, "orders.read", nonce=nonce).issued
    assert ask_with_proof(server, BOUND, "orders.read", nonce=nonce).issued


def test_a_nonce_that_the_server_never_gave_is_answered_with_a_new_one(server):
    answer = ask_with_proof(server, BOUND, "orders.read", nonce="never-given")

    assert answer.error == (400, "use_dpop_nonce")
    assert answer.headers["DPoP-Nonce"]


def test_a_bound_client_gets_nothing_without_a_proof(server):
    assert ask(server, BOUND, "orders.read").error == (400, "invalid_grant")


def test_an_unbound_client_needs_no_proof(server):
    answer = ask(server, UNBOUND, "orders.write")

    assert answer.body["token_type"] == "Bearer"


def test_an_ungranted_scope_is_refused_as_that_with_a_good_proof(server):
    assert ask_with_proof(server, BOUND, "orders.write").error == (400, "invalid_scope")


def test_a_proof_for_another_endpoint_is_refused(server):
    answer = ask_with_proof(server, BOUND, "orders.read", htu="https://login.example/token")

    assert answer.error == (400, "invalid_dpop_proof")


def test_a_replayed_proof_is_refused(server):
    headers = {"DPoP": proof(KEY, server.token_endpoint, nonce=nonce_of(server))}

    first = ask(server, BOUND, "orders.read", headers=headers)
    second = ask(server, BOUND, "orders.read", headers=headers)

    assert first.issued
    assert second.error == (400, "invalid_grant")


def test_an_assertion_that_came_with_a_proof_without_nonce_is_used_up(server):
    """So the second request of the handshake needs a fresh assertion, not only a fresh proof."""
    by_key = with_assertion(assertion(server, BOUND_BY_KEY))
    form = {"grant_type": "client_credentials"} | by_key
    proved = proof(KEY, server.token_endpoint)

    first = post(server.token_endpoint, form, {"DPoP": proved})
    nonce = first.headers["DPoP-Nonce"]
    again = {"DPoP": proof(KEY, server.token_endpoint, nonce=nonce)}

    assert first.error == (400, "use_dpop_nonce")
    assert post(server.token_endpoint, form, again).error == (401, "invalid_client")


def test_a_token_of_the_resource_server_names_the_key(oidc_provider_resource_proofs):
    answer = ask_with_proof(oidc_provider_resource_proofs, BOUND, "orders.read")

    assert answer.body["token_type"] == "DPoP"
    assert claims_of(answer)["cnf"] == {"jkt": KEY.thumbprint()}
