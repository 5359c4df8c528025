"""Experiments with the credentials: which change gets a request past them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from scopeprobe.diagnosis.case import Case
from scopeprobe.diagnosis.error_patterns import patterns_in
from scopeprobe.diagnosis.hypotheses import Hypothesis, demanded_method, hypotheses
from scopeprobe.diagnosis.investigation import Investigation
from scopeprobe.diagnosis.outcomes import (
    is_failure,
    is_past_credentials,
    is_refused_for_no_scope,
    may_be_about_scopes,
)
from scopeprobe.model.answer import Refused
from scopeprobe.model.experiment import Experiment, ExperimentPlan
from scopeprobe.model.question import AS_CONFIGURED, RequestChange
from scopeprobe.model.scope_names import Scope


def get_past_credentials(investigation: Investigation, first: Experiment) -> ExperimentPlan:
    """Try what the inputs and the answers suggest, until a request gets past the credentials."""
    if _is_done(investigation):
        return
    at_base = (e for e in investigation.log if e.question.change == investigation.base)
    if any(map(is_refused_for_no_scope, at_base)):
        return
    if is_past_credentials(first) and investigation.case.wanted:
        control = yield from investigation.ask(None)
        if control is None or not is_failure(control):
            return
        first = control
    if not is_failure(first) and not _is_unclear(first):
        return
    tried = list(hypotheses(investigation.case, investigation.patterns(), first))
    strong = [hypothesis for hypothesis in tried if hypothesis.is_strong]
    weak = [hypothesis for hypothesis in tried if not hypothesis.is_strong]
    investigation.spared = int(may_be_about_scopes(first, investigation.case))
    yield from _try_strong(investigation, strong)
    if not (_is_done(investigation) or _is_past(investigation)):
        yield from _try_as_it_is(investigation, weak)
    is_kept, investigation.spared = bool(investigation.spared), 0
    if is_kept and not (_is_done(investigation) or _is_past(investigation)):
        yield from _try_lone_scope(investigation, strong)
    yield from _show_each(investigation, tried)


def _try_as_it_is(investigation: Investigation, weak: list[Hypothesis]) -> ExperimentPlan:
    """Ask without scope, and with what is less likely to be wrong: only that, if rationed."""
    is_rationed = bool(weak) and investigation.failures_left == 1
    if not is_rationed:
        control = yield from investigation.ask(None)
        if control is not None and not is_failure(control) and not _is_unclear(control):
            return
    scopes = _for_a_change(investigation.case) if investigation.spared else ()
    for hypothesis in weak:
        if not (_is_done(investigation) or _is_past(investigation)):
            yield from _try_alone(investigation, hypothesis, scopes)


def _for_a_change(case: Case) -> tuple[Scope, ...]:
    """
    A lone scope for a change that may help: the likeliest, where something speaks for the change.

    Where it is a guess, the likeliest is left to the request as configured. Either way the last
    try has another one, so that one bad scope does not spoil both.
    """
    hopeful = case.hopeful_scopes
    is_guess = case.methods is None and not (case.encodes_differently or case.uses_assertion)
    return (is_guess and hopeful[1:2]) or hopeful[:1]


def _try_lone_scope(investigation: Investigation, strong: list[Hypothesis]) -> ExperimentPlan:
    """
    Ask for a lone scope that is likely to be granted, with all changes that are likely to help.

    Some servers answer a bad scope and a missing one like a wrong secret: there nothing else gets
    past. Where every scope was asked for alone, none is sent.
    """
    change = investigation.base
    for hypothesis in strong:
        change = hypothesis.applied(change)
    asked = {e.question.scopes for e in investigation.log if e.question.change == change}
    ever = {e.question.scopes for e in investigation.log}
    lone = [(scope,) for scope in investigation.case.hopeful_scopes]
    scopes = next(iter((*_not_in(ever, lone), *_not_in(asked, lone))), None)
    experiment = yield from investigation.ask(scopes, change)
    if experiment is not None and is_past_credentials(experiment):
        investigation.rebase(change, experiment)


def _not_in(
    asked: Collection[tuple[Scope, ...] | None], lone: Iterable[tuple[Scope, ...]]
) -> list[tuple[Scope, ...]]:
    return [scopes for scopes in lone if scopes not in asked]


def _is_unclear(experiment: Experiment) -> bool:
    """A refusal that says neither what it is about nor that it is about the credentials."""
    return isinstance(experiment.answer, Refused) and not is_past_credentials(experiment)


def is_hopeless(investigation: Investigation) -> bool:
    """The server says what no experiment can mend: the client is locked, its secret expired."""
    return any(pattern.is_certain for pattern in investigation.patterns())


def _is_done(investigation: Investigation) -> bool:
    return investigation.is_authenticated or is_hopeless(investigation)


def _is_past(investigation: Investigation) -> bool:
    """The last request got past the credentials."""
    return bool(investigation.log) and is_past_credentials(investigation.log[-1])


def _try_strong(investigation: Investigation, strong: list[Hypothesis]) -> ExperimentPlan:
    """One change after the other; those that stay add up, others are taken back if they fail."""
    for hypothesis in strong:
        change = hypothesis.applied(investigation.base)
        experiment = yield from investigation.ask(None, change)
        if experiment is None:
            return
        if hypothesis.stays or is_past_credentials(experiment):
            investigation.rebase(change, experiment)
        if is_past_credentials(experiment):
            yield from _try_named_method(investigation, experiment)
            return
        yield from _try_named_method(investigation, experiment)
        if _is_done(investigation):
            return


def _try_named_method(investigation: Investigation, experiment: Experiment) -> ExperimentPlan:
    """An answer may name the authentication method that the server wants."""
    for pattern in patterns_in(experiment):
        method = pattern.method
        able = (*investigation.case.other_methods, investigation.case.client.auth_method)
        if method is None or method not in able or method is investigation.base.auth_method:
            continue
        change = demanded_method(method).applied(investigation.base)
        further = yield from investigation.ask(None, change)
        if further is not None and is_past_credentials(further):
            investigation.rebase(change, further)


def _try_alone(
    investigation: Investigation, hypothesis: Hypothesis, scopes: tuple[Scope, ...]
) -> ExperimentPlan:
    change = hypothesis.applied(investigation.base)
    experiment = yield from investigation.ask(scopes, change)
    if experiment is not None and is_past_credentials(experiment):
        investigation.rebase(change, experiment)


def _show_each(investigation: Investigation, tried: list[Hypothesis]) -> ExperimentPlan:
    """
    For each change that was found, a request that differs from an accepted one in it alone.

    Mostly such a request was sent already: then nothing is asked.
    """
    whole = investigation.base
    if whole == AS_CONFIGURED or not any(_is_better(e, whole) for e in investigation.log):
        return
    applied = [hypothesis for hypothesis in tried if hypothesis.is_in(whole)]
    better = next(e for e in investigation.log if _is_better(e, whole))
    if investigation.case.wanted and investigation.is_authenticated:
        yield from investigation.ask(investigation.case.wanted)
    for hypothesis in applied:
        without = hypothesis.taken_back(whole)
        if not _is_shown(investigation, whole, without):
            experiment = yield from investigation.ask_what_may_fail(better.question.scopes, without)
            if experiment is not None and is_past_credentials(experiment):
                investigation.rebase(without, experiment)
                whole = without


def _is_shown(investigation: Investigation, whole: RequestChange, without: RequestChange) -> bool:
    """Some request failed without the change, and the same one fared better with it."""
    worse = {e.question.scopes for e in investigation.log if e.question.change == without}
    better = {e.question.scopes for e in investigation.log if _is_better(e, whole)}
    return not worse.isdisjoint(better)


def _is_better(experiment: Experiment, whole: RequestChange) -> bool:
    return experiment.question.change == whole and is_past_credentials(experiment)
