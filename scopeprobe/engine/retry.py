"""Whether a request that failed is sent again, and when: the only place that decides it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from http import HTTPStatus

from scopeprobe.model.cell import Reason
from scopeprobe.model.server import ServerLimits

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 10.0
"""Seconds."""
RETRYABLE = frozenset(
    {Reason.UNREACHABLE, Reason.TIMED_OUT, Reason.SERVER_ERROR, Reason.MALFORMED_ANSWER}
)
"""Faults that may pass by themselves. A refusal is an answer, and is not asked for again."""
HOST_IS_AWAY = frozenset({Reason.UNREACHABLE, Reason.TIMED_OUT, Reason.TLS_FAILURE})
"""Faults after which another address of the same host is not tried either."""
_BLOCKED_PAGES = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""Statuses with which gateways and firewalls send pages of their own."""
_TLS_RETRIES = 2
"""It may be one backend of several that fails; all of them do where it is a certificate."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often one kind of request is sent again. A server's own `retries` bound all kinds."""

    retryable: frozenset[Reason]
    most_retries: int | None = None
    """None: as many as the server's own."""
    free_throttles: int | None = 0
    """Throttles that use up no retry; None: all, because `max_pause` bounds them."""
    repeats_unauthorized: bool = True
    """A page with status 401 is asked for once more, although it may be a failed login."""
    waits_for_server: bool = False
    """While nothing of its group is answered, a request is put off and not given up."""


QUESTION = RetryPolicy(RETRYABLE | {Reason.TLS_FAILURE}, free_throttles=None, waits_for_server=True)
"""A token request of an audit."""
EXPERIMENT = RetryPolicy(RETRYABLE, most_retries=1, free_throttles=3, repeats_unauthorized=False)
"""A token request of `explain`, which has few failed authentications to spend."""
FOLLOW_UP = RetryPolicy(RETRYABLE | {Reason.THROTTLED, Reason.TLS_FAILURE})
"""A request that costs no token: introspection, a rights API, revocation."""
METADATA = RetryPolicy(RETRYABLE - {Reason.MALFORMED_ANSWER} | {Reason.THROTTLED}, most_retries=2)
"""A document: one that is malformed will be malformed the next time, too."""


@dataclass(frozen=True, slots=True)
class Failures:
    """What one request met so far instead of an answer, and what it met last."""

    faults: int = 0
    throttles: int = 0
    unreached: int = 0
    """Connection faults in a row, up to the last."""
    reason: Reason | None = None
    status: int | None = None

    def and_also(self, reason: Reason, status: int | None = None) -> Failures:
        is_throttle = reason is Reason.THROTTLED
        return Failures(
            faults=self.faults + (not is_throttle),
            throttles=self.throttles + is_throttle,
            unreached=self.unreached + 1 if reason is Reason.UNREACHABLE else 0,
            reason=reason,
            status=status,
        )


NOTHING_MET = Failures()


def seconds_until_retry(
    policy: RetryPolicy, met: Failures, limits: ServerLimits, *, is_proved: bool = True
) -> float | None:
    """
    Seconds after which a request is sent again; None where it is not.

    A throttle that uses up no retry is waited for as long as its rate group is paused, and no
    longer. `is_proved` says that the server accepted the client's credentials before.
    """
    free = met.throttles
    if policy.free_throttles is not None:
        free = min(free, policy.free_throttles)
    if met.reason is Reason.THROTTLED and met.throttles == free:
        return 0.0
    used = met.faults + met.throttles - free
    if met.reason not in policy.retryable or used > _most_retries(policy, met, limits, is_proved):
        return None
    return backoff(used)


def _most_retries(policy: RetryPolicy, met: Failures, limits: ServerLimits, is_proved: bool) -> int:
    most = limits.retries
    if policy.most_retries is not None:
        most = min(most, policy.most_retries)
    if met.reason is Reason.MALFORMED_ANSWER and met.status in _BLOCKED_PAGES:
        most = min(most, 1)
    if met.reason is Reason.TLS_FAILURE:
        most = min(most, _TLS_RETRIES)
    if met.status == HTTPStatus.UNAUTHORIZED and not policy.repeats_unauthorized:
        most = 0
    if met.reason is Reason.TIMED_OUT and not is_proved:
        # Who answers wrong credentials late counts them all the same.
        most = min(most, limits.max_auth_failures - 1)
    return most


def backoff(times: int) -> float:
    """Seconds before another try: doubling, with jitter, so that workers do not return as one."""
    longest = min(FIRST_BACKOFF * 2.0 ** min(max(times - 1, 0), 10), LONGEST_BACKOFF)
    return longest * random.uniform(0.75, 1.0)  # noqa: S311 - jitter is no secret
