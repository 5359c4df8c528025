"""Scopes in lists, and in the claims of a token."""

import pytest
from reading import jwt, read

from scopeprobe.oauth.scope_lists import token_issued_at

KEYCLOAK = {"scope": "read", "realm_access": {"roles": ["boss"]}}
KEYCLOAK["resource_access"] = {"app": {"roles": ["write"]}, "web": {"roles": ["x"]}}


@pytest.mark.parametrize(
    ("claims", "also", "claimed"),
    [
        pytest.param(KEYCLOAK, (), ("read",), id="none"),
        pytest.param(KEYCLOAK, ("realm_access.roles",), ("read", "boss"), id="path"),
        pytest.param(
            KEYCLOAK, ("resource_access.*.roles",), ("read", "write", "x"), id="any-member"
        ),
        pytest.param({"roles": ["a"]}, ("roles",), ("a",), id="entra"),
        pytest.param({"permissions": ["a", "b"]}, ("permissions",), ("a", "b"), id="auth0"),
        pytest.param({"https://a.b/r": ["a"]}, ("https://a.b/r",), ("a",), id="url"),
        pytest.param({"roles": 7, "a": "b"}, ("roles", "a.b.c", "*.x"), None, id="wrong-types"),
    ],
)
def test_further_claims_are_read_where_a_provider_names_them(claims, also, claimed):
    answer = read(200, {"access_token": jwt(**claims)}, also_claims=also)
    assert answer.claimed == claimed


@pytest.mark.parametrize(
    ("token", "issued_at"),
    [
        (jwt(iat=1795399200), 1795399200.0),
        (jwt(iat=1795399200.5), 1795399200.5),
        (jwt(iat="1795399200"), None),
        (jwt(iat=True), None),
        (jwt(iat=10**400), None),
        (jwt(), None),
        ("opaque", None),
    ],
)
def test_a_jwt_tells_when_it_was_issued(token, issued_at):
    assert token_issued_at(token) == issued_at
