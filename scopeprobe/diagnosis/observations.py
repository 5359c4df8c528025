"""The log of a diagnosis, as the generators of causes read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from msgspec.structs import replace

from scopeprobe.diagnosis.case import Case
from scopeprobe.diagnosis.confidence import Sign
from scopeprobe.diagnosis.describe import evidence
from scopeprobe.diagnosis.error_patterns import ErrorPattern, patterns_in
from scopeprobe.diagnosis.outcomes import (
    is_accepting,
    is_failure,
    is_past_credentials,
    is_refused_for_no_scope,
)
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import AS_CONFIGURED, RequestChange
from scopeprobe.model.scope_names import Scope


@dataclass(frozen=True, slots=True)
class LikelyCause:
    """A cause, before it is weighed against its rivals and its next step is written."""

    code: str
    signs: tuple[Sign, ...]
    evidence: tuple[str, ...]
    failure: str = ""
    """What it explains: causes of one failure are rivals. Empty: it has none."""
    scopes: tuple[Scope, ...] = ()
    is_kept: bool = False
    """Named however unlikely, because nothing rules it out."""
    advice: str = ""
    """What the next step says beside the usual."""
    value: Any = None
    """The value of the change that takes the cause away, where one does."""

    @property
    def is_proved(self) -> bool:
        return any(sign.is_proof for sign in self.signs)


@dataclass(frozen=True)
class Observations:
    """A case and its log."""

    case: Case
    log: tuple[Experiment, ...]

    @cached_property
    def base(self) -> RequestChange:
        """
        The change of the last request that got past the credentials; none if none did.

        What stands between scopes is no part of it: it is compared where two scopes are refused.
        """
        better = (e.question.change for e in reversed(self.log) if is_past_credentials(e))
        return next((change for change in better if not change.scope_separator), AS_CONFIGURED)

    @cached_property
    def is_authenticated(self) -> bool:
        """A token was issued to these credentials."""
        return any(is_accepting(e.answer) for e in self.at_base())

    def at_base(self) -> Iterator[Experiment]:
        return (e for e in self.log if e.question.change == self.base)

    def find(self, scopes: tuple[Scope, ...] | None) -> Experiment | None:
        """The experiment with these scopes under the base."""
        return next((e for e in self.at_base() if e.question.scopes == (scopes or None)), None)

    @cached_property
    def control(self) -> Experiment | None:
        """The request without scope under the base."""
        return self.find(None)

    @cached_property
    def least(self) -> Experiment | None:
        """The request without scope; where it is rejected for that alone, the one with all."""
        whole = self.find(self.case.wanted)
        if self.control is None:
            return whole
        if whole is None or not is_failure(self.control) or not is_refused_for_no_scope(whole):
            return self.control
        return whole

    @cached_property
    def canary(self) -> Experiment | None:
        return self.find((self.case.client.canary,))

    def evidence(self, *experiments: Experiment) -> tuple[str, ...]:
        """Experiments in words, in the order of asking."""
        numbers = sorted({self.log.index(e) for e in experiments})
        return tuple(evidence(number + 1, self.log[number]) for number in numbers)

    def pair(
        self,
        member: str,
        is_worse: Callable[[Experiment], bool],
        is_better: Callable[[Experiment], bool],
    ) -> tuple[Experiment, Experiment] | None:
        """Two experiments that differ in one member of their change only, and in the outcome."""
        plain = getattr(AS_CONFIGURED, member)
        for better in self.log:
            change = better.question.change
            if getattr(change, member) == plain or not is_better(better):
                continue
            without = replace(change, **{member: plain})
            for worse in self.log:
                same = worse.question.scopes == better.question.scopes
                if same and worse.question.change == without and is_worse(worse):
                    return worse, better
        return None

    @cached_property
    def patterns(self) -> tuple[tuple[Experiment, ErrorPattern], ...]:
        return tuple((e, pattern) for e in self.log for pattern in patterns_in(e))

    def pattern(self, cause: str) -> tuple[Experiment, ErrorPattern] | None:
        """Where a server says so in its own words, the surest."""
        said = [(e, pattern) for e, pattern in self.patterns if pattern.cause == cause]
        return max(said, key=lambda pair: pair[1].confidence, default=None)
