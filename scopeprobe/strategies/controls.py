"""The answers so far, and what keeps them proved and the client safe (docs/design.md, rule 6)."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, count, islice
from typing import TypeAlias, TypeVar

from scopeprobe.model.answer import (
    Answer,
    GrantNotAllowed,
    Issued,
    Refusal,
    Refused,
    Subject,
    Unanswered,
    is_plain_about_scope,
    likeness,
)
from scopeprobe.model.assignment import Assignment, Proof
from scopeprobe.model.behavior import NOTHING_KNOWN
from scopeprobe.model.client import Client
from scopeprobe.model.failed_authentication import may_be_failed_authentication
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
        """The last wave that was not lost as a whole brought refusals, not of the canary alone."""
        self._most_failures = most_failures_in_a_row(assignment.client)
        self._is_wary = False
        """Some answer may have been a failed authentication."""
        self._repeats = count(1)

    def ask(self, *wave: Question) -> PlanPart[Answer]:
        """Ask one wave; return its last answer."""
        answers = yield wave
        self.answers.update(zip(wave, answers, strict=True))
        is_refused = any(map(withholds, answers))
        issued = [q for q, a in zip(wave, answers, strict=True) if isinstance(a, Issued)]
        if issued or (is_refused and not all(map(self._holds_the_canary, wave))):
            self.last_wave_refused = is_refused
        if self.success is None:
            self.success = next(iter(issued), None)
        self._is_wary |= any(map(self._may_be_a_failure, answers))
        return answers[-1]

    def learn(self, question: Question) -> PlanPart[Answer]:
        """
        Ask one question, unless it was answered already, and keep the client safe.

        Raises ControlFailed.
        """
        if (known := self.answers.get(question)) is not None:
            return known
        answer = yield from self.ask(question)
        yield from self._keep_safe()
        return answer

    def learn_all(self, questions: Iterable[Question]) -> PlanPart[None]:
        """Ask in waves, or one by one where refusals are in doubt. Raises ControlFailed."""
        left = dict.fromkeys(question for question in questions if question not in self.answers)
        while left:
            known = len(self.answers)
            yield from self.ask(*self._next_wave(left))
            if self.canary not in self.answers and self.got_through:
                yield from self.ask(self.canary)
            yield from self._keep_safe()
            for answered in islice(self.answers, known, None):
                left.pop(answered, None)

    def close(self) -> PlanPart[None]:
        """The closing control: a success after the last refusals, if there was ever one."""
        if self.success is not None and self.last_wave_refused:
            yield from self.ask(self._repeated_success())

    def confirm_canary(self) -> PlanPart[None]:
        """
        Ask for the canary a second time, a success between, where denials rest on its refusal.

        Once for a server that other clients were asked of before, so by its first client.
        """
        met = self.answers.get(self.canary)
        is_due = self._assignment.is_first or self._assignment.behavior == NOTHING_KNOWN
        if not is_due or self.success is None or met is None or not _is_unspecific(met):
            return
        if any(
            self.is_refused_like_the_canary(self.answers[Question((scope,))], [scope])
            for scope in self.refused_alone()
        ):
            if not self._has_succeeded_since(self.canary):
                yield from self.repeat_success()
            again = yield from self.ask(Question(self.canary.scopes, again=1))
            self.last_wave_refused = withholds(again)
            yield from self._keep_safe()

    def repeat_success(self) -> PlanPart[None]:
        """Ask again for what succeeded. Raises ControlFailed where that fails."""
        repeated = yield from self.ask(self._repeated_success())
        if not isinstance(repeated, Issued):
            raise ControlFailed

    def _holds_the_canary(self, question: Question) -> bool:
        """Its refusal denies nothing, and needs no success behind it."""
        return self._assignment.canary in question.asked

    # -- what keeps the client from being locked

    def _keep_safe(self) -> PlanPart[None]:
        if self.success is None:
            yield from self._prove()
        elif (
            self._refusals_since_success() >= MOST_REFUSALS_UNBRACKETED
            or self._failures_since_success() >= self._most_failures
        ):
            yield from self.repeat_success()

    def _prove(self) -> PlanPart[None]:
        """After the first failure, before anything else: what may show that it was the scope."""
        if not self._failures_since_success() or self._is_lost():
            return
        for question in self._tries():
            if question not in self.answers:
                yield from self.ask(question)
            if self.success is not None or self._is_lost():
                return

    def _is_lost(self) -> bool:
        """The last answer says nothing, or that without scope that scopes make no difference."""
        control = self.answers.get(WITHOUT_SCOPE)
        is_over = control is not None and not tells_scopes_apart(control)
        return is_over or isinstance(next(reversed(self.answers.values())), Unanswered)

    def _tries(self) -> Iterator[Question]:
        """
        What is likeliest to succeed, the likeliest first.

        The last is the canary: who fails on it as well, where good clients are refused, shows that
        the server looks at credentials first (docs/design.md, rule 7); unless it refused something
        plainly, so that a failure shows nothing.
        """
        assignment = self._assignment
        last, candidates = assignment.last_success, assignment.candidates
        if not (assignment.client.server.traits.send_scope and candidates):
            return
        if last is not None and assignment.can_ask(last):
            yield last
        if not assignment.needs_scope:
            yield WITHOUT_SCOPE
        hopeful = [scope for scope in candidates if assignment.is_hopeful(scope)]
        for scope in hopeful[:2] if assignment.needs_scope else (hopeful or candidates)[:1]:
            yield Question((scope,))
        yield WITHOUT_SCOPE
        if all(map(self._may_be_a_failure, self.answers.values())):
            yield self.canary

    def _next_wave(self, left: Iterable[Question]) -> Iterable[Question]:
        """Many at once while refusals are plain; else one, so that each can be followed up."""
        if self.success is not None and not self._is_wary:
            return islice(left, MOST_REFUSALS_UNBRACKETED - self._refusals_since_success())
        if self.success is None:
            return islice(left, 1)
        wants_success = self._failures_since_success() == self._most_failures - 1
        fitting = (q for q in left if self._likely.issuperset(q.asked) is wants_success)
        return [next(chain(fitting, left))]

    @cached_property
    def _likely(self) -> frozenset[Scope]:
        """What is expected, was granted last night, or to other clients of the server."""
        hopeful = filter(self._assignment.is_hopeful, self._assignment.candidates)
        earlier = self._assignment.behavior.earlier_clients
        return frozenset(hopeful).union(*(one.granted for one in earlier))

    def _may_be_a_failure(self, answer: Answer) -> bool:
        return may_be_failed_authentication(answer, is_proved=self.success is not None)

    def _failures_since_success(self) -> int:
        """Answers since a token was last issued that may be failed authentications."""
        failures = 0
        for answer in reversed(self.answers.values()):
            if isinstance(answer, Issued):
                break
            failures += self._may_be_a_failure(answer)
        return failures

    # -- what was answered

    @property
    def got_through(self) -> bool:
        """Some answer was not that of failed authentication."""
        return any(isinstance(answer, Issued | Refused) for answer in self.answers.values())

    def _repeated_success(self) -> Question:
        assert self.success is not None  # noqa: S101 - refusals count from the first success on
        return Question(self.success.scopes, again=next(self._repeats))

    def _has_succeeded_since(self, question: Question) -> bool:
        """A token was issued after that question was answered."""
        asked = list(self.answers)
        later = asked[asked.index(question) + 1 :]
        return any(isinstance(self.answers[one], Issued) for one in later)

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
        asked = {question: position for position, question in enumerate(self.answers)}
        first_success = asked[self.success]
        return [
            scope
            for scope in self.refused_alone()
            if not is_plain_about_scope(answer := self.answers[Question((scope,))])
            and (
                asked[Question((scope,))] < first_success
                or not self.is_refused_like_the_canary(answer, [scope])
            )
        ]

    def is_refused_like_the_canary(self, answer: Answer, scopes: Sequence[Scope]) -> bool:
        """The canary alone was refused as they were (docs/design.md, Terms)."""
        canary = self.answers.get(self.canary)
        return (
            isinstance(canary, Refusal)
            and isinstance(answer, Refusal)
            and likeness(canary, self.canary.asked) == likeness(answer, scopes)
        )


def most_failures_in_a_row(client: Client) -> int:
    """How many refusals may stand in a row: one try is left for what is known to succeed."""
    return max(client.server.limits.max_auth_failures - 1, 1)


def withholds(answer: Answer) -> bool:
    return isinstance(answer, Refusal)


def tells_scopes_apart(control: Answer) -> bool:
    """Whether a request with a scope may be answered otherwise than the one without."""
    match control:
        case Unanswered() | GrantNotAllowed() | Refused(about=Subject.TARGET):
            return False
        case _:
            return True


def _is_unspecific(answer: Answer) -> bool:
    """A refusal whose code does not say that it is the scope."""
    return withholds(answer) and not is_plain_about_scope(answer)


def _is_lone(question: Question) -> bool:
    return question.scopes is not None and len(question.scopes) == 1 and question.again == 0


def conclude(assignment: Assignment, so_far: AskedSoFar) -> PlanPart[None]:
    """Ask again what is in doubt, then for shapes, then a closing control. Raises ControlFailed."""
    twice = assignment.proof is Proof.TWICE
    doubted = so_far.doubted()
    if doubted and so_far.last_wave_refused:
        yield from so_far.repeat_success()
    again = so_far.refused_alone() if twice else doubted
    yield from so_far.learn_all(Question((scope,), again=1) for scope in again)
    yield from so_far.confirm_canary()
    yield from so_far.learn_all(Question((shape,)) for shape in assignment.shapes)
    yield from so_far.close()
