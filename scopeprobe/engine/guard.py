"""No lock-outs: how many failed authentications a client may still cause."""

from __future__ import annotations

from collections.abc import Iterable

from scopeprobe.model.answers import Answer, Fact, Issued, Question, Unauthenticated
from scopeprobe.model.clients import Scope


class CredentialGuard:
    """
    Counts the consecutive credential failures of one client, and says how many may be in the air.

    A server that answers failed authentication to a scope would use up every try on scopes. So
    such answers stop counting once they are known to be about scopes: when the canary met one
    after a success, or when a request that had succeeded succeeds again right behind them.
    """

    def __init__(self, *, tries: int, limit: int, canary: Scope) -> None:
        """`tries` until the first success; `limit` consecutive ones from then on."""
        self.failures = 0
        self.is_proven = False
        self._tries = tries
        self._limit = limit
        self._canary = canary
        self._succeeded: set[tuple[Scope, ...] | None] = set()
        self._scopes_fail = False

    @property
    def leaves_alone(self) -> bool:
        return self.failures >= (self._limit if self.is_proven else self._tries)

    @property
    def wants_reassurance(self) -> bool:
        """The last try is best spent on a request that is known to succeed."""
        return self.is_proven and self._limit > 1 and self.failures == self._limit - 1

    def admits(self, in_air: int) -> bool:
        """Whether one more request may be sent while `in_air` of this client are unanswered."""
        if not self.is_proven:
            return in_air == 0
        return self.failures == 0 or in_air < self._limit - self.failures

    def note(self, question: Question, answer: Answer) -> None:
        if isinstance(answer, Issued):
            self._scopes_fail |= self.failures > 0 and question.scopes in self._succeeded
            self._succeeded.add(question.scopes)
            self.is_proven, self.failures = True, 0
        elif isinstance(answer, Unauthenticated):
            if self.is_proven and question.scopes == (self._canary,):
                self._scopes_fail = True
            is_expected = self._scopes_fail and question.scopes not in self._succeeded
            self.failures += not is_expected

    def recall(self, facts: Iterable[Fact]) -> None:
        """Take over what an earlier invocation learned; the credentials are not proved by it."""
        was_proven = self.is_proven
        for fact in facts:
            self.note(fact.question, fact.answer)
        self.is_proven = was_proven
