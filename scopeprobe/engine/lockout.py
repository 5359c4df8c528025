"""No lock-outs: how many failed authentications a client may still cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from scopeprobe.model.answer import (
    Answer,
    Fact,
    GrantNotAllowed,
    Issued,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope


@dataclass(slots=True)
class EndpointFailures:
    """What its clients found out together about a token endpoint, while they are asking."""

    fails_scopes: bool = False
    """It answers failed authentication to a scope, although the client is authenticated."""


class LockoutGuard:
    """
    Counts the consecutive credential failures of one client, and says how many may be in the air.

    An endpoint that answers failed authentication to scopes would use up every try on them. So
    such answers stop counting once it is known to do that: some client's canary met one, or the
    try before the last did, and a success stood right behind.
    """

    def __init__(
        self, endpoint: EndpointFailures, *, tries: int, limit: int, canary: Scope
    ) -> None:
        """`tries` until the first success; `limit` consecutive ones from then on."""
        self.failures = 0
        self.is_proved = False
        self.in_air = 0
        """Requests with these credentials that are not answered yet."""
        self._tries = tries
        self._limit = limit
        self._canary = canary
        self._endpoint = endpoint
        self._succeeded: set[tuple[Scope, ...] | None] = set()
        self._canary_failed = False

    @property
    def leaves_alone(self) -> bool:
        return self.failures >= (self._limit if self.is_proved else self._tries)

    @property
    def wants_reassurance(self) -> bool:
        """The last try is best spent on a request that is known to succeed."""
        return self.is_proved and self._limit > 1 and self.failures == self._limit - 1

    def admits(self, in_air: int) -> bool:
        """
        Whether one more request may be sent while `in_air` of this client are unanswered.

        All that are in the air may fail at once, when the secret was rotated this moment: they
        leave one try over, which decides whether it is the credentials or the scopes.
        """
        if not self.is_proved or self.wants_reassurance:
            return in_air == 0
        return self._endpoint.fails_scopes or self.failures + in_air < max(self._limit - 1, 1)

    def note(self, question: Question, answer: Answer) -> None:
        if isinstance(answer, Issued):
            is_repeated = self.failures > 0 and question.scopes in self._succeeded
            self._endpoint.fails_scopes |= is_repeated or self._canary_failed
            self._succeeded.add(question.scopes)
            self.is_proved, self.failures = True, 0
        elif self._may_be_a_failure(answer):
            self._canary_failed |= self.is_proved and question.scopes == (self._canary,)
            is_expected = self._endpoint.fails_scopes and question.scopes not in self._succeeded
            self.failures += not (self.is_proved and is_expected)

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
        was_proven = self.is_proved
        for fact in facts:
            self.note(fact.question, fact.answer)
        self.is_proved = was_proven
