"""Plans, asked by hand: no event loop, no server."""

import math
from dataclasses import replace
from itertools import groupby

import pytest
from by_hand import EXPECTED_NOTHING, assigned, follow, transcript
from hypothesis import given
from hypothesis import strategies as st

from scopeprobe.model import client as model
from scopeprobe.model.answer import Issued, Refused, Unanswered, Unauthenticated
from scopeprobe.model.cell import Cell, PermissionMap, Reason, Verdict
from scopeprobe.strategies import each
from scopeprobe.verdicts import judge, learn_behavior

REFUSED = Refused(400, "invalid_scope")
FAILED = Unauthenticated(401, "invalid_client")


def longest_run(facts, failed=FAILED):
    """The most answers in a row that are what failed authentication gets."""
    return max(
        (len(list(run)) for answer, run in groupby(f.answer for f in facts) if answer == failed),
        default=0,
    )


@given(
    count=st.integers(1, 90),
    granted=st.sets(st.integers(0, 89)),
    refusal=st.sampled_from([REFUSED, FAILED]),
    needs_scope=st.booleans(),
)
def test_each_finds_the_truth_with_its_candidates_and_few_controls(
    count, granted, refusal, needs_scope
):
    names = {f"s{n}" for n in granted if n < count}
    assignment = assigned(count)

    def answer(question):
        if question.scopes is None:
            return REFUSED if needs_scope else Issued(())
        return Issued(question.scopes) if set(question.scopes) <= names else refusal

    facts = follow(each, assignment, answer)
    behavior = learn_behavior([(assignment, facts)])
    found = {f.scope: f.verdict for f in judge(assignment, behavior, facts, Reason.NOT_ASKED)}
    if needs_scope and not names:
        assert set(found.values()) == {Verdict.UNKNOWN}
        return
    truth = {s: Verdict.GRANTED if s in names else Verdict.DENIED for s in assignment.candidates}
    assert found == truth
    refused = count - len(names)
    asked_again = sum(fact.question.again > 0 for fact in facts)
    if not needs_scope:
        most_in_a_row = 25 if refusal is REFUSED else 2
        canary_again, its_control = (0, 0) if refusal is REFUSED else (1, 1)
        beside_the_canary = bool(names)
        refusals = refused + 1 + beside_the_canary + canary_again
        controls = math.ceil(refusals / most_in_a_row) + its_control
        assert asked_again <= canary_again + controls
        assert len(facts) == count + 2 + beside_the_canary + asked_again


@pytest.mark.parametrize("limit", [2, 3, 5])
@given(count=st.integers(1, 60), granted=st.sets(st.integers(0, 59)), guess=st.integers(0, 59))
def test_refusals_like_failed_authentications_leave_one_try_over(limit, count, granted, guess):
    """Also where what is expected is denied."""
    names = {f"s{n}" for n in granted if n < count}
    assignment = assigned(count, limit, model.Expectation(granted=(f"s{guess}", "s1*")))
    facts = follow(
        each,
        assignment,
        lambda q: Issued(()) if q.scopes is None or set(q.scopes) <= names else FAILED,
    )
    assert longest_run(facts) <= limit - 1


def test_what_was_granted_last_night_stands_between_refusals_that_may_be_failures():
    """Half is granted: each granted scope clears one refusal, so no control is needed for it."""
    granted = {f"s{n}" for n in range(24)}
    before = assigned(48)
    cells = tuple(
        Cell(
            client=before.client.name,
            client_id=before.client.client_id,
            audience="",
            scope=scope,
            verdict=Verdict.GRANTED if scope in granted else Verdict.DENIED,
            reason=Reason.LISTED_IN_RESPONSE if scope in granted else Reason.REFUSED_ALONE,
        )
        for scope in before.candidates
    )
    assignment = replace(before, previous=PermissionMap(before.client.name, cells))
    facts = follow(
        each,
        assignment,
        lambda q: Issued(()) if q.scopes is None or set(q.scopes) <= granted else FAILED,
    )
    assert longest_run(facts) <= 2
    assert len(facts) <= 48 + 2 + 4


@pytest.mark.parametrize("refusal", [REFUSED, FAILED])
@pytest.mark.parametrize("count", [4, 26, 27])
def test_a_last_answer_that_is_lost_keeps_no_success_from_following_the_refusals(refusal, count):
    assignment = assigned(count)
    last = assignment.candidates[-1]

    def answer(question):
        if last in question.asked:
            return Unanswered(Reason.TIMED_OUT)
        return refusal if question.asked else Issued(())

    facts = follow(each, assignment, answer)
    behavior = learn_behavior([(assignment, facts)])
    found = {f.scope: f.verdict for f in judge(assignment, behavior, facts, Reason.NOT_ASKED)}
    assert found.pop(last) is Verdict.UNKNOWN
    assert set(found.values()) == {Verdict.DENIED}


@pytest.mark.parametrize("failing", [set(), {"s0"}, {"s3"}])
def test_what_times_out_behind_a_success_is_no_failed_authentication(failing):
    """Nothing is repeated before every scope had its turn: no two failures stand in a row."""

    def answer(question):
        if not question.asked:
            return Issued(())
        return FAILED if failing.issuperset(question.asked) else Unanswered(Reason.TIMED_OUT)

    assignment = assigned(6)
    questions = [fact.question for fact in follow(each, assignment, answer)]
    assert [question.again for question in questions[:8]] == [0] * 8
    assert {*assignment.candidates} < {scope for one in questions[:8] for scope in one.asked}


def test_no_more_than_25_refusals_stand_without_a_success():
    facts = follow(each, assigned(90), lambda q: REFUSED if q.scopes and not q.again else Issued())
    run = longest = 0
    for fact in facts[2:]:
        run = 0 if isinstance(fact.answer, Issued) else run + 1
        longest = max(longest, run)
    assert longest == 25
    assert isinstance(facts[-1].answer, Issued)


def test_nothing_more_is_asked_once_a_success_cannot_be_repeated():
    def rotated(question):
        if question.again:
            return FAILED
        return REFUSED if question.scopes else Issued()

    assert len(follow(each, assigned(90), rotated)) == 2 + 25 + 1


# -- the order of questions


def strict(granted, refusal, without_scope):
    """A server that refuses whatever holds a scope that is not granted."""

    def answer(question):
        if question.scopes is None:
            return without_scope
        return Issued(question.scopes) if granted.issuperset(question.scopes) else refusal

    return answer


EXPECTED = model.Expectation(granted=("s6", "s7"))


@pytest.mark.parametrize(
    ("limit", "expect", "order"),
    [
        (
            3, EXPECTED,
            "- canary! s6 s0! s7 s1! s2! -' s3! s4! -'' s5! 2+canary! -''' canary'! -''''",
        ),
        (5, EXPECTED, "- canary! s0! s1! s6 s2! s3! s4! s7 s5! 2+canary! canary'! -'"),
        (
            3, EXPECTED_NOTHING,
            "- canary! s0! -' s1! s2! -'' s3! s4! -''' s5! s6 s7 2+canary! canary'! -''''",
        ),
    ],
)  # fmt: skip
def test_what_is_likely_to_succeed_is_asked_before_one_failure_too_many(limit, expect, order):
    assignment = assigned(8, limit, expect)
    assert transcript(each, assignment, strict({"s6", "s7"}, FAILED, Issued())) == order


def test_a_client_with_two_tries_is_asked_for_a_success_after_every_failure():
    order = "- canary! -' s2 s0! -'' s1! -''' 1+canary! -'''' canary'! -'''''"
    assignment = assigned(3, 2, model.Expectation(granted=("s2",)))
    assert transcript(each, assignment, strict({"s2"}, FAILED, Issued())) == order


def test_plain_refusals_are_asked_in_the_order_of_the_candidates():
    order = "- canary! s0! s1! s2! s3! s4! s5! s6 s7 2+canary! -'"
    assert (
        transcript(each, assigned(8, 3, EXPECTED), strict({"s6", "s7"}, REFUSED, Issued())) == order
    )
    everything = {f"s{n}" for n in range(3)}
    order = "- canary! s0 s1 s2 3+canary!"
    assert transcript(each, assigned(3), strict(everything, REFUSED, Issued())) == order


def test_where_a_scope_is_demanded_the_hopeful_come_first_and_the_canary_waits():
    expected = assigned(8, 3, EXPECTED)
    order = "-! s6 canary! s7 s0! s1! s2! s3! s4! s5! 2+canary! s6'"
    assert transcript(each, expected, strict({"s6", "s7"}, REFUSED, REFUSED)) == order
    order = "-! s6 s0! canary! s6' s1! s7 s2! s3! s6'' s4! s5! s6''' 2+canary! canary'! s6''''"
    assert transcript(each, expected, strict({"s6", "s7"}, FAILED, FAILED)) == order


def test_a_canary_that_is_refused_like_all_is_asked_twice():
    order = "- canary! s0! -' s1! s2! -'' s3! canary'! -'''"
    assert transcript(each, assigned(4), strict(set(), FAILED, Issued())) == order
