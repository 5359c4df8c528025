"""
No lock-outs: how many failed authentications a client may still cause.

A request is counted before it is sent and until a success stands behind it. What counts is stored
before the request leaves, so an invocation begins with all that earlier ones of its run may have
caused, whatever ended them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from scopeprobe.model.answer import Answer, Issued, Refused
from scopeprobe.model.failed_authentication import may_be_failed_authentication, never_came


class Counts(Protocol):
    """Which answers count as failed authentications."""

    def __call__(self, answer: Answer, *, is_proved: bool) -> bool: ...


@dataclass(slots=True, eq=False)
class Sent:
    """A request with a client's credentials: which one, of which wave, and when it left."""

    number: int
    wave: int
    moment: int
    guard: LockoutGuard = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Failure:
    """A request that may have failed to authenticate; no success is known to have come after."""

    sent: Sent
    answered: int
    is_lost: bool
    """Its answer never came."""


@dataclass(slots=True)
class Registration:
    """
    A client as its server knows it: what is counted against its `client_id`, whatever the secret.

    Requests that were in the air together may have reached the server in any order: a success
    among them clears none of the failures among them. So the count does not depend on the order
    of the answers.
    """

    name: str
    """Under which the count is stored: the address of the token endpoint and the `client_id`."""
    remembered: int = 0
    """What earlier invocations of the run may have caused; no success has come since."""
    failed: list[_Failure] = field(default_factory=list)
    in_air: list[Sent] = field(default_factory=list)
    refusals_may_count: bool | None = None
    """Whether refusals of good credentials look like failed authentication; None: none came yet."""
    stored: int = 0
    """What the store was told last."""
    sent: int = 0
    waves: count[int] = field(default_factory=count)
    moments: count[int] = field(default_factory=count)

    @property
    def failures(self) -> int:
        """How many in a row may have failed, as far as they were answered."""
        return self.remembered + len(self.failed)

    @property
    def at_risk(self) -> int:
        """How many in a row may have failed, those in the air included: what is to be stored."""
        return self.failures + len(self.in_air)


class LockoutGuard:
    """
    Says whether one more request may be sent with a client's credentials.

    Until the first success one may be in the air. From then on all that are may fail at once, when
    the secret was rotated this moment: they leave one try over, for a request that is known to
    succeed. Once a refusal of good credentials looked like failed authentication, one is in the air
    throughout.
    """

    def __init__(
        self,
        registration: Registration,
        *,
        tries: int,
        limit: int,
        counts: Counts = may_be_failed_authentication,
    ) -> None:
        """`tries` with these credentials until they succeed once; `limit` in a row at any time."""
        self.registration = registration
        self.is_proved = False
        self._tries = tries
        self._limit = limit
        self._window = max(limit - 1, 1)
        """How many requests may be in the air at most."""
        self._counts = counts

    # -- what is asked and answered

    def next_wave(self) -> int:
        """A number for questions that are asked when all earlier ones are answered."""
        return next(self.registration.waves)

    def send(self, wave: int) -> Sent:
        sent = Sent(self.registration.sent, wave, next(self.registration.moments), self)
        self.registration.sent += 1
        self.registration.in_air.append(sent)
        return sent

    def came_back(self, sent: Sent) -> None:
        self.registration.in_air.remove(sent)

    def note(self, answer: Answer, sent: Sent, *, succeeded_before: bool = False) -> None:
        """
        Count an answer.

        Where refusals may count, or nobody knows yet, so does an answer that never came: it may
        have been one.

        :param succeeded_before: the same request did, so that no refusal of it is to be expected.
        """
        registration = self.registration
        if isinstance(answer, Issued):
            registration.failed = [
                one for one in registration.failed if not self._is_before(one, sent)
            ]
            registration.remembered = 0
            self.is_proved = True
        elif self._counts(answer, is_proved=self.is_proved):
            self._failed(sent, is_lost=False)
            if self.is_proved:
                registration.refusals_may_count = True
        elif never_came(answer):
            if registration.refusals_may_count is not False and not succeeded_before:
                self._failed(sent, is_lost=True)
        elif isinstance(answer, Refused) and registration.refusals_may_count is None:
            registration.refusals_may_count = False

    def _failed(self, sent: Sent, *, is_lost: bool) -> None:
        registration = self.registration
        registration.failed.append(_Failure(sent, next(registration.moments), is_lost))

    def _is_before(self, failure: _Failure, succeeded: Sent) -> bool:
        """Whether it was answered before the success was asked, in whatever order they came."""
        failed = failure.sent
        is_alone = failure.is_lost or not self.is_proved or failed.wave != succeeded.wave
        is_ahead = is_alone or failed.number <= succeeded.number - self._window
        return is_ahead and failure.answered < succeeded.moment

    # -- what may be sent

    @property
    def in_air(self) -> int:
        """How many requests for this `client_id` are not answered yet."""
        return len(self.registration.in_air)

    @property
    def failures(self) -> int:
        return self.registration.failures

    @property
    def leaves_alone(self) -> bool:
        if self.registration.failures >= self._limit:
            return True
        if self.is_proved:
            return False
        return sum(f.sent.guard is self for f in self.registration.failed) >= self._tries

    @property
    def wants_reassurance(self) -> bool:
        """The last try is best spent on a request that is known to succeed."""
        return self.is_proved and self._limit > 1 and self.registration.failures == self._limit - 1

    @property
    def is_in_doubt(self) -> bool:
        """One more failure may be one too many: what was counted has to be stored by now."""
        return not self.is_proved or self.registration.failures > 0

    @property
    def admits(self) -> bool:
        """Whether one more request may be sent now."""
        in_air = self.registration.in_air
        is_alone = not self.is_proved or self.registration.refusals_may_count
        if is_alone or self.wants_reassurance:
            return not in_air
        is_in_window = not in_air or self.registration.sent - in_air[0].number < self._window
        return is_in_window and self.registration.at_risk < self._window
