"""Experiments between credentials and scopes: a proof of possession, an audience, a resource."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from msgspec.structs import replace

from scopeprobe.diagnosis.case import Case
from scopeprobe.diagnosis.error_patterns import patterns_in
from scopeprobe.diagnosis.hypotheses import Hypothesis
from scopeprobe.diagnosis.investigation import Investigation
from scopeprobe.diagnosis.outcomes import (
    is_accepting,
    is_failure,
    is_past_credentials,
    is_refused_for_no_scope,
    may_be_about_the_body,
)
from scopeprobe.model.answer import GrantNotAllowed
from scopeprobe.model.experiment import Experiment, ExperimentPlan
from scopeprobe.model.question import Question, RequestChange

_MOST_DEMANDS = 3
OTHER_BODIES = ("application/json", "application/x-www-form-urlencoded; charset=utf-8")
_TARGETS = (("audience_required", "audience"), ("resource_required", "resource"))


def get_past_request(investigation: Investigation) -> ExperimentPlan:
    """Give the server what it demands, one thing after the other: each may hide the next."""
    for _ in range(_MOST_DEMANDS):
        control = yield from _least(investigation)
        if control is None or is_accepting(control.answer):
            return
        change = _demanded(investigation, _causes_said_in(control))
        if change is None and may_be_about_the_body(control):
            wanted = investigation.known(Question(investigation.case.wanted or None))
            control = yield from with_another_body(investigation, wanted or control)
            if control is None or control.question.change.content_type:
                return
        if change is None:
            if isinstance(control.answer, GrantNotAllowed):
                investigation.refusal_behind_scopes = control.answer
            return
        mended = yield from investigation.ask(None, change)
        if mended is not None and is_failure(mended):
            lone = investigation.case.hopeful_scopes[:1]
            mended = yield from investigation.ask(lone, change)
        if mended is None or mended.answer == control.answer:
            return
        investigation.rebase(change, mended)


def _least(
    investigation: Investigation,
) -> Generator[Question, Experiment, Experiment | None]:
    """
    The request without scope; on a server that rejects it for that, the one with all.

    What the one with all is refused for in plain words needs no other to show it.
    """
    whole = investigation.known(
        Question(investigation.case.wanted or None, change=investigation.base)
    )
    if whole is not None and _demanded(investigation, _causes_said_in(whole)) is not None:
        return whole
    control = yield from investigation.ask(None)
    if control is None or whole is None or not is_failure(control):
        return control
    return whole if is_refused_for_no_scope(whole) else control


def with_another_body(
    investigation: Investigation, refused: Experiment
) -> Generator[Question, Experiment, Experiment | None]:
    """Write the same request as JSON, and as a form by another name, until it can be read."""
    for content_type in OTHER_BODIES:
        change = replace(investigation.base, content_type=content_type)
        experiment = yield from investigation.ask(refused.question.scopes, change)
        if experiment is None:
            return None
        if is_past_credentials(experiment) and not may_be_about_the_body(experiment):
            investigation.rebase(change, experiment)
            return experiment
    return refused


def _causes_said_in(experiment: Experiment) -> set[str]:
    return {pattern.cause for pattern in patterns_in(experiment)}


def _demanded(investigation: Investigation, causes: set[str]) -> RequestChange | None:
    """The change that the server asks for, where it can be made."""
    case, base = investigation.case, investigation.base
    if "dpop_required" in causes and not (case.client.binds_tokens or base.proof):
        return Hypothesis("proof", True).applied(base)
    for cause, name in _TARGETS:
        if cause in causes and not base.added:
            for value in _other_targets(case, name):
                return Hypothesis("added", ((name, value),)).applied(base)
    return None


def _other_targets(case: Case, name: str) -> Iterator[str]:
    for target in case.client.targets:
        value = getattr(target, name)
        if value and value != getattr(case.target, name):
            yield value
