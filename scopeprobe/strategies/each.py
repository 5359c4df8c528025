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
    Refusal,
    Refused,
    Subject,
    Unanswered,
    alike,
    is_plain_about_scope,
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
    that credentials have must not be spent on one that nobody has. Where scopes are not sent, the
    request without is all there is to ask.
    """
    heard = _Heard(assignment)
    candidates = list(assignment.candidates)
    if assignment.was_unauthenticated and (hopeful := assignment.most_hopeful):
        yield from heard.ask(Question((hopeful,)))
        candidates.remove(hopeful)
    control = yield from heard.ask(WITHOUT_SCOPE)
    if not (assignment.client.server.send_scope and _tells_scopes_apart(control)):
        return
    if isinstance(control, Issued):
        yield from heard.ask(heard.canary)
    else:
        candidates.sort(key=assignment.is_hopeful, reverse=True)
    yield from heard.ask_bracketed([Question((scope,)) for scope in candidates])
    yield from heard.ask_bracketed([Question((scope,), again=1) for scope in heard.doubted()])
    yield from heard.ask_bracketed([Question((shape,)) for shape in assignment.shapes])
    if heard.success and heard.last_wave_refused and not heard.is_let_down:
        yield from heard.ask(heard.repeated_success())


def _tells_scopes_apart(control: Answer | None) -> bool:
    """Whether a request with a scope can fare otherwise than the one without."""
    match control:
        case Unanswered() | GrantNotAllowed() | Refused(about=Subject.TARGET):
            return False
        case _:
            return True


class _Heard:
    """All that was answered so far, in the order of the questions."""

    def __init__(self, assignment: Assignment) -> None:
        self.canary = Question((assignment.canary,))
        self.answers: dict[Question, Answer] = {}
        self.success: Question | None = None
        """The first question that was answered with a token."""
        self.last_wave_refused = False
        self.is_let_down = False
        """A request that had succeeded failed when it was repeated."""
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

    def ask_bracketed(
        self, questions: list[Question]
    ) -> Generator[tuple[Question, ...], tuple[Answer, ...], None]:
        """Ask in waves, and repeat a success after 25 refusals; stop where that fails."""
        while questions and not self.is_let_down:
            size = MOST_REFUSALS_UNBRACKETED - self.refusals_since_success()
            wave, questions = questions[:size], questions[size:]
            yield from self.ask(*wave)
            if self.canary not in self.answers and self.got_through:
                yield from self.ask(self.canary)
            if self.refusals_since_success() == MOST_REFUSALS_UNBRACKETED:
                repeated = yield from self.ask(self.repeated_success())
                self.is_let_down = not isinstance(repeated, Issued)

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
        Scopes that met an answer for which something else may be to blame.

        Its code does not say that it is the scope, and either it came before the first success, or
        the canary met another one: it may have been a lock, a gateway, a throttle in disguise.
        """
        if self.success is None or self.is_let_down:
            return []
        met_by_canary = self.answers.get(self.canary)
        asked = list(self.answers)
        first_success = asked.index(self.success)
        return [
            scope
            for position, question in enumerate(asked)
            if _withholds(answer := self.answers[question])
            and not is_plain_about_scope(answer)
            and question not in {self.canary, WITHOUT_SCOPE}
            and (position < first_success or not alike(answer, met_by_canary))
            for scope in question.scopes or ()
        ]


def _withholds(answer: Answer) -> bool:
    return isinstance(answer, Refusal)
