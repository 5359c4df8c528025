"""Causes between the credentials and the scopes: grant, proof, audience, the shape of the body."""

from __future__ import annotations

from collections.abc import Iterator

from scopeprobe.diagnosis.causes import codes_said_of
from scopeprobe.diagnosis.observations import LikelyCause, Observations
from scopeprobe.diagnosis.outcomes import is_accepting
from scopeprobe.model.answer import GrantNotAllowed, Refused, Subject
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import AS_CONFIGURED

_NO_SUCH_GRANT = "unsupported_grant_type"
"""Also said where no grant type was found, because the body could not be read."""


def request_causes(seen: Observations) -> Iterator[LikelyCause]:
    yield from _targets(seen)
    refused = seen.control or seen.find(seen.case.wanted)
    if refused is None or is_accepting(refused.answer):
        return
    if isinstance(refused.answer, GrantNotAllowed):
        named = seen.pattern("grant_not_allowed")
        is_shown = refused is seen.control or not seen.case.wanted
        confidence = 0.95 if is_shown else 0.7
        if refused.answer.error == _NO_SUCH_GRANT:
            yield LikelyCause("body_not_form", 0.5, seen.evidence(refused))
            confidence = 0.7
        yield LikelyCause(
            "grant_not_allowed",
            confidence,
            seen.evidence(refused),
            advice=named[1].advice if named else "",
        )
        return
    evidence = list(_named(seen, refused))
    yield from evidence
    is_minimal = refused is seen.control and refused.question.change == AS_CONFIGURED
    if not evidence and is_minimal and _is_malformed(refused):
        yield LikelyCause("body_not_form", 0.5, seen.evidence(refused))


def _is_malformed(refused: Experiment) -> bool:
    """The least request there is, and still the server finds it invalid."""
    answer = refused.answer
    is_silent = isinstance(answer, Refused) and answer.about is Subject.UNSAID
    return is_silent and getattr(answer, "error", "") == "invalid_request"


def _named(seen: Observations, refused: Experiment) -> Iterator[LikelyCause]:
    for code in codes_said_of("request"):
        found = seen.pattern(code)
        if found is None or not (isinstance(refused.answer, Refused) or code == "dpop_required"):
            continue
        experiment, pattern = found
        if experiment.question.change == seen.base:
            evidence = (*seen.evidence(experiment), f"words of {pattern.servers}")
            yield LikelyCause(code, pattern.confidence, evidence, advice=pattern.advice)
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
