"""What may be wrong with how a client authenticates, as far as the inputs show a premise for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from scopeprobe.diagnosis.case import Case
from scopeprobe.diagnosis.error_patterns import ErrorPattern
from scopeprobe.diagnosis.outcomes import is_failure
from scopeprobe.model.client import AuthMethod
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import AS_CONFIGURED, RequestChange

LARGEST_SKEW = 30.0
"""Seconds by which clocks may differ before assertions fail anywhere."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Requests would fare better if this member of their change had this value."""

    member: str
    value: Any
    is_strong: bool = False
    """Tried before the request without scope, because hardly anything else can be wrong."""
    stays: bool = False
    """Kept where it does not help by itself: the server, its metadata or its pack demands it."""

    def applied(self, change: RequestChange) -> RequestChange:
        return replace(change, **{self.member: self.value})

    def taken_back(self, change: RequestChange) -> RequestChange:
        """The same change, with the member as configured."""
        return replace(change, **{self.member: getattr(AS_CONFIGURED, self.member)})

    def is_in(self, change: RequestChange) -> bool:
        return bool(getattr(change, self.member) == self.value)


def hypotheses(
    case: Case, patterns: Iterable[ErrorPattern], last: Experiment
) -> Iterator[Hypothesis]:
    """What to try, the likeliest first: a failed authentication is spent on nothing else."""
    named = {pattern.cause: pattern for pattern in patterns}
    for endpoint in case.endpoints:
        yield Hypothesis("endpoint", endpoint.url, is_strong=True, stays=True)
    yield from _methods(case, named.get("wrong_auth_method"))
    if case.has_white_space:
        yield Hypothesis("trimmed", True, is_strong=True)
    if case.uses_assertion:
        yield from _assertions(case, last.trace.skew, is_named="assertion_audience" in named)
    if "dpop_required" in named and not case.client.binds_tokens:
        yield Hypothesis("proof", True, is_strong=True, stays=True)
    is_known = "unknown_client" not in named
    if case.encodes_differently:
        yield Hypothesis("basic_encoding", case.other_encoding)
    if is_known:
        for method in _other_methods(case, named.values(), last):
            yield Hypothesis("auth_method", method)


def _methods(case: Case, named: ErrorPattern | None) -> Iterator[Hypothesis]:
    """The method that the server names, or the one that metadata or pack leave over."""
    mine, able = case.client.auth_method, case.other_methods
    if named is not None and named.method is not None:
        if named.method in able:
            yield demanded_method(named.method)
        return
    if case.methods is not None and mine.value not in case.methods:
        yield from (demanded_method(method) for method in able[:1] if method.value in case.methods)


def _other_methods(
    case: Case, said: Iterable[ErrorPattern], last: Experiment
) -> Iterator[AuthMethod]:
    """Those that are named to be taken; where nobody names any and nothing plain is said, one."""
    if case.methods is not None:
        yield from (method for method in case.other_methods if method.value in case.methods)
    elif is_failure(last) and not any(pattern.sign.is_proof for pattern in said):
        yield from case.other_methods[:1]


def demanded_method(method: AuthMethod) -> Hypothesis:
    """The server, its metadata or its pack wants this method."""
    return Hypothesis("auth_method", method, is_strong=True, stays=True)


def _assertions(case: Case, skew: float | None, *, is_named: bool) -> Iterator[Hypothesis]:
    if skew is not None and abs(skew) > LARGEST_SKEW:
        yield Hypothesis("clock_shift", skew, is_strong=True, stays=True)
    if case.other_audience:
        yield Hypothesis("assertion_audience", case.other_audience, is_strong=is_named)
