"""Experiments between credentials and scopes: a proof of possession, an audience, a resource."""

from __future__ import annotations

from collections.abc import Iterator

from scopeprobe.diagnosis.case import Case
from scopeprobe.diagnosis.error_patterns import patterns_in
from scopeprobe.diagnosis.hypotheses import Hypothesis
from scopeprobe.diagnosis.investigation import Investigation
from scopeprobe.diagnosis.outcomes import is_accepting
from scopeprobe.model.answer import GrantNotAllowed
from scopeprobe.model.experiment import ExperimentPlan
from scopeprobe.model.question import RequestChange

_MOST_DEMANDS = 3
_TARGETS = (("audience_required", "audience"), ("resource_required", "resource"))


def get_past_request(investigation: Investigation) -> ExperimentPlan:
    """Give the server what it demands, one thing after the other: each may hide the next."""
    for _ in range(_MOST_DEMANDS):
        control = yield from investigation.ask(None)
        if control is None or is_accepting(control.answer):
            return
        change = _demanded(investigation, {pattern.cause for pattern in patterns_in(control)})
        if change is None:
            if isinstance(control.answer, GrantNotAllowed):
                investigation.refusal_behind_scopes = control.answer
            return
        mended = yield from investigation.ask(None, change)
        if mended is None or mended.answer == control.answer:
            return
        investigation.rebase(change, mended)


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
