"""What is sent again, how often, and after how long."""

import pytest

from scopeprobe.engine.retry import (
    EXPERIMENT,
    FOLLOW_UP,
    LONGEST_BACKOFF,
    METADATA,
    QUESTION,
    Failures,
    backoff,
    seconds_until_retry,
)
from scopeprobe.model.cell import Reason
from scopeprobe.model.server import ServerLimits

LIMITS = ServerLimits(retries=4, max_auth_failures=3)


def retries(policy, reason, status=None, *, limits=LIMITS, is_proved=True):
    """How often a request is sent again that always fails in the same way; 99 is no bound."""
    met = Failures()
    for times in range(99):
        met = met.and_also(reason, status)
        if seconds_until_retry(policy, met, limits, is_proved=is_proved) is None:
            return times
    return 99


@pytest.mark.parametrize(
    ("reason", "status", "most"),
    [
        (Reason.UNREACHABLE, None, [4, 1, 4, 2]),
        (Reason.TIMED_OUT, None, [4, 1, 4, 2]),
        (Reason.SERVER_ERROR, 503, [4, 1, 4, 2]),
        (Reason.MALFORMED_ANSWER, 200, [4, 1, 4, 0]),
        (Reason.MALFORMED_ANSWER, 403, [1, 1, 1, 0]),
        (Reason.MALFORMED_ANSWER, 401, [1, 0, 1, 0]),
        (Reason.THROTTLED, 429, [99, 3, 4, 2]),
        (Reason.TLS_FAILURE, None, [2, 0, 2, 0]),
        (Reason.REDIRECTED, 302, [0, 0, 0, 0]),
        (Reason.UNCONFIRMED, 401, [0, 0, 0, 0]),
    ],
)
def test_every_kind_of_request_has_its_bound(reason, status, most):
    """Questions, experiments of explain, follow-ups, metadata."""
    policies = (QUESTION, EXPERIMENT, FOLLOW_UP, METADATA)
    assert [retries(policy, reason, status) for policy in policies] == most


@pytest.mark.parametrize("policy", [QUESTION, EXPERIMENT, FOLLOW_UP, METADATA])
def test_a_server_that_wants_no_retries_gets_none(policy):
    limits = ServerLimits(retries=0)
    assert retries(policy, Reason.SERVER_ERROR, 503, limits=limits) == 0


@pytest.mark.parametrize(("most", "sent_again"), [(1, 0), (2, 1), (3, 2)])
def test_a_time_out_before_the_first_success_may_be_a_failed_authentication(most, sent_again):
    limits = ServerLimits(retries=4, max_auth_failures=most)
    assert retries(QUESTION, Reason.TIMED_OUT, limits=limits, is_proved=False) == sent_again


def test_a_throttle_uses_up_no_retry_of_a_question():
    met = Failures()
    for _ in range(9):
        met = met.and_also(Reason.THROTTLED, 429)
        assert seconds_until_retry(QUESTION, met, LIMITS) == 0.0
    met = met.and_also(Reason.SERVER_ERROR, 500)
    assert 0 < seconds_until_retry(QUESTION, met, LIMITS) <= 0.5


def test_a_back_off_doubles_up_to_its_longest():
    assert [backoff(n) <= longest for n, longest in ((1, 0.5), (2, 1.0), (3, 2.0))] == [True] * 3
    assert 0.75 * LONGEST_BACKOFF <= backoff(99) <= LONGEST_BACKOFF
