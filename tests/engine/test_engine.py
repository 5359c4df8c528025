"""Pace, guard and conversations, on clocks and answers that the tests hold in their hands."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopeprobe.engine.lockout import EndpointFailures, LockoutGuard
from scopeprobe.engine.plan_runner import PlanRunner
from scopeprobe.engine.rate_limit import MARGIN, RateLimiter
from scopeprobe.model.answer import Fact, Issued, Refused, Unanswered, Unauthenticated
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import Reason
from scopeprobe.model.question import Question
from scopeprobe.model.rate import Rate
from scopeprobe.strategies import each

FAILED = Unauthenticated(401, "invalid_client")
REFUSED = Refused(400, "invalid_scope")

# -- pace


def sent_through(gate, lateness, count):
    """When permits are used by a caller that wakes up late by so much each time."""
    now, times = 0.0, []
    for n in range(count):
        now = max(now, gate.opens_at()) + lateness[n % len(lateness)]
        gate.take(now)
        times.append(now)
    return times


@given(
    rate=st.sampled_from([Rate(1, 1), Rate(200, 1), Rate(300, 60), Rate(3600, 3600)]),
    lateness=st.lists(st.floats(0, 0.5), min_size=1, max_size=8),
    burst=st.integers(1, 4),
)
def test_no_window_holds_more_than_the_rate_and_one_period_of_catching_up(rate, lateness, burst):
    gate = RateLimiter([rate], now=0.0, spacing=Rate(5, 1), burst=burst)
    times = sent_through(gate, lateness, 60)
    gap = rate.seconds / rate.count * MARGIN
    for n, start in enumerate(times):
        window = [at for at in times[n:] if at < start + 10 * gap]
        assert len(window) <= 10 + burst + 1


def test_a_caller_in_time_is_spaced_evenly_from_the_first_permit_on():
    times = sent_through(RateLimiter([Rate(200, 1)], now=0.0, spacing=Rate(5, 1)), [0.0], 601)
    assert {round(later - sooner, 6) for sooner, later in pairwise(times)} == {0.005 * MARGIN}


def test_a_quota_is_counted_over_its_window_and_not_spread():
    gate = RateLimiter([Rate(10, 8 * 3600)], now=0.0, spacing=Rate(5, 1))
    times = sent_through(gate, [0.0], 11)
    assert times[9] == pytest.approx(9 * 0.2 * MARGIN)
    assert times[10] == pytest.approx(8 * 3600)


def test_a_quota_remembers_what_was_spent_before():
    gate = RateLimiter([Rate(2, 3600)], now=100.0, spacing=Rate(5, 1), spent=[40.0, 10.0])
    assert gate.opens_at() == 3610.0


def test_a_throttled_gate_halves_its_rate_and_climbs_back():
    gate = RateLimiter([Rate(10, 1)], now=0.0, spacing=Rate(5, 1))
    gate.slow_down()
    slow = sent_through(gate, [0.0], 3)
    assert slow[2] - slow[1] == pytest.approx(0.2 * MARGIN)
    for _ in range(50):
        gate.speed_up()
    now = gate.opens_at()
    gate.take(now)
    assert gate.opens_at() - now == pytest.approx(0.1 * MARGIN)


# -- guard

CANARY = "scopeprobe-canary-x"


def guarded(*story, limit=3, endpoint=None):
    guard = LockoutGuard(endpoint or EndpointFailures(), tries=limit, limit=limit, canary=CANARY)
    for scopes, answer in story:
        guard.note(Question(scopes), answer)
    return guard


def test_a_client_that_never_succeeded_has_one_request_in_the_air_and_three_tries():
    guard = guarded((None, FAILED), (("a",), FAILED))
    assert (guard.admits(0), guard.admits(1), guard.leaves_alone) == (True, False, False)
    guard.note(Question(("b",)), FAILED)
    assert guard.leaves_alone


def test_whatever_is_in_the_air_leaves_one_try_over():
    guard = guarded((None, Issued()))
    assert [guard.admits(in_air) for in_air in range(4)] == [True, True, False, False]
    guard.note(Question(("a",)), FAILED)
    assert [guard.admits(in_air) for in_air in range(2)] == [True, False]


def test_the_last_try_is_spent_on_what_is_known_to_succeed():
    guard = guarded((None, Issued()), (("a",), FAILED), (("b",), FAILED))
    assert guard.wants_reassurance
    assert not guard.leaves_alone
    guard.note(Question(None, -1), FAILED)
    assert guard.leaves_alone


def test_scopes_stop_counting_where_the_canary_failed_amid_successes():
    story = [(None, Issued()), ((CANARY,), FAILED), (("a",), Issued())]
    guard = guarded(*story, *[((f"s{n}",), FAILED) for n in range(20)])
    assert not guard.leaves_alone
    guard.note(Question(None, 1), FAILED)
    assert guard.failures == 1  # a request that had succeeded counts all the same


def test_failures_between_successes_of_one_wave_lock_nobody_out():
    """A scope that another audience of the client was granted counts as a failure."""
    guard = guarded((None, Issued()), ((CANARY,), FAILED), (("a",), Issued()), (("b",), Issued()))
    wave = guard.next_wave()
    for answer in (FAILED, Issued()) * 4:
        guard.note(Question(("a",) if answer is FAILED else ("b",)), answer, guard.send(wave))
        assert not guard.leaves_alone


def test_a_success_clears_no_failure_that_was_in_the_air_with_it():
    guard = guarded((None, Issued()))
    wave = guard.next_wave()
    failed, succeeded = guard.send(wave), guard.send(wave)
    guard.note(Question(("a",)), FAILED, failed)
    guard.note(Question(("b",)), Issued(), succeeded)
    assert guard.failures == 1
    guard.note(Question(("c",)), Issued())
    assert guard.failures == 0


def test_a_client_waits_for_those_before_it_and_not_for_those_behind():
    endpoint = EndpointFailures()
    doubts = (None, Issued()), (("a",), FAILED), (("b",), FAILED)
    first, second = guarded(*doubts, endpoint=endpoint), guarded(*doubts, endpoint=endpoint)
    for guard in (first, second):
        guard.note_progress(is_finished=False)
    assert [guard.waits_for_others for guard in (first, second)] == [False, True]
    first.note(Question(None, -1), Issued())
    assert [guard.failures for guard in (first, second)] == [0, 0]


def test_clients_of_an_endpoint_share_what_they_found_out():
    endpoint = EndpointFailures()
    guarded((None, Issued()), ((CANARY,), FAILED), (("a",), Issued()), endpoint=endpoint)
    other = guarded((None, Issued()), endpoint=endpoint)
    assert other.admits(50)


def test_a_rotation_right_before_the_canary_is_not_taken_for_a_manner_of_the_server():
    guard = guarded((None, Issued()), ((CANARY,), FAILED), (("a",), FAILED))
    assert guard.wants_reassurance


# -- conversations


def hold(conversation, answers, most=1000):
    """Answer a conversation's questions by a function, one by one, until it is finished."""
    asked, pending = [], conversation.start()
    while pending and len(asked) < most:
        question, *pending = pending
        asked.append(question)
        sent = conversation.tick()
        fact = Fact(question, answers(question), sent, conversation.tick())
        pending += conversation.take(fact)
    return asked


@pytest.fixture
def assignment(make_client):
    client = make_client(*(f"s{n}" for n in range(40)))
    return Assignment(client, client.targets[0])


def strict(granted):
    def answer(question):
        if question.scopes is None or set(question.scopes) <= granted:
            return Issued(question.scopes or ())
        return REFUSED

    return answer


def test_a_conversation_that_was_cut_short_asks_only_what_is_left(assignment):
    answers = strict({"s3", "s30"})
    whole = PlanRunner(assignment, each, {})
    every = hold(whole, answers)
    for cut in range(len(every)):
        first = PlanRunner(assignment, each, {})
        known = hold(first, answers, most=cut)
        memo = {question: first.facts[question] for question in known}
        second = PlanRunner(assignment, each, memo)
        assert sorted(map(str, [*known, *hold(second, answers)])) == sorted(map(str, every))


def test_an_old_repetition_brackets_nothing_once_something_was_asked_anew(assignment):
    lost = Question(("s0",))
    first = PlanRunner(assignment, each, {})
    hold(first, lambda q: Unanswered(Reason.TIMED_OUT) if q == lost else strict({"s3"})(q))
    memo = {q: f for q, f in first.facts.items() if not isinstance(f.answer, Unanswered)}
    second = PlanRunner(assignment, each, memo)
    asked = hold(second, strict({"s3"}))
    assert asked[0] == lost
    assert [question.again > 0 for question in asked[1:]] == [True] * len(asked[1:])
    assert second.facts[asked[-1]].sent > second.facts[lost].received


def test_a_plan_that_meets_no_answer_at_its_control_says_why_it_ended(assignment):
    conversation = PlanRunner(assignment, each, {})
    hold(conversation, lambda _question: Unanswered(Reason.UNREACHABLE))
    assert conversation.open_because is Reason.UNREACHABLE
    assert len(conversation.facts) == 1
