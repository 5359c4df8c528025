"""
Which experiments are made, and in which order: what settles most for the fewest requests.

As configured; then whatever a server looks at before the scopes; then the scopes. A change that is
found to be needed stays in all further requests, so that several causes at once are all found.
"""

from __future__ import annotations

from collections.abc import Generator

from scopeprobe.diagnosis.case import Case
from scopeprobe.diagnosis.experiments.credentials import get_past_credentials, is_hopeless
from scopeprobe.diagnosis.experiments.request import get_past_request, with_another_body
from scopeprobe.diagnosis.experiments.scopes import judge_scopes
from scopeprobe.diagnosis.investigation import Investigation
from scopeprobe.diagnosis.outcomes import (
    is_accepting,
    is_failure,
    is_out_of_reach,
    may_be_about_the_body,
)
from scopeprobe.model.answer import TooLarge
from scopeprobe.model.cell import Reason
from scopeprobe.model.experiment import Experiment, ExperimentPlan
from scopeprobe.model.question import Question, RequestChange

_PERHAPS_ABOUT_SCOPES = {Reason.SERVER_ERROR, Reason.MALFORMED_ANSWER}
"""Faults that may come of what was asked."""


def diagnose(case: Case) -> ExperimentPlan:
    """Ask until the cause is found, or nothing that could be asked would tell more."""
    investigation = Investigation(case)
    first = yield from investigation.ask(case.wanted)
    if first is None:
        return
    if is_out_of_reach(first.answer):
        first = yield from _reach(investigation, first)
        if first is None:
            return
    if not is_accepting(first.answer):
        yield from get_past_credentials(investigation, first)
        if is_hopeless(investigation) or not _can_go_on(investigation):
            return
        yield from get_past_request(investigation)
        last = investigation.last_at_base
        if last is not None and is_failure(last) and not investigation.is_authenticated:
            yield from get_past_credentials(investigation, last)
    yield from judge_scopes(investigation)


def _reach(
    investigation: Investigation, first: Experiment
) -> Generator[Question, Experiment, Experiment | None]:
    """Try the endpoint that somebody else names; else see whether the scopes make the fault."""
    wanted = investigation.case.wanted
    for endpoint in () if isinstance(first.answer, TooLarge) else investigation.case.endpoints:
        change = RequestChange(endpoint=endpoint.url)
        elsewhere = yield from investigation.ask(wanted, change)
        if elsewhere is not None and not is_out_of_reach(elsewhere.answer):
            investigation.rebase(change, elsewhere)
            return elsewhere
    if may_be_about_the_body(first):
        other = yield from with_another_body(investigation, first)
        return None if other is None or is_out_of_reach(other.answer) else other
    if wanted and _may_be_about_scopes(first):
        control = yield from investigation.ask(None)
        if control is not None and not is_out_of_reach(control.answer):
            return control
    return None


def _may_be_about_scopes(first: Experiment) -> bool:
    reason = getattr(first.answer, "reason", None)
    return isinstance(first.answer, TooLarge) or reason in _PERHAPS_ABOUT_SCOPES


def _can_go_on(investigation: Investigation) -> bool:
    """Some request reached the server and did not fail to authenticate."""
    return any(not (is_failure(e) or is_out_of_reach(e.answer)) for e in investigation.log)
