"""What facts prove. Each row is a trap that real servers set."""

import pytest
from stories import CANARY, FAILED, OK, REFUSED, VAGUE, assigned, at, cells, listing, told, verdict

from scopeprobe.model.answer import GrantNotAllowed, Issued, Refused, Unanswered, Unauthenticated
from scopeprobe.model.cell import Reason

CONTROL, BESIDE = None, f"a {CANARY}"


def say(*answers, others=(), **server):
    """Verdict and reason of scope `a` by a story, or of all scopes; others show more."""
    peers = (told("a", *other, name=f"other{n}") for n, other in enumerate(others))
    found = cells(told("a", *answers, **server), *peers)
    said = {scope: (cell.verdict.value, cell.reason.value) for scope, cell in found.items()}
    return said["a"] if len(said) == 1 else said


LISTS_A, LISTS_NOTHING = listing("a"), listing()
UNKNOWN_CLIENT = Unauthenticated(400, "invalid_client", "client not found", True)
GIVES_B = [(CONTROL, OK), ("b", OK)]
POLICED = [(CONTROL, OK), (CANARY, REFUSED), ("a", REFUSED), (CONTROL, OK)]


@pytest.mark.parametrize(
    ("answers", "ruling"),
    [
        pytest.param(
            [(CONTROL, OK), (CANARY, REFUSED), ("a", LISTS_A), (BESIDE, REFUSED)],
            ("granted", "listed_in_response"),
            id="listed",
        ),
        pytest.param(
            [
                (CONTROL, OK),
                (CANARY, REFUSED),
                ("a", Issued(None, ("a",), True)),
                (BESIDE, REFUSED),
            ],
            ("granted", "listed_in_token"),
            id="claimed",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, REFUSED), ("a", LISTS_A)],
            ("unknown", "unconfirmed"),
            id="listed-where-it-may-be-dropped-and-the-request-repeated",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, REFUSED), ("a", LISTS_A), (BESIDE, LISTS_A)],
            ("granted", "listed_in_response"),
            id="listed-and-the-canary-beside-it-left-out",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, REFUSED), ("a", Issued(("a",), ("b",), True))],
            {"a": ("unknown", "contradictory"), "b": ("granted", "unlisted")},
            id="answer-and-token-disagree",
        ),
        pytest.param(
            [(CONTROL, LISTS_NOTHING), (CANARY, LISTS_NOTHING), ("a", Issued(("[a]",)))],
            {"a": ("unknown", "contradictory"), "[a]": ("granted", "unlisted")},
            id="listed-in-brackets",
        ),
        pytest.param(
            [(CONTROL, Issued(("[a]",))), (CANARY, LISTS_NOTHING), ("a", Issued(("[a]",)))],
            {"a": ("unknown", "contradictory"), "[a]": ("granted", "unlisted")},
            id="listed-in-brackets-without-scope-too",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, OK), ("a", LISTS_A)],
            ("granted", "listed_in_response"),
            id="canary-dropped-silently",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, LISTS_NOTHING), ("a", LISTS_NOTHING)],
            ("denied", "left_out"),
            id="left-out-of-an-empty-list",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, REFUSED), ("a", REFUSED), (CONTROL, OK)],
            ("denied", "refused_alone"),
            id="refused-between-successes",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, REFUSED), ("a", REFUSED)],
            ("unknown", "refusals_unbracketed"),
            id="refused-without-a-success-behind",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, REFUSED), ("a", REFUSED), (CONTROL, FAILED)],
            ("unknown", "refusals_unbracketed"),
            id="refused-and-then-locked-out",
        ),
        pytest.param(
            [*GIVES_B, (CANARY, FAILED), (CANARY, FAILED), ("a", FAILED), (CONTROL, OK)],
            ("denied", "refused_alone"),
            id="401-for-a-scope-as-for-the-canary-twice",
        ),
        pytest.param(
            [*GIVES_B, (CANARY, FAILED), ("a", FAILED), (CONTROL, OK)],
            ("unknown", "refusals_unbracketed"),
            id="401-for-a-scope-as-once-for-the-canary",
        ),
        pytest.param(
            [
                *GIVES_B,
                (CANARY, Unauthenticated(401, "invalid_client", "no such scope")),
                (CANARY, Unauthenticated(401, "invalid_client", "no such scope")),
                ("a", Unauthenticated(401, "invalid_client", "locked")),
                (CONTROL, OK),
            ],
            ("unknown", "refusals_unbracketed"),
            id="401-for-a-scope-in-other-words-than-for-the-canary",
        ),
        pytest.param(
            [*GIVES_B, (CANARY, REFUSED), ("a", FAILED), (CONTROL, OK)],
            ("unknown", "refusals_unbracketed"),
            id="one-401-that-the-canary-did-not-meet",
        ),
        pytest.param(
            [*GIVES_B, ("a", FAILED), (CONTROL, OK), ("a", FAILED), (CONTROL, OK)],
            ("denied", "refused_alone"),
            id="the-same-401-twice-with-a-success-between",
        ),
        pytest.param(
            [*GIVES_B, ("a", FAILED), ("a", FAILED), (CONTROL, OK)],
            ("unknown", "refusals_unbracketed"),
            id="the-same-401-twice-in-a-row",
        ),
        pytest.param(
            [
                *GIVES_B,
                ("a", FAILED),
                (CONTROL, OK),
                ("a", Refused(403, "access_denied")),
                (CONTROL, OK),
            ],
            ("unknown", "refusals_unbracketed"),
            id="two-stray-refusals-that-differ",
        ),
        pytest.param(
            [(CONTROL, OK), ("a", VAGUE), (CONTROL, OK), ("a", VAGUE), (CONTROL, OK)],
            ("unknown", "unconfirmed"),
            id="the-same-403-twice-where-nobody-was-given-any-scope",
        ),
        pytest.param(
            [(CONTROL, FAILED), ("a", FAILED), ("a", FAILED)],
            ("unauthenticated", "credentials_rejected"),
            id="credentials-rejected",
        ),
        pytest.param(
            [(CONTROL, UNKNOWN_CLIENT), ("a", UNKNOWN_CLIENT)],
            ("unauthenticated", "unknown_client"),
            id="unknown-client",
        ),
        pytest.param(
            [(CONTROL, GrantNotAllowed(400, "unauthorized_client"))],
            ("unknown", "grant_not_allowed"),
            id="grant-not-allowed",
        ),
        pytest.param(
            [(CONTROL, REFUSED), (CANARY, REFUSED), ("a", REFUSED)],
            ("unknown", "authentication_unproved"),
            id="refused-to-one-who-may-be-anybody",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, OK), ("a", OK)],
            ("unenforced", "scope_not_used"),
            id="issued-whatever-is-asked",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, REFUSED), ("a", OK)],
            ("unknown", "unconfirmed"),
            id="accepted-and-nothing-told",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, Unanswered(Reason.TIMED_OUT)), ("a", LISTS_A)],
            ("unknown", "timed_out"),
            id="listed-but-the-canary-was-lost",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, REFUSED), ("a", Issued(("read:a",)))],
            {"a": ("unknown", "contradictory"), "read:a": ("granted", "unlisted")},
            id="listed-under-another-name",
        ),
        pytest.param(
            [
                (CONTROL, Issued(("profile",))),
                (CANARY, Issued(("profile",))),
                ("a", Issued(("profile",))),
            ],
            {"a": ("denied", "left_out"), "profile": ("granted", "unlisted")},
            id="only-the-defaults-are-listed",
        ),
        pytest.param(
            [(CONTROL, LISTS_A), (CANARY, REFUSED), ("a", REFUSED), (CONTROL, LISTS_A)],
            ("unknown", "contradictory"),
            id="refused-though-a-token-carries-it",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, REFUSED), ("a", Unanswered(Reason.THROTTLED, 429))],
            ("unknown", "throttled"),
            id="a-throttle-is-no-denial",
        ),
        pytest.param([], ("unknown", "not_asked"), id="absence-is-never-an-answer"),
        pytest.param(
            [
                (CONTROL, Issued(("api/a", "api/b"))),
                (CANARY, REFUSED),
                ("a", Issued(("api/a",))),
            ],
            {
                "a": ("unknown", "contradictory"),
                "api/a": ("granted", "unlisted"),
                "api/b": ("granted", "unlisted"),
            },
            id="every-list-renames",
        ),
        pytest.param(
            [*GIVES_B, (CANARY, REFUSED), ("a", Refused(403)), (CONTROL, OK)],
            ("unknown", "refusals_unbracketed"),
            id="a-gateways-403-that-the-canary-did-not-meet",
        ),
        pytest.param(
            [("a", Refused(403, "access_denied")), (CONTROL, OK), (CANARY, REFUSED)],
            ("unknown", "refusals_unbracketed"),
            id="an-outage-before-the-first-success",
        ),
        pytest.param(
            [
                (CONTROL, OK),
                (CANARY, Refused(400, "invalid_request")),
                ("a", Refused(400, "invalid_request")),
                (CONTROL, OK),
            ],
            ("unknown", "unconfirmed"),
            id="perhaps-it-is-the-parameter-that-is-refused",
        ),
    ],
)
def test_a_story_proves_what_it_proves(answers, ruling):
    assert say(*answers) == ruling


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Issued(("a",), (), True), "listed in the answer, not in the token"),
        (Issued(("[a]",)), "it may be what is listed as [a]"),
        (Issued(("other",)), "it may be what is listed as other"),
    ],
)
def test_a_contradiction_says_where_it_is(answer, words):
    cell = cells(told("a", (CONTROL, OK), (CANARY, LISTS_NOTHING), ("a", answer)))["a"]
    assert (cell.reason, cell.error_description) == (Reason.CONTRADICTORY, words)


def test_a_canary_that_is_listed_back_makes_every_listing_worthless():
    answers = [(CONTROL, OK), (CANARY, listing(CANARY)), ("a", LISTS_A)]
    assert say(*answers) == ("unenforced", "canary_issued")


@pytest.mark.parametrize(
    ("answers", "others", "ruling"),
    [
        pytest.param(
            [(CONTROL, OK), (CANARY, REFUSED), ("a", OK)],
            [[(CONTROL, OK), (CANARY, REFUSED), ("a", Issued(("a", "default")))]],
            ("unknown", "unconfirmed"),
            id="a-list-that-differs-does-not-show-that-equal-ones-are-sent",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, OK), ("a", OK)],
            [[(CONTROL, OK), (CANARY, OK), ("a", LISTS_A)]] * 2,
            ("denied", "left_out"),
            id="absent-where-the-server-lists",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, OK), ("a", OK)],
            [[(CONTROL, OK), (CANARY, OK), ("a", LISTS_A)]],
            ("unknown", "unconfirmed"),
            id="absent-where-one-client-only-is-given-lists",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, REFUSED), ("a", OK)],
            [POLICED],
            ("granted", "accepted_alone"),
            id="accepted-here-and-refused-there",
        ),
        pytest.param(
            [(CONTROL, OK), (CANARY, OK), ("a", Issued(None, None, True))],
            [[(CONTROL, OK), (CANARY, OK), ("a", Issued(None, ("a",), True))]] * 2,
            ("denied", "left_out"),
            id="absent-claim-where-tokens-list",
        ),
        pytest.param(
            [(CONTROL, REFUSED), (CANARY, REFUSED), ("a", REFUSED)],
            [[(CONTROL, FAILED)], [(CONTROL, REFUSED), ("a", LISTS_A)]],
            ("denied", "refused_alone"),
            id="credentials-are-looked-at-first",
        ),
        pytest.param(
            [(CONTROL, FAILED), ("a", FAILED)],
            [[(CONTROL, FAILED), ("a", LISTS_A)]],
            ("unknown", "authentication_unproved"),
            id="good-credentials-are-answered-the-same-without-scope",
        ),
    ],
)
def test_what_other_clients_teach_decides(answers, others, ruling):
    assert say(*answers, others=others) == ruling


def test_the_users_word_on_an_absent_scope_is_taken():
    answers = [(CONTROL, OK), (CANARY, REFUSED), ("a", OK)]
    assert say(*answers, absent_scope="as_requested") == ("granted", "accepted_alone")


def test_a_right_within_limits_is_granted_and_says_so():
    rights = ("audit:read", "users:read", "users:write")
    limits = (("audit:read", "condition"), ("users:read", "Home"), ("users:read", "Sales"))
    answers = [(CONTROL, Issued(rights=rights, limits=limits))]
    found = cells(told("users:read users:write users:drop", *answers, send_scope=False))
    assert {
        scope: (cell.verdict, cell.reason, cell.limited_to) for scope, cell in found.items()
    } == {
        "audit:read": ("granted", "unlisted", "condition"),
        "users:drop": ("denied", "left_out", ""),
        "users:read": ("granted", "listed_by_rights_api", "Home; Sales"),
        "users:write": ("granted", "listed_by_rights_api", ""),
    }


def test_a_success_in_the_air_at_the_same_time_brackets_nothing():
    facts = [
        at(CONTROL, OK, 0, 1),
        at(CANARY, REFUSED, 2, 3),
        at("b", listing("b"), 4, 7),
        at("a", REFUSED, 5, 6),
        at(f"b {CANARY}", REFUSED, 8, 9),
    ]
    one = assigned("a b"), facts
    assert verdict("a", one) == ("unknown", "refusals_unbracketed")
    assert verdict("b", one) == ("granted", "listed_in_response")


def test_a_scope_policed_for_one_audience_is_not_policed_for_another():
    taken = told("a", (CONTROL, OK), (CANARY, REFUSED), ("a", OK), audience="x")
    policed = told("a", *POLICED, name="other", audience="y")
    assert verdict("a", taken, policed) == ("unknown", "unconfirmed")
