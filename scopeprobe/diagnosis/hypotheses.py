"""What may be wrong with how a client authenticates, as far as the inputs show a premise for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from scopeprobe.diagnosis.case import Case
from scopeprobe.diagnosis.error_patterns import ErrorPattern
from scopeprobe.model.client import AuthMethod
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import RequestChange

LARGEST_SKEW = 30.0
"""Seconds by which clocks may differ before assertions fail anywhere."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A cause, and the one member of a change that would take it away."""

    cause: str
    member: str
    value: Any
    is_strong: bool
    """It is tried before the request without scope: hardly anything else can be meant."""
    stays: bool = False
    """What the server, its metadata or its pack demands: kept also where it is not enough."""

    def applied(self, change: RequestChange) -> RequestChange:
        return replace(change, **{self.member: self.value})

    def is_in(self, change: RequestChange) -> bool:
        return bool(getattr(change, self.member) == self.value)


def hypotheses(
    case: Case, patterns: Iterable[ErrorPattern], last: Experiment
) -> Iterator[Hypothesis]:
    """All suspects, those first that settle most. A failing authentication is spent on no other."""
    said = {pattern.cause: pattern for pattern in patterns}
    for endpoint in case.endpoints:
        yield Hypothesis("wrong_token_endpoint", "endpoint", endpoint.url, True, stays=True)
    yield from _methods(case, said.get("wrong_auth_method"))
    if case.has_white_space:
        yield Hypothesis("white_space_in_credentials", "trimmed", True, True)
    if case.uses_assertion:
        yield from _assertions(case, said, last.trace.skew)
    if "dpop_required" in said and not case.client.binds_tokens:
        yield Hypothesis("dpop_required", "proof", True, True, stays=True)
    is_known = "unknown_client" not in said
    if case.encodes_differently:
        yield Hypothesis("basic_encoding", "basic_encoding", case.other_encoding, False)
    if is_known and case.methods is not None:
        for method in case.other_methods:
            if method.value in case.methods:
                yield Hypothesis("wrong_auth_method", "auth_method", method, False)


def _methods(case: Case, said: ErrorPattern | None) -> Iterator[Hypothesis]:
    """The method that the server names, or the one that metadata or pack leave over."""
    mine, able = case.client.auth_method, case.other_methods
    if said is not None and said.method is not None:
        if said.method in able:
            yield _method(said.method)
        return
    if case.methods is not None and mine.value not in case.methods:
        yield from (_method(method) for method in able[:1] if method.value in case.methods)


def _method(method: AuthMethod) -> Hypothesis:
    return Hypothesis("wrong_auth_method", "auth_method", method, True, stays=True)


def _assertions(
    case: Case, said: dict[str, ErrorPattern], skew: float | None
) -> Iterator[Hypothesis]:
    if skew is not None and abs(skew) > LARGEST_SKEW:
        yield Hypothesis("assertion_clock_skew", "clock_shift", skew, True, stays=True)
    if case.other_audience:
        is_said = "assertion_audience" in said
        yield Hypothesis("assertion_audience", "assertion_audience", case.other_audience, is_said)
