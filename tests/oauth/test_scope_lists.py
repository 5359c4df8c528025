"""Scopes in lists, and in the claims of a token."""

import pytest
from reading import jwt, read, response_of

from scopeprobe.model.scope_names import Scope, resembles
from scopeprobe.oauth.introspection import introspected_scopes
from scopeprobe.oauth.masking import Mask
from scopeprobe.oauth.scope_lists import LONGEST_NAME, MOST_NAMES, scope_list, token_issued_at

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
        pytest.param({"by": {"x": ["a"], "y": "b c"}}, ("by.*",), ("a", "b", "c"), id="any-end"),
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


LONG = Scope("c" * (LONGEST_NAME + 1))
OTHERS = [
    "c\u200b",
    "\u2060c",
    "c\u00a0",
    "\u2003c",
    "c\x85d",
    "c\x00",
    "C",
    "c\u0301",
    "\uff43",
    "[c]",
    "c\ufeff",
    "\u202ec",
]
DIFFERENT = {"c\x85d"}
"""Names that do not even resemble `c`."""


def listed(value, *asked):
    return scope_list(value, tuple(map(Scope, asked)), Mask(()))


@pytest.mark.parametrize("other", OTHERS, ids=ascii)
@pytest.mark.parametrize("asked", [("c",), ("d",)], ids=["asked", "not-asked"])
def test_a_name_is_compared_as_it_was_sent(other, asked):
    for value in (other, [other], f"x {other} y"):
        told = listed(value, *asked)
        assert told
        assert "c" not in told
        assert any(resembles(name, Scope("c")) for name in told) is (other not in DIFFERENT)
        assert all(name.isprintable() for name in told)
    assert "c" in listed(f"{other} c", *asked)


@pytest.mark.parametrize("end", ["", "d", "\u200b"], ids=ascii)
def test_a_name_that_shares_its_beginning_is_another_one(end):
    candidate = Scope("c" * 200)
    for other in (candidate + "x" + end, LONG + end):
        assert candidate not in listed(other, "d")
        assert candidate not in listed(other, candidate)
    assert LONG not in listed(LONG + end + "d", "d")
    assert listed(LONG, LONG) == (LONG,)
    assert len(listed(LONG + "d", "d")[0]) == LONGEST_NAME
    assert listed(LONG[1:], "d") == (LONG[1:],)


def test_names_that_cannot_be_shown_equal_no_scope_that_can_be_asked():
    for name in (*OTHERS[:6], LONG):
        (told,) = listed([name], "x")[-1:]
        assert any(sign in told for sign in "\\…")


@pytest.mark.parametrize(
    "value",
    [
        "a b",
        "b a",
        "a,b",
        "b, a",
        " a  b ",
        "a\tb\r\n",
        ["a", "b"],
        ["b", "a"],
        ["a b"],
        ["b,a"],
        "a b a",
    ],
    ids=ascii,
)
def test_a_list_is_separated_by_spaces_or_commas_in_any_order(value):
    assert listed(value, "a", "b") == ("a", "b")
    assert sorted(listed(value, "a")) == ["a", "b"]
    assert read(200, {"access_token": "t-opaque", "scope": value}, asked=("a",)).names == {"a", "b"}


@pytest.mark.parametrize("claim", ["scope", "scp", "scopes"])
@pytest.mark.parametrize(
    ("value", "claimed"),
    [("a b", ("a", "b")), (["a", "b"], ("a", "b")), ("a,b", ("a", "b")), ([], ()), ("", ())],
    ids=ascii,
)
def test_a_claim_of_scopes_is_read_under_each_of_its_names(claim, value, claimed):
    answer = read(200, {"access_token": jwt(**{claim: value})}, asked=("a",))
    assert answer.claimed == claimed
    assert answer.readable
    assert answer.tells


@pytest.mark.parametrize("claim", ["scope", "scp", "scopes"])
def test_a_claim_that_is_no_list_makes_the_token_unreadable(claim):
    answer = read(200, {"access_token": jwt(**{claim: {"a": True}})}, asked=("a",))
    assert answer.claimed is None
    assert not answer.readable


def test_a_name_in_another_case_is_shown_and_is_not_the_scope():
    """Authlib lists what it stored, in the case in which it stored it."""
    answer = read(200, {"access_token": "t-opaque", "scope": "Read"}, asked=("read",))
    assert answer.carries(Scope("read")) is False
    assert answer.names == {"Read"}
    assert resembles(Scope("Read"), Scope("read"))


def test_introspection_compares_names_as_they_were_sent():
    body = {"active": True, "scope": "c\u200b d"}
    told = introspected_scopes(response_of(200, body), "billing-id", (Scope("c"),), Mask(()))
    assert "c" not in told
    assert "d" in told


def test_a_flood_of_names_is_bounded_and_drowns_no_candidate():
    flood = [f"a{n:05}" for n in range(20_000)]
    told = scope_list([*flood, "z1", "z2"], [Scope("z1")], Mask(()), [Scope("z2"), Scope("z3")])
    assert told[:2] == ("z1", "z2")
    assert len(told) == 2 + MOST_NAMES
