"""What scopeprobe relies on about oauth2-mock-server, which refuses nobody."""

from dataclasses import replace

import pytest
from fleet import SECRETS
from wire import CANARY, ask, claims_of, get

ONE_TRICK = SECRETS.client("one-trick")


@pytest.mark.parametrize(
    "client",
    [ONE_TRICK, replace(ONE_TRICK, client_secret="wrong"), replace(ONE_TRICK, client_id="nobody")],
    ids=["client", "wrong secret", "unknown client"],
)
@pytest.mark.parametrize("scope", ["orders.read", "orders.write", "invoices.raed", CANARY])
def test_whatever_is_asked_for_is_listed(oauth2_mock_server, client, scope):
    answer = ask(oauth2_mock_server, client, scope)

    assert answer.scopes == [scope]
    assert claims_of(answer)["scope"] == scope


def test_without_scope_a_token_without_scope_is_issued(oauth2_mock_server):
    answer = ask(oauth2_mock_server, ONE_TRICK)

    assert answer.issued
    assert answer.scopes is None


def test_the_metadata_knows_of_no_client_authentication(oauth2_mock_server):
    told = get(f"{oauth2_mock_server.issuer}/.well-known/openid-configuration").body

    assert told["token_endpoint"] == oauth2_mock_server.token_endpoint
    assert told["token_endpoint_auth_methods_supported"] == ["none"]
