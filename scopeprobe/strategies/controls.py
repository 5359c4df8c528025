"""The answers so far, and the repetitions that bracket refusals (docs/design.md, rule 6)."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from itertools import count
from typing import TypeAlias, TypeVar

from scopeprobe.model.answer import Answer, Issued, Refusal, Refused, alike, is_plain_about_scope
from scopeprobe.model.assignment import Assignment, Proof
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.model.scope_names import Scope

MOST_REFUSALS_UNBRACKETED = 25
"""Refusals without a success, after which one that succeeded is asked again."""

Result = TypeVar("Result")
PlanPart: TypeAlias = Generator[tuple[Question, ...], tuple[Answer, ...], Result]
"""A part of a plan, and what it found out."""


class ControlFailed(Exception):
    """A request that had succeeded failed when it was repeated: further answers prove nothing."""


class AskedSoFar:
    """All that was answered so far, in the order of the questions."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self.canary = Question((assignment.canary,))
        self.answers: dict[Question, Answer] = {}
        self.success: Question | None = None
        """The first question that was answered with a token."""
        self.last_wave_refused = False
        self._repeats = count(1)

    def ask(self, *wave: Question) -> PlanPart[Answer]:
        """Ask one wave; return its last answer."""
        answers = yield wave
        self.answers.update(zip(wave, answers, strict=True))
        is_refused = any(map(withholds, answers))
        if not (is_refused and all(map(self._holds_the_canary, wave))):
            self.last_wave_refused = is_refused
        if self.success is None:
            issued = (q for q, a in zip(wave, answers, strict=True) if isinstance(a, Issued))
            self.success = next(issued, None)
        return answers[-1]

    def learn(self, question: Question) -> PlanPart[Answer]:
        """
        Ask one question, unless it was answered already, and keep its refusals bracketed.

        Raises ControlFailed.
        """
        if (known := self.answers.get(question)) is not None:
            return known
        answer = yield from self.ask(question)
        yield from self._bracket()
        return answer

    def learn_all(self, questions: Iterable[Question]) -> PlanPart[None]:
        """Ask in waves, and repeat a success after 25 refusals. Raises ControlFailed."""
        questions = list(questions)
        while questions:
            size = MOST_REFUSALS_UNBRACKETED - self._refusals_since_success()
            wave, questions = questions[:size], questions[size:]
            yield from self.ask(*wave)
            if self.canary not in self.answers and self.got_through:
                yield from self.ask(self.canary)
            yield from self._bracket()

    def close(self) -> PlanPart[None]:
        """The closing control: a success after the last refusals, if there was ever one."""
        if self.success is not None and self.last_wave_refused:
            yield from self.ask(self._repeated_success())

    def _bracket(self) -> PlanPart[None]:
        if self._refusals_since_success() < MOST_REFUSALS_UNBRACKETED:
            return
        repeated = yield from self.ask(self._repeated_success())
        if not isinstance(repeated, Issued):
            raise ControlFailed

    def _holds_the_canary(self, question: Question) -> bool:
        """Its refusal denies nothing, and needs no success behind it."""
        return self._assignment.canary in (question.scopes or ())

    @property
    def got_through(self) -> bool:
        """Some answer was not that of failed authentication."""
        return any(isinstance(answer, Issued | Refused) for answer in self.answers.values())

    def _repeated_success(self) -> Question:
        assert self.success is not None  # noqa: S101 - refusals count from the first success on
        return Question(self.success.scopes, again=next(self._repeats))

    def _refusals_since_success(self) -> int:
        """How many candidates were refused since a token was last issued; 0 before the first."""
        if self.success is None:
            return 0
        refusals = 0
        for question, answer in reversed(self.answers.items()):
            if isinstance(answer, Issued):
                break
            refusals += withholds(answer) and question not in {self.canary, WITHOUT_SCOPE}
        return min(refusals, MOST_REFUSALS_UNBRACKETED)

    def refused_alone(self) -> list[Scope]:
        """Scopes that were refused on their own, in the order in which they were asked."""
        return [
            question.scopes[0]
            for question, answer in self.answers.items()
            if withholds(answer) and _is_lone(question) and question != self.canary
            if question.scopes
        ]

    def doubted(self) -> list[Scope]:
        """
        Scopes whose refusal may have another cause.

        Its code does not say that it is the scope, and it came before the first success, or the
        canary met another answer: it may have been a lock, a gateway, an unrecognized throttle.
        """
        if self.success is None:
            return []
        met_by_canary = self.answers.get(self.canary)
        asked = {question: position for position, question in enumerate(self.answers)}
        first_success = asked[self.success]
        return [
            scope
            for scope in self.refused_alone()
            if not is_plain_about_scope(answer := self.answers[Question((scope,))])
            and (asked[Question((scope,))] < first_success or not alike(answer, met_by_canary))
        ]


def withholds(answer: Answer) -> bool:
    return isinstance(answer, Refusal)


def _is_lone(question: Question) -> bool:
    return question.scopes is not None and len(question.scopes) == 1 and question.again == 0


def conclude(assignment: Assignment, so_far: AskedSoFar) -> PlanPart[None]:
    """Ask again what is in doubt, then for shapes, then a closing control. Raises ControlFailed."""
    twice = assignment.proof is Proof.TWICE
    doubted = so_far.refused_alone() if twice else so_far.doubted()
    yield from so_far.learn_all(Question((scope,), again=1) for scope in doubted)
    yield from so_far.learn_all(Question((shape,)) for shape in assignment.shapes)
    yield from so_far.close()
