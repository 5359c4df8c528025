"""Experiments with the scopes: which sets are refused, and what the refused may be meant for."""

from __future__ import annotations

from collections.abc import Generator

from msgspec.structs import replace

from scopeprobe.diagnosis.investigation import Investigation
from scopeprobe.diagnosis.minimal_sets import Scopes, refusing_sets
from scopeprobe.diagnosis.outcomes import (
    is_accepting,
    is_failure,
    is_out_of_reach,
    is_past_credentials,
    left_out,
    lists_scopes,
)
from scopeprobe.model.answer import Issued, Refused
from scopeprobe.model.experiment import Experiment, ExperimentPlan
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope

MOST_SINGLES = 8
"""Scopes that are asked alone in the search for one that is accepted."""
OTHER_SEPARATORS = ("%20", ",")
"""A gateway may take `+` for a plus (percent-decoding alone), a server may want commas."""
_PAIR = 2
MOST_OTHERS = 3
"""Known scopes that are asked for to see whether the server shows any."""


def judge_scopes(investigation: Investigation) -> ExperimentPlan:
    """Find which scopes are refused or left out, and compare them with others."""
    case = investigation.case
    whole = yield from investigation.ask(case.wanted)
    if whole is None or is_out_of_reach(whole.answer):
        return
    if not case.wanted:
        yield from _try_any_scope(investigation, whole)
        return
    if not is_accepting(whole.answer):
        yield from investigation.ask(None)
    if not investigation.is_authenticated and investigation.refusal_behind_scopes is None:
        yield from _find_an_accepted_one(investigation)
        if not investigation.is_authenticated:
            return
    if not investigation.accepts(whole):
        found = yield from _search(investigation)
    else:
        found = tuple((scope,) for scope in left_out(whole, investigation.log))
    yield from _compare(investigation, found)


def _try_any_scope(investigation: Investigation, whole: Experiment) -> ExperimentPlan:
    """Ask for known scopes where none was wanted: the server may demand one."""
    if is_accepting(whole.answer) or not is_past_credentials(whole):
        return
    if isinstance(whole.answer, Refused):
        for scope in investigation.case.known_scopes[:3]:
            experiment = yield from investigation.ask((scope,))
            if experiment is None or is_accepting(experiment.answer):
                return


def _find_an_accepted_one(investigation: Investigation) -> ExperimentPlan:
    """Ask scopes alone until one is accepted: without a success, a refused scope proves nothing."""
    case = investigation.case
    hopeful = sorted(case.wanted, key=lambda scope: not case.target.expect.wants(scope))
    for scope in hopeful[:MOST_SINGLES]:
        experiment = yield from investigation.ask((scope,))
        if experiment is None or investigation.is_authenticated:
            return
    if not investigation.is_authenticated and not is_failure(investigation.log[-1]):
        for known in dict.fromkeys(s for w in case.wanted for s in case.spellings_of(w)):
            experiment = yield from investigation.ask((known,))
            if experiment is None or investigation.is_authenticated:
                return


def _search(investigation: Investigation) -> Generator[Question, Experiment, tuple[Scopes, ...]]:
    """Find the minimal refusing sets, and end with a success that brackets the refusals."""
    asking = refusing_sets(investigation.case.wanted)
    found: tuple[Scopes, ...] = ()
    try:
        scopes = next(asking)
        while True:
            chosen = frozenset(scopes)
            experiment = yield from investigation.ask(
                tuple(scope for scope in investigation.case.wanted if scope in chosen)
            )
            if experiment is None or is_out_of_reach(experiment.answer):
                asking.close()
                return _refused_alone(investigation)
            pair = yield from _with_other_white_space(investigation, experiment)
            if pair:
                asking.close()
                found = (pair,)
                break
            named = getattr(experiment.answer, "named", ())
            scopes = asking.send((investigation.accepts(experiment), named))
    except StopIteration as end:
        found = end.value
    if investigation.log and not investigation.accepts(investigation.log[-1]):
        success = next((e for e in reversed(investigation.log) if investigation.accepts(e)), None)
        if success is not None and success.question.change == investigation.base:
            yield from investigation.again(success)
    return found


def _with_other_white_space(
    investigation: Investigation, refused: Experiment
) -> Generator[Question, Experiment, Scopes]:
    """Two scopes that are refused only together: accepted after all, if written otherwise?"""
    scopes = refused.question.asked
    if len(scopes) != _PAIR or investigation.accepts(refused):
        return ()
    singles = [investigation.known(_alone(investigation, scope)) for scope in scopes]
    if not all(single is not None and investigation.accepts(single) for single in singles):
        return ()
    for separator in OTHER_SEPARATORS:
        change = replace(investigation.base, scope_separator=separator)
        experiment = yield from investigation.ask(scopes, change)
        if experiment is None:
            return ()
        if investigation.accepts(experiment) and not left_out(experiment, investigation.log):
            return scopes
    return ()


def _alone(investigation: Investigation, scope: Scope) -> Question:
    return Question((scope,), change=investigation.base)


def _refused_alone(investigation: Investigation) -> tuple[Scopes, ...]:
    asked = (
        e for e in investigation.log if len(e.question.asked) == 1 and not investigation.accepts(e)
    )
    return tuple(e.question.scopes for e in asked if e.question.scopes)


def _compare(investigation: Investigation, found: tuple[Scopes, ...]) -> ExperimentPlan:
    """Ask for the canary, and for known scopes that the refused ones may be misspelt for."""
    canary = yield from investigation.ask((investigation.case.client.canary,))
    if canary is None:
        return
    if isinstance(canary.answer, Issued) and not lists_scopes(investigation.log):
        yield from _make_it_list(investigation)
        whole = investigation.known(Question(investigation.case.wanted, change=investigation.base))
        found = found or tuple(
            (scope,) for scope in (left_out(whole, investigation.log) if whole else ())
        )
    singles: list[Scope] = [core[0] for core in found if len(core) == 1]
    for scope in singles:
        for spelling in investigation.case.spellings_of(scope):
            experiment = yield from investigation.ask((spelling,))
            if experiment is None:
                return
            is_given = isinstance(experiment.answer, Issued)
            if is_given and not left_out(experiment, investigation.log):
                break


def _make_it_list(investigation: Investigation) -> ExperimentPlan:
    """See whether the server lists a scope that exists: if so, no list means nothing granted."""
    case = investigation.case
    alike = [name for scope in case.wanted for name in case.spellings_of(scope)]
    others = [name for name in case.known_scopes if name not in case.wanted]
    for scope in list(dict.fromkeys((*alike, *others)))[:MOST_OTHERS]:
        experiment = yield from investigation.ask((scope,))
        if experiment is None or lists_scopes(investigation.log):
            return
