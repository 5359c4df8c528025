"""One plan with its memory: what it still has to ask, and what it was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from scopeprobe.model.answer import Answer, Fact, Issued, Unanswered, is_plain_about_scope
from scopeprobe.model.assignment import Assignment, Strategy
from scopeprobe.model.cell import Reason
from scopeprobe.model.question import Question


class PlanRunner:
    """
    Drives one plan; answers from the memo what an earlier invocation was told already.

    Questions that repeat a success are answered from the memo only as long as everything before
    them was: once something had to be asked on the wire, an old repetition brackets nothing.
    """

    def __init__(
        self, assignment: Assignment, strategy: Strategy, memo: Mapping[Question, Fact]
    ) -> None:
        self.assignment = assignment
        self.facts = _still_good(memo)
        self.open_because: Reason | None = None
        """Why it ended, once it has: what cells without an answer will say."""
        self._plan = strategy(assignment)
        self._wave: tuple[Question, ...] = ()
        self._answers: dict[Question, Answer] = {}
        self._asked: set[Question] = set()
        self._is_replaying = True
        self._ticks = 1 + max((fact.received for fact in memo.values()), default=0)
        self.goes_on = self.has_succeeded
        """An earlier invocation got a token; the credentials may have changed since."""
        if assignment.unaskable_because is not None:
            self.close(assignment.unaskable_because)

    def further(self, assignment: Assignment, strategy: Strategy) -> PlanRunner:
        """The same, with more to ask; what was answered in this invocation stands."""
        plan = PlanRunner(assignment, strategy, self.facts)
        plan.facts = dict(self.facts)
        plan.goes_on = False
        return plan

    @property
    def is_finished(self) -> bool:
        return self.open_because is not None

    @property
    def told(self) -> list[Fact]:
        """
        What this plan was told, and nothing that a memo knows beyond it.

        So what one client teaches others is the same when a run is gone on with.
        """
        return [fact for question, fact in self.facts.items() if question in self._asked]

    @property
    def has_succeeded(self) -> bool:
        return any(isinstance(fact.answer, Issued) for fact in self.facts.values())

    def tick(self) -> int:
        """A moment on the clock that orders this client's facts."""
        self._ticks += 1
        return self._ticks

    def start(self) -> list[Question]:
        """The questions to begin with; none when the memo answers all."""
        if self.is_finished:
            return []
        try:
            self._wave = next(self._plan)
        except StopIteration:
            self.open_because = Reason.NOT_ASKED
            return []
        return self._advance()

    def take(self, fact: Fact) -> list[Question]:
        """Hear an answer. Returns the next wave when it was the last one of its own."""
        self.facts.pop(fact.question, None)
        self.facts[fact.question] = fact
        if self.is_finished or fact.question not in self._wave:
            return []
        self._answers[fact.question] = fact.answer
        return self._advance() if len(self._answers) == len(self._wave) else []

    def reassurance(self) -> Question:
        """A request that succeeded before, to be asked again outside of the plan."""
        success = next(q for q, fact in self.facts.items() if isinstance(fact.answer, Issued))
        asked_before = sum(question.again < 0 for question in self.facts)
        return replace(success, again=-1 - asked_before)

    def close(self, reason: Reason) -> None:
        """Ask nothing more."""
        if not self.is_finished:
            self._plan.close()
            self.open_because = reason

    def _advance(self) -> list[Question]:
        while True:
            open_questions = [q for q in self._wave if q not in self._answers]
            for question in open_questions:
                if (fact := self._remembered(question)) is not None:
                    self._answers[question] = fact.answer
            if missing := [q for q in open_questions if q not in self._answers]:
                self._is_replaying = False
                return missing
            answers = tuple(self._answers[question] for question in self._wave)
            self._asked.update(self._wave)
            try:
                self._wave, self._answers = self._plan.send(answers), {}
            except StopIteration:
                self.open_because = _why_a_plan_ends(answers[-1])
                return []

    def _remembered(self, question: Question) -> Fact | None:
        is_usable = self._is_replaying or question.again == 0
        return self.facts.get(question) if is_usable else None


def _still_good(memo: Mapping[Question, Fact]) -> dict[Question, Fact]:
    """
    What an earlier invocation was told, as far as it may still be believed.

    Refusals behind its last success were never bracketed, and a success of today brackets them
    only with the same credentials: who knows what was rotated in between. Those whose code says
    that it is the scope are believed all the same; others are asked again.
    """
    last_success = max(
        (f.sent for f in memo.values() if isinstance(f.answer, Issued)), default=None
    )
    if last_success is None:
        return dict(memo)
    return {
        question: fact
        for question, fact in memo.items()
        if fact.received < last_success
        or isinstance(fact.answer, Issued)
        or is_plain_about_scope(fact.answer)
    }


def _why_a_plan_ends(last: Answer) -> Reason:
    """Of a plan that ends by itself, the last answer says why candidates may be left over."""
    match last:
        case Unanswered(reason=reason):
            return reason
        case Issued():
            return Reason.NOT_ASKED
        case _:
            return Reason.CLIENT_LEFT_ALONE
