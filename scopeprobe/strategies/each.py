"""One request per candidate: the reference that every other strategy must agree with."""

from __future__ import annotations

from collections.abc import Generator
from itertools import count

from scopeprobe.model.answers import (
    WITHOUT_SCOPE,
    Answer,
    GrantNotAllowed,
    Issued,
    Question,
    Refused,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.clients import Scope
from scopeprobe.model.plans import Assignment, Plan

MOST_REFUSALS_UNBRACKETED = 25
"""Refusals without a success, after which one that succeeded before is asked again (rule 3)."""


def each(assignment: Assignment) -> Plan:
    """
    Ask without scope, for the canary, then for every candidate alone.

    A request that succeeded is repeated after 25 refusals without a success, and at the end when
    the last wave brought refusals. Where the request without scope brings no token, the most
    hopeful candidates come first and the canary waits: a server may want a scope, and the few tries
    that credentials have must not be spent on one that nobody has.
    """
    heard = _Heard(assignment)
    control = yield from heard.ask(WITHOUT_SCOPE)
    if isinstance(control, Unanswered | GrantNotAllowed):
        return
    candidates = list(assignment.candidates)
    if isinstance(control, Issued):
        yield from heard.ask(heard.canary)
    else:
        candidates.sort(key=assignment.is_hopeful, reverse=True)
    while candidates:
        size = MOST_REFUSALS_UNBRACKETED - heard.refusals_since_success()
        wave, candidates = candidates[:size], candidates[size:]
        yield from heard.ask(*(Question((scope,)) for scope in wave))
        if heard.canary not in heard.answers and heard.got_through:
            yield from heard.ask(heard.canary)
        if heard.refusals_since_success() == MOST_REFUSALS_UNBRACKETED:
            repeated = yield from heard.ask(heard.repeated_success())
            if not isinstance(repeated, Issued):
                return
    if doubted := heard.doubted():
        yield from heard.ask(*(Question((scope,), again=1) for scope in doubted))
    if heard.success and heard.last_wave_refused:
        yield from heard.ask(heard.repeated_success())


class _Heard:
    """All that was answered so far, in the order of the questions."""

    def __init__(self, assignment: Assignment) -> None:
        self.canary = Question((assignment.canary,))
        self.answers: dict[Question, Answer] = {}
        self.success: Question | None = None
        """The first question that was answered with a token."""
        self.last_wave_refused = False
        self._repeats = count(1)

    def ask(
        self, *wave: Question
    ) -> Generator[tuple[Question, ...], tuple[Answer, ...], Answer | None]:
        """Ask one wave; return its last answer."""
        answers = yield wave
        self.answers.update(zip(wave, answers, strict=True))
        if wave != (self.canary,):
            self.last_wave_refused = any(map(_withholds, answers))
        if self.success is None:
            issued = (q for q, a in zip(wave, answers, strict=True) if isinstance(a, Issued))
            self.success = next(issued, None)
        return answers[-1]

    @property
    def got_through(self) -> bool:
        """Some answer was not that of failed authentication."""
        return any(isinstance(answer, Issued | Refused) for answer in self.answers.values())

    def repeated_success(self) -> Question:
        assert self.success is not None  # noqa: S101 - refusals count from the first success on
        return Question(self.success.scopes, again=next(self._repeats))

    def refusals_since_success(self) -> int:
        """How many candidates were refused since a token was last issued; 0 before the first."""
        if self.success is None:
            return 0
        refusals = 0
        for question, answer in reversed(self.answers.items()):
            if isinstance(answer, Issued):
                break
            refusals += _withholds(answer) and question not in {self.canary, WITHOUT_SCOPE}
        return min(refusals, MOST_REFUSALS_UNBRACKETED)

    def doubted(self) -> list[Scope]:
        """
        Scopes that met failed authentication for which something else may be to blame.

        Before the first success it may have been the credentials; where the canary met another
        answer it may have been a moment's fault of the server.
        """
        if self.success is None:
            return []
        met_by_canary = self.answers.get(self.canary)
        asked = list(self.answers)
        first_success = asked.index(self.success)
        return [
            scope
            for position, question in enumerate(asked)
            if isinstance(answer := self.answers[question], Unauthenticated)
            and question not in {self.canary, WITHOUT_SCOPE}
            and not question.again
            and (position < first_success or answer != met_by_canary)
            for scope in question.scopes or ()
        ]


def _withholds(answer: Answer) -> bool:
    return isinstance(answer, Refused | Unauthenticated | GrantNotAllowed)
