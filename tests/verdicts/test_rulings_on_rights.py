"""What a token shows without being asked, and what a rights API adds to what it lists."""

import pytest
from stories import CANARY, OK, REFUSED, cells, listing, told, verdict

from scopeprobe.model.answer import Issued

UNASKED = {"send_scope": False}


def alone(answer, scope="users:read", **server):
    """Verdict, reason and words on a scope, of one token that was asked for without it."""
    cell = cells(told("users:read users:write", (None, answer), **UNASKED, **server))[scope]
    return str(cell.verdict), str(cell.reason), cell.error_description


@pytest.mark.parametrize(
    ("answer", "ruling"),
    [
        pytest.param(
            listing("users:read"), ("granted", "listed_in_response", ""), id="in-the-answer"
        ),
        pytest.param(
            Issued(None, ("users:read",), True), ("granted", "listed_in_token", ""), id="in-a-claim"
        ),
        pytest.param(
            Issued(("users:read",), confirmed=("users:read",)),
            ("granted", "introspected", ""),
            id="introspected",
        ),
        pytest.param(
            Issued(("users:read",), unconfirmed=True),
            ("unknown", "unconfirmed", ""),
            id="introspection-told-nothing",
        ),
        pytest.param(listing("other"), ("unknown", "unconfirmed", ""), id="absent"),
        pytest.param(OK, ("unknown", "unconfirmed", ""), id="nothing-is-listed"),
        pytest.param(
            listing("users:* Users:Read"),
            ("unknown", "contradictory", "it may be what is listed as Users:Read"),
            id="listed-in-other-words",
        ),
        pytest.param(
            listing("users:read Users:Read"),
            ("unknown", "contradictory", "it may be what is listed as Users:Read"),
            id="listed-in-its-own-words-and-others",
        ),
        pytest.param(
            Issued(("users:read",), (), True),
            ("unknown", "contradictory", "one place of the token lists it, and another does not"),
            id="places-disagree",
        ),
        pytest.param(
            Issued(("users:read",), rights=()), ("denied", "left_out", ""), id="rights-decide"
        ),
    ],
)
def test_what_a_token_shows_by_itself_decides(answer, ruling):
    assert alone(answer) == ruling


@pytest.mark.parametrize(
    ("answer", "server", "ruling"),
    [
        pytest.param(listing("other"), {"lists_all": True}, "denied", id="not-in-a-whole-list"),
        pytest.param(listing("other"), {}, "unknown", id="not-in-a-list-of-some"),
        pytest.param(
            Issued(readable=True),
            {"lists_all": True, "claims": ("roles",)},
            "denied",
            id="no-claim-of-roles-in-a-jwt",
        ),
        pytest.param(Issued(readable=True), {"lists_all": True}, "unknown", id="no-claim-is-known"),
        pytest.param(Issued(readable=True), {"claims": ("roles",)}, "unknown", id="some-roles"),
        pytest.param(OK, {"lists_all": True, "claims": ("roles",)}, "unknown", id="opaque"),
    ],
)
def test_a_scope_that_is_absent_is_denied_where_a_readable_token_shows_every_right(
    answer, server, ruling
):
    found = alone(answer, **server)
    assert found[0] == ruling
    assert found[1] == ("left_out" if ruling == "denied" else "unconfirmed")


def test_the_scope_that_is_sent_for_the_target_proves_nothing_of_itself():
    one = told(
        "api/.default read",
        (None, listing("api/.default read")),
        audience="api/",
        scope_of_target="{target}/.default",
        **UNASKED,
    )
    assert verdict("api/.default", one) == ("unknown", "unconfirmed")
    assert verdict("read", one) == ("granted", "listed_in_response")


RIGHTS = Issued(rights=("users:read", "audit:*"), limits=(("users:read", "Home"),))


@pytest.mark.parametrize(
    ("scope", "ruling", "words"),
    [
        ("users:read", ("granted", "listed_by_rights_api", "api", "Home"), ""),
        ("audit:read", ("granted", "listed_by_rights_api", "api", ""), ""),
        ("users:write", ("denied", "left_out", "api", ""), ""),
        ("USERS:READ", ("unknown", "contradictory", "none", ""), "a right resembles it"),
    ],
)
def test_what_a_rights_api_tells_is_granted_and_what_merely_resembles_it_is_not(
    scope, ruling, words
):
    cell = cells(told(scope, (None, RIGHTS), **UNASKED))[scope]
    assert (cell.verdict, cell.reason, cell.evidence, cell.limited_to) == ruling
    assert cell.error_description == words


# -- scopes that were asked for


def asked(answer):
    """The same of a token that was asked for the scope, where lists are narrowed."""
    one = told("users:read", (None, OK), (CANARY, REFUSED), ("users:read", answer))
    narrowed = ("users:read x", listing("users:read")), ("x", listing())
    cell = cells(one, told("users:read x", *narrowed, name="other"))["users:read"]
    return cell.verdict, cell.reason, cell.error_description, cell.limited_to


LISTED = ("users:read",)
LIMITS = (("users:read", "Home"),)


@pytest.mark.parametrize(
    ("answer", "ruling"),
    [
        pytest.param(
            Issued(LISTED), ("granted", "listed_in_response", "", ""), id="nothing-is-added"
        ),
        pytest.param(
            Issued(LISTED, unconfirmed=True), ("unknown", "unconfirmed", "", ""), id="unconfirmed"
        ),
        pytest.param(
            Issued(LISTED, confirmed=LISTED), ("granted", "introspected", "", ""), id="introspected"
        ),
        pytest.param(
            Issued(LISTED, rights=LISTED, limits=LIMITS),
            ("granted", "listed_by_rights_api", "", "Home"),
            id="rights-within-limits",
        ),
        pytest.param(
            Issued(LISTED, rights=()),
            ("unknown", "contradictory", "the token lists it, and its rights do not hold it", ""),
            id="rights-lack-it",
        ),
    ],
)
def test_a_grant_counts_as_far_as_introspection_or_a_rights_api_confirms_it(answer, ruling):
    assert asked(answer) == ruling


def test_an_answer_and_an_introspection_that_disagree_prove_nothing():
    answers = [(None, OK), (CANARY, REFUSED), ("a b", Issued(("a", "b"), confirmed=("b",)))]
    assert verdict("a", told("a b", *answers)) == ("unknown", "contradictory")


def test_a_denial_needs_no_confirmation():
    answers = [(None, OK), (CANARY, listing()), ("a", Issued((), unconfirmed=True))]
    assert verdict("a", told("a", *answers)) == ("denied", "left_out")
