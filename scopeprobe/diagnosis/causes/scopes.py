"""Causes in the scopes that are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from scopeprobe.diagnosis.search import Scopes, minimal_sets
from scopeprobe.diagnosis.seen import left_out, lists_scopes, visible
from scopeprobe.diagnosis.signs import signs_of
from scopeprobe.diagnosis.view import Found, View
from scopeprobe.model.answer import (
    GrantNotAllowed,
    Issued,
    Refusal,
    Refused,
    Subject,
    alike,
    is_plain_about_scope,
)
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.scope_names import Scope

_EITHER = 0.6
"""The most for a cause that this server does not tell from another."""


def shown_minimal(view: View) -> tuple[Scopes, ...]:
    """The minimal refusing sets that the log proves."""
    refused = [scopes for e, scopes in _wanted_of(view) if _refuses(view, e)]
    accepted = [scopes for e, scopes in _wanted_of(view) if isinstance(e.answer, Issued)]
    accepted += [scopes for e, scopes in _wanted_of(view) if _is_beyond(view, e)]
    place = {scope: number for number, scope in enumerate(view.case.wanted)}
    found = (
        tuple(sorted(scopes, key=place.__getitem__)) for scopes in minimal_sets(refused, accepted)
    )
    return tuple(sorted(found, key=lambda scopes: [place[scope] for scope in scopes]))


def _wanted_of(view: View) -> Iterator[tuple[Experiment, Scopes]]:
    wanted = set(view.case.wanted)
    for experiment in view.at_base():
        scopes = experiment.question.scopes
        if scopes and wanted.issuperset(scopes):
            yield experiment, scopes


def _refuses(view: View, experiment: Experiment) -> bool:
    """A refusal that is about the scopes: the same credentials got a token without them."""
    if not isinstance(experiment.answer, Refusal) or _is_beyond(view, experiment):
        return False
    return view.is_proved or _is_said(experiment)


def _is_said(experiment: Experiment) -> bool:
    answer = experiment.answer
    about_scope = {Subject.SCOPE, Subject.UNKNOWN_SCOPE, Subject.SCOPE_PARAMETER}
    return isinstance(answer, Refused) and (
        answer.about in about_scope or is_plain_about_scope(answer)
    )


def _is_beyond(view: View, experiment: Experiment) -> bool:
    """It meets the wall that the request without scope meets: the scopes were accepted."""
    control = view.control
    if control is None or not isinstance(control.answer, GrantNotAllowed):
        return False
    return alike(experiment.answer, control.answer)


def scope_causes(view: View) -> Iterator[Found]:
    if not view.case.wanted:
        yield from _required(view)
        return
    whole = view.find(view.case.wanted)
    if whole is None:
        return
    if _is_parameter(view, whole):
        evidence = view.told(whole, *filter(None, [view.control]))
        yield Found("scope_parameter_refused", 0.95 if view.is_proved else 0.85, evidence)
        return
    minimal = shown_minimal(view)
    for scopes in minimal:
        if len(scopes) == 1:
            yield from _single(view, scopes[0])
        else:
            yield _combination(view, scopes)
    for scope in left_out(whole, view.log):
        if not _is_by_rights(whole):
            yield from _dropped(view, whole, scope)
    yield from _not_applied(view, whole)


def _is_by_rights(whole: Experiment) -> bool:
    return isinstance(whole.answer, Issued) and whole.answer.rights is not None


def _required(view: View) -> Iterator[Found]:
    """A client that asks for no scope, at a server that has no default for it."""
    control = view.control
    if control is None or not isinstance(control.answer, Refused):
        return
    tells = [sign for sign in signs_of(control) if sign.cause == "scope_required"]
    better = [e for e in view.at_base() if e.question.scopes and isinstance(e.answer, Issued)]
    if better:
        yield Found("scope_required", 0.97, view.told(control, better[0]))
    elif tells:
        yield Found("scope_required", tells[0].confidence, view.told(control), tell=tells[0].tell)
    elif _is_said(control):
        yield Found("scope_required", 0.75, view.told(control))


def _is_parameter(view: View, whole: Experiment) -> bool:
    answers = [whole.answer, *(e.answer for e, _ in _wanted_of(view))]
    return all(
        isinstance(answer, Refused) and answer.about is Subject.SCOPE_PARAMETER
        for answer in answers
    )


def _combination(view: View, scopes: Scopes) -> Found:
    members = [view.find((scope,)) for scope in scopes]
    shown = [e for e in (view.find(scopes), *members) if e is not None]
    return Found("scope_combination_refused", 0.95, view.told(*shown), scopes=scopes)


def _single(view: View, scope: Scope) -> Iterator[Found]:
    alone = view.find((scope,))
    if alone is None:
        return
    success = _success_without(view, scope)
    evidence = view.told(alone, *success)
    if (spelling := _spelling(view, scope)) is not None:
        name, experiment = spelling
        shown = view.told(alone, experiment)
        yield Found("scope_misspelt", 0.95, shown, scopes=(scope,), value=name)
        return
    yield from _refused_or_unknown(view, alone, scope, evidence)


def _refused_or_unknown(
    view: View, alone: Experiment, scope: Scope, evidence: tuple[str, ...]
) -> Iterator[Found]:
    """Whether the scope exists: by the server's words, by its canary, by its metadata."""
    most = 0.95 if view.is_proved else 0.75
    canary, answer = view.canary, alone.answer
    is_told = (isinstance(answer, Refused) and answer.about is Subject.UNKNOWN_SCOPE) or any(
        sign.cause == "scope_unknown" for sign in signs_of(alone)
    )
    refuses_canary = canary is not None and isinstance(canary.answer, Refusal)
    is_alike = canary is not None and alike(answer, canary.answer)
    if is_told:
        yield Found("scope_unknown", min(most, 0.9), evidence, scopes=(scope,))
    elif refuses_canary and not is_alike:
        shown = (*evidence, *view.told(*filter(None, [canary])))
        yield Found("scope_refused", most, shown, scopes=(scope,))
    elif view.case.advertises(scope):
        shown = (*evidence, f"the metadata advertises `{scope}`")
        yield Found("scope_refused", most, shown, scopes=(scope,))
    elif view.case.advertises(scope) is False:
        shown = (*evidence, f"the metadata does not advertise `{scope}`")
        yield Found("scope_unknown", _EITHER, shown, scopes=(scope,))
        yield Found("scope_refused", _EITHER, shown, scopes=(scope,))
    else:
        yield Found("scope_refused", min(most, 0.8), evidence, scopes=(scope,))
        yield Found("scope_unknown", 0.4, evidence, scopes=(scope,))


def _success_without(view: View, scope: Scope) -> Iterator[Experiment]:
    """The accepted request that is nearest to the refused one: all the rest, or none."""
    accepted = [e for e in view.at_base() if isinstance(e.answer, Issued)]
    without = [e for e in accepted if scope not in (e.question.scopes or ())]
    canary = view.case.client.canary
    rest = [e for e in without if canary not in (e.question.scopes or ())]
    best = max(rest, key=lambda e: len(e.question.scopes or ()), default=None)
    return iter([] if best is None else [best])


def _spelling(view: View, scope: Scope) -> tuple[Scope, Experiment] | None:
    canary = view.canary
    if _is_given(view, canary):
        return None
    for name in view.case.spellings_of(scope):
        experiment = view.find((name,))
        if experiment is not None and _is_given(view, experiment):
            return name, experiment
    return None


def _is_given(view: View, experiment: Experiment | None) -> bool:
    """A token was issued, and nothing shows that it lacks what was asked for."""
    if experiment is None or not isinstance(experiment.answer, Issued):
        return False
    return not left_out(experiment, view.log)


def _dropped(view: View, whole: Experiment, scope: Scope) -> Iterator[Found]:
    """A token was issued without the scope."""
    if (spelling := _spelling(view, scope)) is not None:
        name, experiment = spelling
        shown = view.told(whole, experiment)
        yield Found("scope_misspelt", 0.95, shown, scopes=(scope,), value=name)
        return
    advertised = view.case.advertises(scope)
    evidence = view.told(whole)
    if advertised is False:
        yield Found("scope_unknown", _EITHER, evidence, scopes=(scope,))
        yield Found("scope_refused", _EITHER, evidence, scopes=(scope,))
    else:
        yield Found("scope_refused", 0.95 if advertised else 0.8, evidence, scopes=(scope,))
        if not advertised:
            yield Found("scope_unknown", 0.4, evidence, scopes=(scope,))


def _not_applied(view: View, whole: Experiment) -> Iterator[Found]:
    """An invented scope is accepted like any other: what is asked for decides nothing."""
    canary = view.canary
    if canary is None or not isinstance(canary.answer, Issued):
        return
    if not isinstance(whole.answer, Issued):
        return
    evidence = view.told(whole, canary)
    name = view.case.client.canary
    shown = visible(canary.answer)
    is_known = canary.answer.rights is not None or not view.case.client.server.send_scope
    if is_known or (shown is not None and name in shown):
        yield Found("scopes_do_not_apply", 0.95, evidence)
    elif shown is None and not lists_scopes(view.log):
        yield Found("scopes_do_not_apply", _EITHER, evidence)
