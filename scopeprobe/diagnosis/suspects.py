"""What may be wrong with how a client authenticates, as far as the inputs show a premise for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from scopeprobe.diagnosis.cases import Case
from scopeprobe.diagnosis.signs import Sign
from scopeprobe.model.client import AuthMethod
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import RequestChange

LARGEST_SKEW = 30.0
"""Seconds by which clocks may differ before assertions fail anywhere."""


@dataclass(frozen=True, slots=True)
class Suspect:
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


def suspects(case: Case, signs: Iterable[Sign], last: Experiment) -> Iterator[Suspect]:
    """All suspects, those first that settle most. A failing authentication is spent on no other."""
    said = {sign.cause: sign for sign in signs}
    for endpoint in case.endpoints:
        yield Suspect("wrong_token_endpoint", "endpoint", endpoint.url, True, stays=True)
    yield from _methods(case, said.get("wrong_auth_method"))
    if case.has_white_space:
        yield Suspect("white_space_in_credentials", "trimmed", True, True)
    if case.uses_assertion:
        yield from _assertions(case, said, last.trace.skew)
    if "dpop_required" in said and not case.client.binds_tokens:
        yield Suspect("dpop_required", "proof", True, True, stays=True)
    is_known = "unknown_client" not in said
    if case.encodes_differently:
        yield Suspect("basic_encoding", "basic_encoding", case.other_encoding, False)
    if is_known and case.methods is not None:
        for method in case.other_methods:
            if method.value in case.methods:
                yield Suspect("wrong_auth_method", "auth_method", method, False)


def _methods(case: Case, said: Sign | None) -> Iterator[Suspect]:
    """The method that the server names, or the one that metadata or pack leave over."""
    mine, able = case.client.auth_method, case.other_methods
    if said is not None and said.method is not None:
        if said.method in able:
            yield _method(said.method)
        return
    if case.methods is not None and mine.value not in case.methods:
        yield from (_method(method) for method in able[:1] if method.value in case.methods)


def _method(method: AuthMethod) -> Suspect:
    return Suspect("wrong_auth_method", "auth_method", method, True, stays=True)


def _assertions(case: Case, said: dict[str, Sign], skew: float | None) -> Iterator[Suspect]:
    if skew is not None and abs(skew) > LARGEST_SKEW:
        yield Suspect("assertion_clock_skew", "clock_shift", skew, True, stays=True)
    if case.other_audience:
        is_said = "assertion_audience" in said
        yield Suspect("assertion_audience", "assertion_audience", case.other_audience, is_said)
