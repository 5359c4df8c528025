"""Causes between the credentials and the scopes: grant, proof, audience, the shape of the body."""

from __future__ import annotations

from collections.abc import Iterator

from scopeprobe.diagnosis.causes import codes_said_of
from scopeprobe.diagnosis.causes.rejected import CONTROL
from scopeprobe.diagnosis.confidence import Sign
from scopeprobe.diagnosis.observations import LikelyCause, Observations
from scopeprobe.diagnosis.outcomes import is_accepting
from scopeprobe.model.answer import GrantNotAllowed, Refused, Subject
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import AS_CONFIGURED
from scopeprobe.oauth.error_texts import speaks_of

_NO_SUCH_GRANT = "unsupported_grant_type"
"""Also said where no grant type was found, because the body could not be read."""


def request_causes(seen: Observations) -> Iterator[LikelyCause]:
    yield from _targets(seen)
    refused = seen.least
    if refused is None or is_accepting(refused.answer):
        return
    if isinstance(refused.answer, GrantNotAllowed):
        yield from _of_the_grant(seen, refused, refused.answer)
        return
    evidence = list(_named(seen, refused))
    yield from evidence
    is_minimal = refused is seen.control and refused.question.change == AS_CONFIGURED
    if not evidence and is_minimal and _is_malformed(refused):
        yield _rival(seen, refused, "body_not_form", "invalid_and_minimal")


def _of_the_grant(
    seen: Observations, refused: Experiment, answer: GrantNotAllowed
) -> Iterator[LikelyCause]:
    """The grant is not allowed; a code by itself may be about other things."""
    named = seen.pattern("grant_not_allowed")
    advice = named[1].advice if named else ""
    if answer.error == _NO_SUCH_GRANT:
        yield _rival(seen, refused, "grant_not_allowed", "no_such_grant", advice)
        yield _rival(seen, refused, "body_not_form", "no_grant_found")
    elif "grant" in answer.description.casefold() or speaks_of("grant", answer.description):
        yield _rival(seen, refused, "grant_not_allowed", "grant_in_words", advice)
    else:
        yield _rival(seen, refused, "grant_not_allowed", "grant_by_its_code", advice)
        yield _rival(seen, refused, "secret_rejected", "code_without_words")
        yield _rival(seen, refused, "unknown_client", "code_without_words")


def _rival(
    seen: Observations, refused: Experiment, code: str, sign: str, advice: str = ""
) -> LikelyCause:
    return LikelyCause(code, (Sign(sign),), seen.evidence(refused), CONTROL, advice=advice)


def _is_malformed(refused: Experiment) -> bool:
    """The least request there is, and the server finds it invalid without saying why."""
    answer = refused.answer
    if not isinstance(answer, Refused) or answer.description:
        return False
    return answer.about is Subject.UNSAID and answer.error == "invalid_request"


def _named(seen: Observations, refused: Experiment) -> Iterator[LikelyCause]:
    for code in codes_said_of("request"):
        found = seen.pattern(code)
        if found is None or not (isinstance(refused.answer, Refused) or code == "dpop_required"):
            continue
        experiment, pattern = found
        if experiment.question.change == seen.base:
            evidence = (*seen.evidence(experiment), f"words of {pattern.servers}")
            signs = (pattern.sign,)
            yield LikelyCause(code, signs, evidence, CONTROL, advice=pattern.advice)
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
    signs = (Sign("mended" if pair else "mended_with_others"),)
    yield LikelyCause(f"{name}_required", signs, evidence, value=seen.base.added)
