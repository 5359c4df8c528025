"""Causes between the credentials and the scopes: grant, proof, audience, the shape of the body."""

from __future__ import annotations

from collections.abc import Iterator

from scopeprobe.diagnosis.observations import LikelyCause, Observations
from scopeprobe.diagnosis.outcomes import is_accepting
from scopeprobe.model.answer import GrantNotAllowed, Refused, Subject
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import AS_CONFIGURED

_TOLD = ("body_not_form", "dpop_required", "audience_required", "resource_required")
_NO_SUCH_GRANT = "unsupported_grant_type"
"""Also said where no grant type was found, because the body could not be read."""


def request_causes(seen: Observations) -> Iterator[LikelyCause]:
    yield from _targets(seen)
    wall = seen.control or seen.find(seen.case.wanted)
    if wall is None or is_accepting(wall.answer):
        return
    if isinstance(wall.answer, GrantNotAllowed):
        said = seen.pattern("grant_not_allowed")
        is_shown = wall is seen.control or not seen.case.wanted
        confidence = 0.95 if is_shown else 0.7
        if wall.answer.error == _NO_SUCH_GRANT:
            yield LikelyCause("body_not_form", 0.5, seen.evidence(wall))
            confidence = 0.7
        yield LikelyCause(
            "grant_not_allowed", confidence, seen.evidence(wall), tell=said[1].tell if said else ""
        )
        return
    evidence = list(_told(seen, wall))
    yield from evidence
    is_minimal = wall is seen.control and wall.question.change == AS_CONFIGURED
    if not evidence and is_minimal and _is_malformed(wall):
        yield LikelyCause("body_not_form", 0.5, seen.evidence(wall))


def _is_malformed(wall: Experiment) -> bool:
    """The least request there is, and still the server finds it invalid."""
    answer = wall.answer
    is_silent = isinstance(answer, Refused) and answer.about is Subject.UNSAID
    return is_silent and getattr(answer, "error", "") == "invalid_request"


def _told(seen: Observations, wall: Experiment) -> Iterator[LikelyCause]:
    for code in _TOLD:
        said = seen.pattern(code)
        if said is None or not (isinstance(wall.answer, Refused) or code == "dpop_required"):
            continue
        experiment, pattern = said
        if experiment.question.change == seen.base:
            evidence = (*seen.evidence(experiment), f"words of {pattern.said_by}")
            yield LikelyCause(code, pattern.confidence, evidence, tell=pattern.tell)
            return


def _targets(seen: Observations) -> Iterator[LikelyCause]:
    """An audience or resource that was added, and then the request was accepted."""
    if seen.base.added == AS_CONFIGURED.added:
        return
    pair = seen.pair(
        "added", lambda e: not is_accepting(e.answer), lambda e: is_accepting(e.answer)
    )
    (name, _), *_ = seen.base.added
    evidence = seen.evidence(*pair) if pair else seen.evidence(*list(seen.at_base())[:1])
    confidence = 0.97 if pair else 0.75
    yield LikelyCause(f"{name}_required", confidence, evidence, value=seen.base.added)
