"""Causes between the credentials and the scopes: grant, proof, audience, the shape of the body."""

from __future__ import annotations

from collections.abc import Iterator

from scopeprobe.diagnosis.desk import is_accepting
from scopeprobe.diagnosis.view import Found, View
from scopeprobe.model.answer import GrantNotAllowed, Refused, Subject
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import AS_CONFIGURED

_TOLD = ("body_not_form", "dpop_required", "audience_required", "resource_required")
_NO_SUCH_GRANT = "unsupported_grant_type"
"""Also said where no grant type was found, because the body could not be read."""


def wall_causes(view: View) -> Iterator[Found]:
    yield from _targets(view)
    wall = view.control or view.find(view.case.wanted)
    if wall is None or is_accepting(wall.answer):
        return
    if isinstance(wall.answer, GrantNotAllowed):
        said = view.sign("grant_not_allowed")
        is_shown = wall is view.control or not view.case.wanted
        confidence = 0.95 if is_shown else 0.7
        if wall.answer.error == _NO_SUCH_GRANT:
            yield Found("body_not_form", 0.5, view.told(wall))
            confidence = 0.7
        yield Found(
            "grant_not_allowed", confidence, view.told(wall), tell=said[1].tell if said else ""
        )
        return
    told = list(_told(view, wall))
    yield from told
    is_minimal = wall is view.control and wall.question.change == AS_CONFIGURED
    if not told and is_minimal and _is_malformed(wall):
        yield Found("body_not_form", 0.5, view.told(wall))


def _is_malformed(wall: Experiment) -> bool:
    """The least request there is, and still the server finds it invalid."""
    answer = wall.answer
    is_silent = isinstance(answer, Refused) and answer.about is Subject.UNSAID
    return is_silent and getattr(answer, "error", "") == "invalid_request"


def _told(view: View, wall: Experiment) -> Iterator[Found]:
    for code in _TOLD:
        said = view.sign(code)
        if said is None or not (isinstance(wall.answer, Refused) or code == "dpop_required"):
            continue
        experiment, sign = said
        if experiment.question.change == view.base:
            evidence = (*view.told(experiment), f"words of {sign.said_by}")
            yield Found(code, sign.confidence, evidence, tell=sign.tell)
            return


def _targets(view: View) -> Iterator[Found]:
    """An audience or resource that was added, and then the request was accepted."""
    if view.base.added == AS_CONFIGURED.added:
        return
    pair = view.pair(
        "added", lambda e: not is_accepting(e.answer), lambda e: is_accepting(e.answer)
    )
    (name, _), *_ = view.base.added
    evidence = view.told(*pair) if pair else view.told(*list(view.at_base())[:1])
    confidence = 0.97 if pair else 0.75
    yield Found(f"{name}_required", confidence, evidence, value=view.base.added)
