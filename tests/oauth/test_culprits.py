"""Which scopes a refusal names as refused."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import read

from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.culprits import culprits_in, repeated

ASKED = ("read", "read.all", "urn:x:y/z_1", "a*", "one,two", "https://api/.default")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("not allowed: read", {"read"}),
        ("not allowed: 'read'.", {"read"}),
        ("scope `read`, [read.all]; (urn:x:y/z_1)", {"read", "read.all", "urn:x:y/z_1"}),
        ("scopes:read,read.all", {"read", "read.all"}),
        ('"read" is bad', {"read"}),
        ("“read” and «a*»", {"read", "a*"}),
        ("one,two", {"one,two"}),
        ("https://api/.default.", {"https://api/.default"}),
        ("spread, read.allow, x/read, read.*, read-only, Read, xread, reads", set()),
        ("read\u200b, \u2060read, rèread, read\u0301", set()),
        ("èread", set()),
        ("rèread, read", {"read"}),
        ("scopes: read...", set()),
        ("scopes: read…", set()),
        ("scopes: urn:x:y/z_1...", {"urn:x:y/z_1"}),
        ("", set()),
    ],
)
def test_a_name_is_repeated_only_as_a_whole_token(text, named):
    assert repeated(text, tuple(map(Scope, ASKED))) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("client is not allowed to ask for write", set()),
        ("Invalid scope: client", set()),
        ("Invalid scope: 'client'", {"client"}),
        ("Invalid scope: [client]", {"client"}),
        ("Invalid scope: “client”", {"client"}),
        ('Invalid scope: "client"', {"client"}),
        ("Invalid scope: clients", {"clients"}),
    ],
)
def test_a_name_that_is_a_word_of_any_sentence_is_one_in_quotes_or_brackets_only(text, named):
    assert culprits_in([text], ("client", "clients")) == named


@pytest.mark.parametrize(
    "text",
    [
        "Invalid scope: write",
        "Invalid scope(s): [write]; see the manual",
        "[write] is invalid. Please use a valid scope name in the request",
        "Client has not been granted scopes: write",
        "The OAuth 2.0 Client is not allowed to request scope 'write'.",
        'Unrecognized scope(s) ["write"]',
        'Client can\'t request scope(s) ["write"]',
        "Scope write doesn\u2019t exist. Allowed scopes: read",
        "Check the `write` scope",
        "The scope &#39;write&#39; isn&#39;t permitted",
        "Some of the requested scopes were denied by the policy. Denied scopes: [write].",
        "Some requested scopes were invalid. {valid=[read], invalid=[write]}",
        "invalid_scopes: write",
        "write has been rejected.\nThe client has read",
    ],
)
def test_a_culprit_is_named_by_words_of_refusal(text):
    assert culprits_in([text], ("read", "write")) == {"write"}


@pytest.mark.parametrize(
    "text",
    [
        "read",
        "Scopes of this client: read",
        "Invalid scope. Allowed scopes: read",
        "Invalid scope, allowed scopes: read",
        "Invalid scope, must be one of read",
        "Invalid scope (available: read)",
        "Not one of the allowed scopes: read",
        "The scope is not in the allowed scopes [read]",
        "Invalid scope; client scopes: read",
        "allowed: [write], read and x, unknown scope requested",
        "allowed=[write], read and x, unknown scope requested",
        "The request is invalid: only read can be requested",
        "Some requested scopes were invalid. {valid=[read], invalid=[x]}",
    ],
)
def test_what_is_allowed_is_no_culprit(text):
    assert culprits_in([text], ("read", "write")) == frozenset()


def test_a_text_refuses_nothing_that_another_text_lists():
    body = {"error": "invalid_scope", "error_description": "Invalid scope", "hint": "read"}
    assert read(400, body).named == ()


def test_the_scope_member_of_an_error_is_a_list_of_what_is_allowed():
    text = "Invalid scope: write"
    body = {"error": "invalid_scope", "error_description": text, "scope": "read other"}
    assert read(400, body).named == ("write",)


def test_members_of_their_own_name_culprits():
    body = {"error": "invalid_scope", "scopes": ["read"], "denied_scopes": ["write"]}
    assert read(400, body).named == ("write",)


def test_culprits_come_in_the_order_of_the_request():
    body = {"error": "invalid_scope", "error_description": "invalid: z x"}
    assert read(400, body, asked=("x", "y", "z")).named == ("x", "z")
    assert read(400, body, asked=("z", "y", "x")).named == ("z", "x")


def test_a_long_echo_gives_what_is_searched_and_no_half_of_a_name():
    asked = (*(f"scope-{n}" for n in range(1001)), "scope-10000")
    text = "Invalid scopes: " + " ".join(asked)
    named = read(400, {"error": "invalid_scope", "error_description": text}, asked=asked).named
    assert named == asked[: len(named)]
    assert 150 < len(named) < 300
    assert f"{named[-1]} " in text[:2000]


def test_what_stands_behind_all_that_is_searched_still_says_what_is_allowed():
    asked = tuple(f"scope-{n}" for n in range(1000))
    text = f"Invalid: {' '.join(asked)} are allowed"
    assert read(400, {"error": "invalid_scope", "error_description": text}, asked=asked).named == ()


@pytest.mark.parametrize("before", ["Invalid: ", "Hello. Invalid: "])
def test_names_are_searched_within_two_thousand_characters_and_no_further(before):
    assert culprits_in([f"{before:-<1995} read"], ("read",)) == {"read"}
    assert culprits_in([f"{before:-<1996} read"], ("read",)) == frozenset()


def test_no_name_is_believed_in_a_sentence_that_is_too_long_to_be_read():
    assert culprits_in([f"{'Invalid: read ':-<20000}"], ("read",)) == {"read"}
    assert culprits_in([f"{'Invalid: read ':-<20001}"], ("read",)) == frozenset()


def test_a_megabyte_of_sentences_is_read_no_further_than_names_are_searched():
    texts = [f"Invalid: read{'. ' * 500_000}", ". " * 500_000 + "Invalid: read"]
    started = time.monotonic()
    assert [culprits_in([text], ("read", "write")) for text in texts] == [{"read"}, set()]
    assert time.monotonic() - started < 5


NAMES = [
    *("a", "read", "svc8.op", "users:user:edit", "api/read", "x-y", "valid", "allowed", "invalid"),
    *("denied.read", "not-allowed", "https://api/.default", "one", "scope", "is"),
]
ALLOWING = [
    "Allowed scopes: {}",
    "allowed scopes are {}",
    "{} are allowed",
    "Available scopes: [{}]",
    "Supported: {}",
    "supported values are {}",
    "Valid scopes: {}",
    "must be one of {}",
    "(available: {})",
    "The client has {}",
    "granted={}",
    "Please use {} instead",
    "expected {}",
    "permitted scopes: {}",
    "scopes_supported: {}",
    "allowedScopes=[{}]",
    "client_allowed_scopes: {}",
    '"available": ["{}"]',
    "{} would be accepted",
    "you may ask for {}",
    "the following exist: {}",
    "default scopes: {}",
    "requires {}",
]
REFUSING = [
    "Invalid scope: {}",
    "{} is not allowed",
    "Client has not been granted scopes: {}",
    "The scope '{}' is unknown",
    "not allowed to request {}",
    "Invalid scope",
    "{} isn't permitted",
    "Unsupported scope [{}]",
    "scope denied",
]
BETWEEN = (". ", ", ", " - ", "\n", " ", "; ", " | ", " (", ": ", " / ")
SEPARATORS = st.sampled_from([" ", ", ", ",", "', '", "; ", "\n", " | "])


@st.composite
def answers(draw):
    """Errors with words of both kinds, the names that they allow, and all that were asked."""
    names = draw(st.permutations(NAMES))
    culprits, allowed = draw(st.integers(0, 3)), draw(st.integers(1, 4))
    refused, granted = names[:culprits], names[culprits : culprits + allowed]
    parts = [
        draw(st.sampled_from(REFUSING)).format(" ".join(refused)),
        draw(st.sampled_from(ALLOWING)).format(draw(SEPARATORS).join(granted)),
    ]
    parts = draw(st.permutations(parts))
    code = draw(st.sampled_from(["invalid_scope", "access_denied", "invalid_request"]))
    member = draw(st.sampled_from(["error_description", "message", "hint", "detail"]))
    listed = draw(st.sampled_from(["scope", "scopes", "allowed_scopes", "title"]))
    body = {"error": code, listed: " ".join(granted)}
    return [body | {member: between.join(parts)} for between in BETWEEN], granted, names


@settings(max_examples=150)
@given(answers())
def test_no_scope_is_named_that_stands_only_in_a_list_of_what_is_allowed(told):
    bodies, granted, names = told
    for body in bodies:
        read_as = read(400, body, asked=names)
        assert not set(getattr(read_as, "named", ())).intersection(granted)
