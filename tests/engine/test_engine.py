"""Pace, guard and conversations, on clocks and answers that the tests hold in their hands."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopeprobe.engine.lockout import LockoutGuard, Registration
from scopeprobe.engine.plan_runner import PlanRunner
from scopeprobe.engine.rate_limit import MARGIN, RateLimiter
from scopeprobe.model.answer import (
    Fact,
    GrantNotAllowed,
    Issued,
    Refused,
    Subject,
    TooLarge,
    Unanswered,
    Unauthenticated,
)
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


@pytest.mark.parametrize("burst", [1, 2, 4])
def test_a_caller_that_is_late_catches_up_with_as_many_as_the_burst(burst):
    gate = RateLimiter([Rate(10, 1)], now=0.0, spacing=Rate(5, 1), burst=burst)
    gate.take(0.0)
    at_once = 0
    while gate.opens_at() <= 60.0:
        gate.take(60.0)
        at_once += 1
    assert at_once == 1 + burst


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

NO_TOKEN = [
    pytest.param(FAILED, id="invalid_client"),
    pytest.param(Refused(403, "access_denied"), id="denied"),
    pytest.param(Refused(400, "invalid_request", "認証に失敗しました"), id="other language"),
    pytest.param(GrantNotAllowed(400, "unauthorized_client"), id="grant"),
    pytest.param(Unanswered(Reason.MALFORMED_ANSWER, 401), id="page or lost body"),
    pytest.param(Unanswered(Reason.MALFORMED_ANSWER, 404), id="404"),
    pytest.param(Unanswered(Reason.MALFORMED_ANSWER, 200), id="no token, or lost body"),
    pytest.param(Unanswered(Reason.MALFORMED_ANSWER, 500), id="lost body of a 500"),
    pytest.param(Unanswered(Reason.SERVER_ERROR, 500, "server_error"), id="500 with a code"),
]
FAULTS = [
    pytest.param(Unanswered(Reason.SERVER_ERROR, 500), id="500 page"),
    pytest.param(Unanswered(Reason.SERVER_ERROR, 503, "busy"), id="503"),
    pytest.param(Unanswered(Reason.MALFORMED_ANSWER, 502), id="lost body of a gateway"),
]
LOST = [
    pytest.param(Unanswered(Reason.TIMED_OUT), id="time-out"),
    pytest.param(Unanswered(Reason.UNREACHABLE, error="connection_closed"), id="hung up on"),
]


def guarded(*answers, limit=3, tries=None, registration=None):
    """What watches over a client that was answered so, one request after the other."""
    registration = registration or Registration("corp c")
    guard = LockoutGuard(registration, tries=limit if tries is None else tries, limit=limit)
    for answer in answers:
        ask(guard, answer)
    return guard


def ask(guard, answer, wave=None, **more):
    sent = guard.send(guard.next_wave() if wave is None else wave)
    guard.came_back(sent)
    guard.note(answer, sent, **more)


@pytest.mark.parametrize("answer", NO_TOKEN + FAULTS + LOST)
def test_a_client_that_never_succeeded_has_one_request_in_the_air_and_three_tries(answer):
    guard = guarded(answer, answer)
    assert guard.admits
    guard.send(guard.next_wave())
    assert not guard.admits
    assert not guard.leaves_alone
    assert guarded(answer, answer, answer).leaves_alone


def test_tries_are_counted_whatever_their_answers_look_like():
    assert guarded(FAILED, Refused(403, "access_denied"), Unanswered(Reason.TIMED_OUT)).leaves_alone


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(REFUSED, id="invalid_scope"),
        pytest.param(Refused(403, "no", about=Subject.SCOPE), id="words about the scope"),
        pytest.param(Refused(400, "invalid_target", about=Subject.TARGET), id="target"),
        pytest.param(Unanswered(Reason.THROTTLED, 429), id="throttle"),
        pytest.param(Unanswered(Reason.UNREACHABLE, error="connection_refused"), id="never sent"),
        pytest.param(TooLarge(413), id="never read"),
    ],
)
def test_what_is_plainly_about_something_else_is_no_failure(answer):
    assert guarded(*[answer] * 9).failures == 0


@pytest.mark.parametrize("answer", NO_TOKEN)
def test_good_credentials_that_seem_to_fail_have_one_request_in_the_air_throughout(answer):
    guard = guarded(Issued(), answer, Issued())
    guard.send(guard.next_wave())
    assert not guard.admits


@pytest.mark.parametrize("answer", FAULTS + LOST)
def test_faults_are_no_failures_once_the_credentials_were_accepted(answer):
    """Where it is known by now that refusals are none, either."""
    assert guarded(Issued(), REFUSED, *[answer] * 9).failures == 0


@pytest.mark.parametrize("answer", FAULTS)
def test_a_fault_that_was_told_is_no_failure_however_the_server_refuses(answer):
    assert guarded(Issued(), *[answer] * 9).failures == 0


@pytest.mark.parametrize("answer", LOST)
@pytest.mark.parametrize("before", [[], [FAILED, Issued()]], ids=["not known", "they count"])
def test_an_answer_that_never_came_may_be_a_refusal_where_those_may_count(before, answer):
    guard = guarded(Issued(), *before, answer, answer)
    assert (guard.failures, guard.wants_reassurance) == (2, True)
    ask(guard, answer, succeeded_before=True)
    assert (guard.failures, guard.leaves_alone) == (2, False)


@pytest.mark.parametrize("answer", FAULTS)
def test_what_came_and_rejects_nobody_is_no_refusal(answer):
    assert guarded(Issued(), FAILED, Issued(), answer).failures == 0


@pytest.mark.parametrize("answer", LOST)
def test_its_next_try_clears_an_answer_that_never_came(answer):
    guard = guarded(Issued(), FAILED, Issued())
    wave = guard.next_wave()
    ask(guard, answer, wave)
    ask(guard, Issued(), wave)
    assert guard.failures == 0


def test_whatever_is_in_the_air_leaves_one_try_over():
    guard = guarded(Issued())
    wave = guard.next_wave()
    assert guard.admits
    guard.send(wave)
    assert guard.admits
    guard.send(wave)
    assert not guard.admits


@pytest.mark.parametrize("answer", NO_TOKEN)
def test_the_last_try_is_spent_on_what_is_known_to_succeed(answer):
    guard = guarded(Issued(), answer, answer)
    assert guard.wants_reassurance
    assert not guard.leaves_alone
    ask(guard, answer)
    assert guard.leaves_alone


def test_refusals_that_look_like_failures_never_stop_counting():
    """However often a server answered so to scopes: the secret may be rotated this moment."""
    guard = guarded(*[Issued(), FAILED, FAILED] * 20)
    assert (guard.failures, guard.wants_reassurance) == (2, True)


def test_a_success_clears_no_failure_that_was_in_the_air_with_it():
    guard = guarded(Issued())
    wave = guard.next_wave()
    failed, succeeded = guard.send(wave), guard.send(wave)
    guard.came_back(failed)
    guard.note(FAILED, failed)
    guard.came_back(succeeded)
    guard.note(Issued(), succeeded)
    assert guard.failures == 1
    ask(guard, Issued())
    assert guard.failures == 0


def test_several_secrets_of_one_client_share_what_its_server_counts():
    registration = Registration("corp c")
    old = guarded(FAILED, tries=1, registration=registration)
    new = guarded(tries=1, registration=registration)
    assert old.leaves_alone
    assert not new.leaves_alone
    ask(new, Issued())
    assert new.failures == 0
    for _ in range(2):
        ask(new, FAILED)
    assert (new.wants_reassurance, new.leaves_alone) == (True, False)


def test_a_success_of_one_queue_clears_no_failure_that_was_in_the_air_of_another():
    """Waves of two queues overlap: only what was answered before counts as before."""
    registration = Registration("corp c")
    one, other = (guarded(Issued(), registration=registration) for _ in range(2))
    failed, succeeded = one.send(one.next_wave()), other.send(other.next_wave())
    one.came_back(failed)
    one.note(FAILED, failed)
    other.came_back(succeeded)
    other.note(Issued(), succeeded)
    assert registration.failures == 1


def test_what_earlier_invocations_may_have_caused_counts_until_a_success():
    registration = Registration("corp c", remembered=2)
    guard = guarded(registration=registration)
    assert (guard.leaves_alone, registration.at_risk) == (False, 2)
    guard.send(guard.next_wave())
    assert registration.at_risk == 3
    assert guarded(FAILED, registration=Registration("corp c", remembered=2)).leaves_alone
    assert guarded(Issued(), registration=Registration("corp c", remembered=2)).failures == 0


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
