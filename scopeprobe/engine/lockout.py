"""No lock-outs: how many failed authentications a client may still cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import count

from scopeprobe.model.answer import (
    Answer,
    Fact,
    GrantNotAllowed,
    Issued,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.question import Question, RequestChange
from scopeprobe.model.scope_names import Scope


class EndpointFailures:
    """
    What the clients of a token endpoint found out: it answers failed authentication to a scope.

    A client uses only what itself and clients before it in the file found out, and waits for
    those where it matters. So equal nights ask equal questions, whoever is answered first.
    """

    def __init__(self) -> None:
        self._places = count()
        self._first_that_knows: int | None = None
        self.unfinished: set[int] = set()
        """Places of the clients that still have something to ask."""

    def next_place(self) -> int:
        return next(self._places)

    def found_out(self, place: int) -> None:
        """Note what the client at this place of the file found out."""
        known = self._first_that_knows
        self._first_that_knows = place if known is None else min(known, place)

    def is_known_to(self, place: int) -> bool:
        return self._first_that_knows is not None and self._first_that_knows <= place

    def may_be_found_out_before(self, place: int) -> bool:
        """Whether a client before this place may still find it out."""
        return any(earlier < place for earlier in self.unfinished)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request with a client's credentials: which one, and of which wave."""

    number: int
    wave: int


@dataclass(frozen=True, slots=True)
class _Failure:
    """A failed authentication that no success is known to have come after."""

    sent: Sent
    change: RequestChange
    may_be_its_scopes: bool
    """The same credentials were accepted before, for other scopes."""


class LockoutGuard:
    """
    Counts the consecutive credential failures of one client, and says how many may be in the air.

    An endpoint that answers failed authentication to scopes would use up every try on them. So
    such answers stop counting once it is known to do that: some client's canary met one, or the
    try before the last did, and a success stood right behind.

    Requests that were in the air together may have reached the server in any order: a success
    among them clears none of the failures among them. So the count does not depend on the order
    of the answers.
    """

    def __init__(
        self, endpoint: EndpointFailures, *, tries: int, limit: int, canary: Scope
    ) -> None:
        """`tries` until the first success; `limit` consecutive ones from then on."""
        self.is_proved = False
        self._tries = tries
        self._limit = limit
        self._canary = canary
        self._endpoint = endpoint
        self._place = endpoint.next_place()
        self._succeeded: set[Question] = set()
        self._accepted: set[RequestChange] = set()
        self._canary_failed = False
        self._failures: list[_Failure] = []
        self._in_air: list[Sent] = []
        self._sent = 0
        self._waves = count()

    # -- what is asked and answered

    def next_wave(self) -> int:
        """A number for questions that are asked when all earlier ones are answered."""
        return next(self._waves)

    def send(self, wave: int) -> Sent:
        sent = Sent(self._sent, wave)
        self._sent += 1
        self._in_air.append(sent)
        return sent

    def came_back(self, sent: Sent) -> None:
        self._in_air.remove(sent)

    def note(self, question: Question, answer: Answer, sent: Sent | None = None) -> None:
        """Note an answer; without `sent` that of a request that was asked by itself."""
        sent = sent or Sent(self._sent, self.next_wave())
        asked = replace(question, again=0)
        if isinstance(answer, Issued):
            self._note_success(asked, sent)
        elif self._may_be_a_failure(answer):
            is_of_accepted = asked.change in self._accepted
            self._canary_failed |= is_of_accepted and asked.scopes == (self._canary,)
            may_be_its_scopes = is_of_accepted and asked not in self._succeeded
            self._failures.append(_Failure(sent, asked.change, may_be_its_scopes))

    def _note_success(self, asked: Question, sent: Sent) -> None:
        before = [failure for failure in self._failures if self._is_before(failure.sent, sent)]
        is_repeated = asked in self._succeeded and any(f.change == asked.change for f in before)
        if is_repeated or self._canary_failed:
            self._endpoint.found_out(self._place)
        self._failures = [failure for failure in self._failures if failure not in before]
        self._succeeded.add(asked)
        self._accepted.add(asked.change)
        self.is_proved = True

    def _is_before(self, failed: Sent, succeeded: Sent) -> bool:
        """Whether a failure was answered before the success was asked, in any case."""
        was_alone = not self.is_proved or failed.wave != succeeded.wave
        return was_alone or failed.number <= succeeded.number - self._window

    def _may_be_a_failure(self, answer: Answer) -> bool:
        """
        Failed authentication in whatever dress.

        A gateway's page with that status counts: it may count as well. So does a grant that is
        denied to a client that had used it: some servers word a wrong secret so.
        """
        match answer:
            case Unauthenticated():
                return True
            case GrantNotAllowed():
                return self.is_proved
            case Unanswered(status=status):
                return status == HTTPStatus.UNAUTHORIZED
            case _:
                return False

    def recall(self, facts: Iterable[Fact]) -> None:
        """Take over what an earlier invocation learned; the credentials are not proved by it."""
        was_proved = self.is_proved
        for fact in facts:
            self.note(fact.question, fact.answer)
        self.is_proved = was_proved

    # -- what may be sent

    @property
    def in_air(self) -> int:
        """How many requests with these credentials are not answered yet."""
        return len(self._in_air)

    @property
    def failures(self) -> int:
        """Consecutive failures that count."""
        is_known = self._knows_the_endpoint
        return sum(not (is_known and failure.may_be_its_scopes) for failure in self._failures)

    @property
    def leaves_alone(self) -> bool:
        return self.failures >= (self._limit if self.is_proved else self._tries)

    @property
    def wants_reassurance(self) -> bool:
        """The last try is best spent on a request that is known to succeed."""
        return self.is_proved and self._limit > 1 and self.failures == self._limit - 1

    @property
    def waits_for_others(self) -> bool:
        """A client before it may find out first that the failures are about the scopes."""
        return (
            self.wants_reassurance
            and not self._knows_the_endpoint
            and self._endpoint.may_be_found_out_before(self._place)
        )

    def admits(self, in_air: int) -> bool:
        """
        Whether one more request may be sent while `in_air` of this client are unanswered.

        All that are in the air may fail at once, when the secret was rotated this moment: they
        leave one try over, which decides whether it is the credentials or the scopes.
        """
        if not self.is_proved or self.wants_reassurance:
            return in_air == 0
        if self._knows_the_endpoint:
            return True
        is_in_window = not self._in_air or self._sent - self._in_air[0].number < self._window
        return is_in_window and self.failures + in_air < self._window

    def note_progress(self, *, is_finished: bool) -> None:
        """Tell the clients behind it whether they still have to wait for this one."""
        if is_finished:
            self._endpoint.unfinished.discard(self._place)
        else:
            self._endpoint.unfinished.add(self._place)

    @property
    def _knows_the_endpoint(self) -> bool:
        return self._endpoint.is_known_to(self._place)

    @property
    def _window(self) -> int:
        """How many requests may be in the air before it is known what failures are about."""
        return max(self._limit - 1, 1)
