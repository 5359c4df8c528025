"""What the journal holds of a run: its answers, and what was used up before."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from scopeprobe.model.answer import Answer, Fact, Issued
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.journal import NOTHING_USED, Allowance
from scopeprobe.model.question import Question

question_of = msgspec.json.Decoder(Question).decode
_answer_of = msgspec.json.Decoder(Answer).decode


def fact_of(question: bytes, answer: bytes, sent: int, received: int) -> Fact:
    """A fact as the journal keeps it."""
    return Fact(question_of(question), _answer_of(answer), sent, received)


class StoredFacts:
    """The answers that earlier invocations of a run got, and what was used up before."""

    def __init__(
        self,
        facts: Mapping[tuple[str, str], Mapping[Question, Fact]],
        failures: Mapping[str, int],
        allowances: Mapping[str, Allowance],
    ) -> None:
        self._facts = facts
        self._failures = failures
        self._allowances = allowances

    def __len__(self) -> int:
        return sum(map(len, self._facts.values()))

    @property
    def by_client(self) -> Mapping[tuple[str, str], Mapping[Question, Fact]]:
        """All of them, by client and audience."""
        return self._facts

    @property
    def tokens(self) -> int:
        """How many of the answers issued a token."""
        answers = (fact.answer for facts in self._facts.values() for fact in facts.values())
        return sum(isinstance(answer, Issued) for answer in answers)

    def facts_of(self, assignment: Assignment) -> Mapping[Question, Fact]:
        return self._facts.get((assignment.client.name, assignment.target.label), {})

    def allowance(self, quota: str) -> Allowance:
        return self._allowances.get(quota, NOTHING_USED)

    def failures_of(self, registration: str) -> int:
        return self._failures.get(registration, 0)
