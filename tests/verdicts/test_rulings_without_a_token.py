"""What is said of a client that never got a token (docs/design.md, rules 7 and 8)."""

from dataclasses import replace

import pytest
from stories import CANARY, FAILED, OK, REFUSED, VAGUE, cells, listing, story, told, verdict

from scopeprobe.model.answer import GrantNotAllowed, Refused, Subject, Unanswered, Unauthenticated
from scopeprobe.model.cell import Cell, PermissionMap, Reason, Verdict
from scopeprobe.model.client import Expectation

REJECTED = ("unauthenticated", "credentials_rejected")
UNPROVED = ("unknown", "authentication_unproved")
NEEDS_TARGET = Refused(400, "invalid_target", about=Subject.TARGET)
NO_GRANT = GrantNotAllowed(400, "unauthorized_client")
NOBODY = Unauthenticated(401, "invalid_client", "no such client", unknown_client=True)
STRANGE = Refused(400, "invalid_request", "try again")
BARE = Unauthenticated(401)
LOST = Unanswered(Reason.TIMED_OUT)


def said_of_a(*answers, others=(), expected=(), **asking):
    """Verdict and reason of scope a."""
    assignment, facts = told("a b", *answers)
    target = replace(assignment.target, expect=Expectation(expected))
    peers = (told("a b", *other, name=f"other{n}") for n, other in enumerate(others))
    return verdict("a", (replace(assignment, target=target), facts), *peers, **asking)


# -- rejected credentials


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        pytest.param([(None, FAILED), ("a", FAILED)], "credentials_rejected", id="alike"),
        pytest.param(
            [(None, FAILED), (CANARY, REFUSED), ("a", FAILED)],
            "credentials_rejected",
            id="and-unknown-scopes-are-refused-first",
        ),
        pytest.param([(None, NOBODY), ("a", NOBODY)], "unknown_client", id="nobody"),
        pytest.param(
            [(None, NOBODY), ("a", NOBODY), ("b", FAILED)], "credentials_rejected", id="sometimes"
        ),
    ],
)
def test_who_fails_without_scope_and_with_a_hopeful_one_is_rejected(answers, reason):
    assert said_of_a(*answers) == ("unauthenticated", reason)


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([(None, FAILED)], id="without-scope-only"),
        pytest.param([("a", FAILED)], id="with-a-scope-only"),
        pytest.param([(None, FAILED), ("a b", FAILED)], id="with-a-set"),
        pytest.param([(None, FAILED), (CANARY, FAILED)], id="for-an-invented-scope"),
        pytest.param([(None, FAILED), ("a", BARE)], id="unlike"),
        pytest.param([(None, FAILED), ("a", FAILED), ("b", VAGUE)], id="refused-in-other-words"),
        pytest.param([(None, FAILED), ("a", FAILED), ("b", NO_GRANT)], id="the-grant-is-refused"),
        pytest.param([(None, BARE), ("a", BARE)], id="a-401-without-a-code"),
    ],
)
def test_less_rejects_nobody(answers):
    assert said_of_a(*answers) == UNPROVED


def test_the_first_failure_is_shown():
    first, second = (Unauthenticated(401, "invalid_client", f"try {n}") for n in (1, 2))
    one = told("a", (None, first), ("a", first), ("a", second))
    assert cells(one)["a"].error_description == "try 1"


def test_the_likeliest_scope_has_to_fail_where_one_is_expected():
    assert said_of_a((None, FAILED), ("a", FAILED), expected=("b",)) == UNPROVED
    assert said_of_a((None, FAILED), ("b", FAILED), expected=("b",)) == REJECTED


def test_a_scope_that_others_are_given_is_likely():
    given = [(None, REFUSED), ("b", listing("b"))]
    assert said_of_a((None, FAILED), ("a", FAILED), others=[given]) == UNPROVED
    assert said_of_a((None, FAILED), ("b", FAILED), others=[given]) == REJECTED


def test_any_scope_will_do_where_good_clients_need_none():
    given = [(None, OK), ("b", listing("b"))]
    assert said_of_a((None, FAILED), ("a", FAILED), others=[given]) == REJECTED


def test_what_good_clients_meet_without_scope_rejects_nobody():
    good = [(None, FAILED), ("a", OK)]
    assert said_of_a((None, FAILED), ("a", FAILED), others=[good]) == UNPROVED


def test_what_clients_without_any_token_meet_without_scope_says_nothing_of_good_ones():
    assert said_of_a((None, FAILED), ("a", FAILED), others=[[(None, FAILED)]]) == REJECTED


def test_a_scope_that_meets_a_failure_of_its_own_does_not_excuse_the_client():
    good = [("b", OK), ("a", FAILED)]
    assert said_of_a((None, FAILED), ("b", FAILED), others=[good]) == REJECTED


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param([[(None, OK)]], (), id="others-need-no-scope"),
        pytest.param([], ("a",), id="the-scope-is-expected"),
    ],
)
def test_a_401_without_a_code_rejects_where_it_is_not_for_the_scope(others, expected):
    assert said_of_a((None, BARE), ("a", BARE), others=others, expected=expected) == REJECTED


@pytest.mark.parametrize(
    ("answer", "ruling"),
    [
        (STRANGE, REJECTED),
        (Refused(400, "access_denied"), UNPROVED),
        (REFUSED, UNPROVED),
        (Refused(400, "invalid_request", about=Subject.SCOPE_PARAMETER), UNPROVED),
    ],
)
def test_strange_words_reject_where_others_need_no_scope(answer, ruling):
    assert said_of_a((None, answer), ("a", answer), others=[[(None, OK)]]) == ruling


def test_strange_words_reject_nobody_elsewhere():
    assert said_of_a((None, STRANGE), ("a", STRANGE), others=[[("a", OK)]]) == UNPROVED


@pytest.mark.parametrize(
    "reason",
    [
        Reason.BUDGET_SPENT,
        Reason.DEADLINE,
        Reason.QUIET,
        Reason.INTERRUPTED,
        Reason.THROTTLED,
        Reason.AUTHENTICATION_UNPROVED,
    ],
)
def test_a_client_that_was_cut_short_is_not_rejected(reason):
    answers = (None, FAILED), ("a", FAILED)
    assert said_of_a(*answers, open_because=reason) == ("unknown", reason)
    assert said_of_a(*answers, open_because=Reason.CLIENT_LEFT_ALONE) == REJECTED


# -- other targets of the client, with the same credentials


def test_a_token_for_another_target_proves_the_credentials():
    elsewhere = tuple(story((None, OK)))
    one = (None, FAILED), ("a", FAILED)
    assert said_of_a(*one, other_targets=elsewhere) == UNPROVED


def test_a_failure_for_a_scope_of_another_target_is_hopeful():
    elsewhere = tuple(story(("x", FAILED)))
    assert said_of_a((None, FAILED), other_targets=elsewhere) == REJECTED
    assert said_of_a((None, FAILED), other_targets=tuple(story((None, FAILED)))) == UNPROVED


# -- where scopes are not sent, or there are none


def test_one_failure_without_scope_rejects_where_scopes_are_not_sent():
    assert verdict("a", told("a", (None, FAILED), send_scope=False)) == REJECTED
    assert verdict("a", told("a", (None, STRANGE), send_scope=False)) == UNPROVED


# -- last night


def after_a_night_of(answer, *answers, verdicts=(Verdict.UNAUTHENTICATED,)):
    """Verdict and reason of scope a, where every cell of last night was rejected by one answer."""
    assignment, facts = told("a b", *answers)
    last = tuple(
        Cell(
            assignment.client.name,
            assignment.client.client_id,
            "",
            "a",
            one,
            Reason.CREDENTIALS_REJECTED,
            http_status=answer.status,
            error=answer.error,
            error_description=answer.description,
        )
        for one in verdicts
    )
    previous = PermissionMap(assignment.client.name, last)
    return verdict("a", (replace(assignment, previous=previous), facts))


@pytest.mark.parametrize("answer", [FAILED, BARE], ids=["", "without-a-code"])
def test_a_single_try_repeats_last_nights_verdict_if_it_is_alike(answer):
    assert after_a_night_of(answer, (None, answer)) == REJECTED
    assert after_a_night_of(answer, ("a", answer)) == REJECTED


@pytest.mark.parametrize(
    ("before", "answers"),
    [
        pytest.param(BARE, [(None, FAILED)], id="unlike"),
        pytest.param(
            Unauthenticated(401, "invalid_client", "other words"),
            [(None, FAILED)],
            id="other-words",
        ),
        pytest.param(BARE, [(None, BARE), ("a", BARE)], id="two-tries"),
        pytest.param(FAILED, [(None, FAILED), ("b c", FAILED)], id="two-tries-one-with-a-set"),
    ],
)
def test_another_answer_or_a_second_try_repeats_nothing(before, answers):
    assert after_a_night_of(before, *answers) == UNPROVED


def test_a_client_that_was_let_in_last_night_is_not_rejected_by_a_single_try():
    verdicts = (Verdict.UNAUTHENTICATED, Verdict.GRANTED)
    assert after_a_night_of(FAILED, (None, FAILED), verdicts=verdicts) == UNPROVED


# -- refusals


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        pytest.param([(None, NO_GRANT), ("a", REFUSED)], "grant_not_allowed", id="the-grant"),
        pytest.param([(None, NEEDS_TARGET), ("a", REFUSED)], "needs_target", id="the-target"),
        pytest.param([(None, REFUSED), ("a", NEEDS_TARGET)], "needs_target", id="the-scope's"),
        pytest.param([(None, REFUSED), ("a", NO_GRANT)], "authentication_unproved", id="once"),
        pytest.param([(None, REFUSED), ("a", VAGUE)], "authentication_unproved", id="vaguely"),
        pytest.param([(None, REFUSED), ("a", LOST)], "timed_out", id="lost"),
        pytest.param([(None, LOST)], "timed_out", id="lost-without-scope"),
        pytest.param([(None, REFUSED)], "not_asked", id="never-asked"),
    ],
)
def test_why_it_is_unknown_whether_a_client_without_token_has_a_scope(answers, reason):
    assert said_of_a(*answers) == ("unknown", reason)


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        pytest.param([(None, NEEDS_TARGET)], NEEDS_TARGET, id="of-the-control"),
        pytest.param([(None, REFUSED), ("a", NEEDS_TARGET)], NEEDS_TARGET, id="of-the-scope"),
        pytest.param([(None, VAGUE), ("a", NO_GRANT)], NO_GRANT, id="of-a-grant"),
        pytest.param([(None, VAGUE), ("a", REFUSED), ("a", STRANGE)], STRANGE, id="the-last"),
        pytest.param([(None, NO_GRANT)], NO_GRANT, id="grant-not-allowed"),
    ],
)
def test_the_cell_shows_the_answer_that_it_rests_on(answers, shown):
    cell = cells(told("a", *answers))["a"]
    assert (cell.http_status, cell.error) == (shown.status, shown.error)


def test_a_client_that_is_left_alone_is_unproved_and_shows_what_it_met():
    one = told("a", (None, STRANGE))
    cell = cells(one, open_because=Reason.CLIENT_LEFT_ALONE)["a"]
    assert (cell.verdict, cell.reason) == UNPROVED
    assert cell.error_description == "try again"
    assert verdict("a", told("a"), open_because=Reason.CLIENT_LEFT_ALONE) == UNPROVED


# -- authentication that is proved without a token

REFUSED_ALL = [(None, REFUSED), (CANARY, REFUSED), ("a", REFUSED)]
GOOD = [(None, REFUSED), (CANARY, REFUSED), ("a", listing("a"))]
BAD = [(None, FAILED), (CANARY, FAILED)]


def test_a_scope_is_denied_where_credentials_are_looked_at_first():
    assert said_of_a(*REFUSED_ALL, others=[GOOD, BAD]) == ("denied", "refused_alone")
    assert verdict("a", told("a", *REFUSED_ALL, credentials_first=True)) == (
        "denied",
        "refused_alone",
    )


@pytest.mark.parametrize(
    ("answers", "others"),
    [
        pytest.param(REFUSED_ALL, [GOOD], id="nobody-shows-it"),
        pytest.param(
            [*REFUSED_ALL, ("b", FAILED)], [GOOD, BAD], id="one-answer-looks-like-bad-credentials"
        ),
        pytest.param(
            REFUSED_ALL,
            [[(None, OK), (CANARY, REFUSED), ("a", OK)], BAD],
            id="others-are-issued-a-token-without-scope",
        ),
        pytest.param(
            REFUSED_ALL,
            [[(None, REFUSED), (CANARY, OK), ("a", OK)], BAD],
            id="others-are-issued-the-canary",
        ),
    ],
)
def test_less_denies_nothing(answers, others):
    assert said_of_a(*answers, others=others)[0] == "unknown"


def test_who_was_not_asked_without_scope_is_not_refused_what_others_get():
    others = [(None, OK), (CANARY, REFUSED), ("a", OK)], [(CANARY, FAILED)]
    assert said_of_a((CANARY, REFUSED), ("a", REFUSED), others=others) == (
        "denied",
        "refused_alone",
    )
