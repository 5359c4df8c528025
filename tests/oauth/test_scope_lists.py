"""Scopes in the claims of a token, and in the words of a refusal."""

import pytest
from reading import jwt, read

from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.scope_lists import repeated, token_issued_at

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


ASKED = ("read", "read.all", "urn:x:y/z_1", "a*", "one,two", "https://api/.default")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("not allowed: read", {"read"}),
        ("not allowed: 'read'.", {"read"}),
        ("scope `read`, [read.all]; (urn:x:y/z_1)", {"read", "read.all", "urn:x:y/z_1"}),
        ("scopes:read,read.all", {"read", "read.all"}),
        ('"read" is bad', {"read"}),
        ("&#39;read&#39;", {"read"}),
        ("“read” and «a*»", {"read", "a*"}),
        ("one,two", {"one,two"}),
        ("https://api/.default.", {"https://api/.default"}),
        ("spread, read.allow, x/read, read.*, read-only, Read", set()),
        ("scopes: read...", set()),
        ("scopes: read…", set()),
        ("scopes: urn:x:y/z_1...", {"urn:x:y/z_1"}),
        ("", set()),
    ],
)
def test_a_name_is_repeated_only_as_a_whole_token(text, named):
    assert repeated(text, tuple(map(Scope, ASKED))) == named


def test_names_come_in_the_order_of_the_request_from_text_and_member():
    body = {"error": "invalid_scope", "error_description": "not c", "scope": "a other"}
    assert read(400, body, asked=("a", "b", "c")).named == ("a", "c")
    assert read(400, body, asked=("c", "b", "a")).named == ("c", "a")


def test_a_long_echo_gives_what_is_searched_and_no_half_of_a_name():
    asked = (*(f"scope-{n}" for n in range(1001)), "scope-10000")
    text = "Invalid scopes: " + " ".join(asked)
    named = read(400, {"error": "invalid_scope", "error_description": text}, asked=asked).named
    assert named == asked[: len(named)]
    assert 150 < len(named) < 300
    assert f"{named[-1]} " in text[:2000]
