"""Causes between the credentials and the scopes: grant, proof, audience, the shape of the body."""

from __future__ import annotations

from collections.abc import Iterator

from scopeprobe.diagnosis.desk import is_accepting
from scopeprobe.diagnosis.view import Found, View
from scopeprobe.model.answers import AS_CONFIGURED, GrantNotAllowed, Refused
from scopeprobe.model.experiments import Experiment

_TOLD = ("body_not_form", "dpop_required", "audience_required", "resource_required")


def wall_causes(view: View) -> Iterator[Found]:
    yield from _targets(view)
    wall = view.control or view.find(view.case.wanted)
    if wall is None or is_accepting(wall.answer):
        return
    if isinstance(wall.answer, GrantNotAllowed):
        said = view.sign("grant_not_allowed")
        confidence = 0.95 if wall is view.control or not view.case.wanted else 0.7
        yield Found(
            "grant_not_allowed", confidence, view.told(wall), tell=said[1].tell if said else ""
        )
        return
    yield from _told(view, wall)


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
