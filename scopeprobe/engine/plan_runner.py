"""One plan under way: what it still has to ask, and what was answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from scopeprobe.model.answer import (
    Answer,
    Fact,
    Issued,
    Refused,
    Unanswered,
    is_plain_about_scope,
)
from scopeprobe.model.assignment import Assignment, Strategy
from scopeprobe.model.cell import Reason
from scopeprobe.model.packed import PackedFacts
from scopeprobe.model.question import WITHOUT_SCOPE, Question


class PlanRunner:
    """
    Drives one plan; answers from `known` what an earlier invocation asked already.

    Questions that repeat a success are answered from there only as long as everything before
    them was: once something had to be asked on the wire, an old repetition brackets nothing.
    """

    def __init__(
        self, assignment: Assignment, strategy: Strategy, known: Mapping[Question, Fact]
    ) -> None:
        self.assignment = assignment
        self._facts: dict[Question, Fact] = _still_good(known)
        self._told: PackedFacts | None = None
        """All facts once it has ended, in few bytes: a run may have many such plans."""
        self._told_what_it_asked: PackedFacts | None = None
        self.open_because: Reason | None = None
        """Why it ended, once it has: what cells without an answer will say."""
        self._plan = strategy(assignment)
        self._wave: tuple[Question, ...] = ()
        self._missing: set[Question] = set()
        """Those of the wave that are not answered yet."""
        self._answers: dict[Question, Answer] = {}
        self._asked: set[Question] = set()
        self._is_replaying = True
        self._ticks = 1 + max((fact.received for fact in known.values()), default=0)
        self.goes_on = self.has_succeeded
        """An earlier invocation got a token; the credentials may have changed since."""
        if assignment.unaskable_because is not None:
            self.close(assignment.unaskable_because)

    def further(self, assignment: Assignment, strategy: Strategy) -> PlanRunner:
        """The same, with more to ask; what was answered in this invocation stands."""
        facts = self.facts
        plan = PlanRunner(assignment, strategy, facts)
        plan._facts = dict(facts)
        plan.goes_on = False
        return plan

    @property
    def is_finished(self) -> bool:
        return self.open_because is not None

    @property
    def facts(self) -> Mapping[Question, Fact]:
        """All that was answered, the oldest first."""
        if self._told is None:
            return self._facts
        return {fact.question: fact for fact in self._told}

    @property
    def told(self) -> Iterable[Fact]:
        """The same facts, to be gone through; one object for as long as none comes."""
        return self._facts.values() if self._told is None else self._told

    @property
    def told_what_it_asked(self) -> Iterable[Fact]:
        """
        The answers to what this plan asked, and nothing that is known beyond it.

        So what one client teaches others is the same when a run is gone on with.
        """
        if self._told_what_it_asked is not None:
            return self._told_what_it_asked
        return [fact for question, fact in self._facts.items() if question in self._asked]

    @property
    def left_to_ask(self) -> int:
        """About how many requests, before it is begun: one for each candidate."""
        return max(len(self.assignment.candidates) - len(self.facts), 0)

    @property
    def has_succeeded(self) -> bool:
        return any(map(_is_success, self.facts.values()))

    @property
    def got_through(self) -> bool:
        """Something was answered otherwise than failed authentication is."""
        return any(isinstance(fact.answer, Issued | Refused) for fact in self.facts.values())

    def has_succeeded_with(self, question: Question) -> bool:
        """The same request was answered with a token before."""
        return any(
            _is_success(fact) and replace(asked, again=question.again) == question
            for asked, fact in self.facts.items()
        )

    @property
    def last_success(self) -> Question | None:
        """
        What may be asked another day to see that the credentials are good; None: nothing was.

        Without scope where that succeeded: no scope that is revoked until then can spoil it. Else
        the first success, which is what closing controls repeat.
        """
        issued = [question for question, fact in self.facts.items() if _is_success(fact)]
        if WITHOUT_SCOPE in issued:
            return WITHOUT_SCOPE
        return replace(issued[0], again=0) if issued else None

    @property
    def needs_scope(self) -> bool:
        """A request without scope brought no token when it was last asked."""
        fact = self.facts.get(WITHOUT_SCOPE)
        if fact is None or isinstance(fact.answer, Unanswered):
            return self.assignment.needs_scope
        return not _is_success(fact)

    def tick(self) -> int:
        """A moment on the clock that orders this client's facts."""
        self._ticks += 1
        return self._ticks

    def start(self) -> list[Question]:
        """The questions to begin with; none when all is known."""
        if self.is_finished:
            return []
        try:
            self._wave = next(self._plan)
        except StopIteration:
            self._end(Reason.NOT_ASKED)
            return []
        return self._advance()

    def take(self, fact: Fact) -> list[Question]:
        """Take an answer. Returns the next wave when it was the last one of its own."""
        self._hold(fact)
        if self.is_finished or fact.question not in self._missing:
            return []
        self._missing.discard(fact.question)
        self._answers[fact.question] = fact.answer
        return [] if self._missing else self._advance()

    def _hold(self, fact: Fact) -> None:
        """The newest is the last."""
        facts = dict(self.facts) if self.is_finished else self._facts
        facts.pop(fact.question, None)
        facts[fact.question] = fact
        if self.is_finished:
            self._told = PackedFacts(facts.values())

    def reassurance(self) -> Question:
        """A request that succeeded before, to be asked again outside of the plan."""
        success = next(q for q, fact in self.facts.items() if isinstance(fact.answer, Issued))
        asked_before = sum(question.again < 0 for question in self.facts)
        return replace(success, again=-1 - asked_before)

    def give_up(self, question: Question, fault: Unanswered) -> None:
        """Remember what a question met last that is not asked any more."""
        ticks = self.tick(), self.tick()
        if question not in self.facts:
            self._hold(Fact(question, fault, *ticks))

    def close(self, reason: Reason) -> None:
        """Ask nothing more."""
        if not self.is_finished:
            self._plan.close()
            self._end(reason)

    def _end(self, because: Reason) -> None:
        """Hold on to what was answered, and to nothing else."""
        self._told_what_it_asked = PackedFacts(self.told_what_it_asked)
        self._told = self._told_what_it_asked
        if not self._asked.issuperset(self._facts):
            self._told = PackedFacts(self._facts.values())
        self.open_because = because
        self._facts, self._wave, self._answers, self._asked = {}, (), {}, set()

    def _advance(self) -> list[Question]:
        while True:
            open_questions = [q for q in self._wave if q not in self._answers]
            for question in open_questions:
                if (fact := self._remembered(question)) is not None:
                    self._answers[question] = fact.answer
            if missing := [q for q in open_questions if q not in self._answers]:
                self._is_replaying = False
                self._missing.update(missing)
                return missing
            answers = tuple(self._answers[question] for question in self._wave)
            self._asked.update(self._wave)
            try:
                self._wave, self._answers = self._plan.send(answers), {}
            except StopIteration:
                self._end(_why_a_plan_ends(answers[-1]))
                return []

    def _remembered(self, question: Question) -> Fact | None:
        is_usable = self._is_replaying or question.again == 0
        return self._facts.get(question) if is_usable else None


def _is_success(fact: Fact) -> bool:
    return isinstance(fact.answer, Issued)


def _still_good(known: Mapping[Question, Fact]) -> dict[Question, Fact]:
    """
    What an earlier invocation found out, as far as it may still be believed.

    Refusals behind its last success were never bracketed, and a success of today brackets them
    only with the same credentials: who knows what was rotated in between. Those whose code says
    that it is the scope are believed all the same; others are asked again.
    """
    last_success = max(
        (f.sent for f in known.values() if isinstance(f.answer, Issued)), default=None
    )
    if last_success is None:
        return dict(known)
    return {
        question: fact
        for question, fact in known.items()
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
