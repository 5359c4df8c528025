"""One diagnosis while it goes on: no question is asked twice, and no budget is overdrawn."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

from msgspec.structs import replace

from scopeprobe.diagnosis.case import Case
from scopeprobe.diagnosis.error_patterns import ErrorPattern, patterns_in
from scopeprobe.diagnosis.outcomes import failures_in, is_accepting
from scopeprobe.model.answer import Answer, Issued, alike
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import AS_CONFIGURED, Question, RequestChange
from scopeprobe.model.scope_names import Scope

Asking: TypeAlias = Generator[Question, Experiment, Experiment | None]
"""Gives the experiment; None where a budget forbids it."""


class Investigation:
    """What was asked and answered so far, and the change that further questions build on."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.log: list[Experiment] = []
        self.base: RequestChange = AS_CONFIGURED
        """The change that all further questions have."""
        self.is_authenticated = False
        """The server accepted these credentials."""
        self.refusal_behind_scopes: Answer | None = None
        """How the server refuses a request whose scopes it accepted: it allows no such grant."""
        self.spared = 0
        """Failed authentications that are kept for a later question."""

    def ask(self, scopes: tuple[Scope, ...] | None, change: RequestChange | None = None) -> Asking:
        """Ask, or remember what was answered to the same question."""
        question = Question(scopes or None, change=self.base if change is None else change)
        if (known := self.known(question)) is not None:
            return known
        if not self.may_ask:
            return None
        experiment = yield question
        self.log.append(experiment)
        if is_accepting(experiment.answer) and question.change == self.base:
            self.is_authenticated = True
        return experiment

    def ask_what_may_fail(self, scopes: tuple[Scope, ...] | None, change: RequestChange) -> Asking:
        """Ask, unless the budget of failed authentications is spent."""
        is_known = self.known(Question(scopes, change=change)) is not None
        if not is_known and self.failures_left <= 0:
            return None
        return (yield from self.ask(scopes, change))

    def rebase(self, change: RequestChange, better: Experiment) -> None:
        """Build all further questions on a change; the experiment shows what came of it."""
        self.base, self.is_authenticated = change, is_accepting(better.answer)

    def again(self, experiment: Experiment) -> Asking:
        """Ask the same once more: a closing control."""
        if not self.may_ask:
            return None
        question = replace(experiment.question, again=experiment.question.again + 1)
        repeated = yield question
        self.log.append(repeated)
        return repeated

    def known(self, question: Question) -> Experiment | None:
        return next((e for e in self.log if e.question == question), None)

    @property
    def last_at_base(self) -> Experiment | None:
        return next((e for e in reversed(self.log) if e.question.change == self.base), None)

    @property
    def may_ask(self) -> bool:
        """Whether the budgets of requests and of failed authentications leave room."""
        left = len(self.log) < self.case.most_requests
        return left and (self.is_authenticated or self.failures_left > 0)

    @property
    def failures_left(self) -> int:
        """Failed authentications that may still be spent, here and now."""
        spent = self.case.known.failures_spent + self.failures
        return self.case.most_failures - spent - self.spared

    @property
    def failures(self) -> int:
        """Failed authentications that no success shows to have been something else."""
        return len(failures_in(self.log))

    def accepts(self, experiment: Experiment) -> bool:
        """Whether the scopes of a request were accepted, be it refused for something else."""
        if isinstance(experiment.answer, Issued):
            return True
        return self.refusal_behind_scopes is not None and alike(
            experiment.answer, self.refusal_behind_scopes
        )

    def patterns(self) -> tuple[ErrorPattern, ...]:
        """What all answers so far say in words that are known, the newest first."""
        return tuple(pattern for e in reversed(self.log) for pattern in patterns_in(e))
