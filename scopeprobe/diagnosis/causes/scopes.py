"""Causes in the scopes that are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from scopeprobe.diagnosis.error_patterns import patterns_in
from scopeprobe.diagnosis.minimal_sets import Scopes, minimal_sets
from scopeprobe.diagnosis.observations import LikelyCause, Observations
from scopeprobe.diagnosis.outcomes import left_out, lists_scopes
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
"""The confidence in each of two causes that this server answers alike, at most."""


def shown_minimal(seen: Observations) -> tuple[Scopes, ...]:
    """The minimal refusing sets that the log proves."""
    refused = [scopes for e, scopes in _wanted_of(seen) if _refuses(seen, e)]
    accepted = [scopes for e, scopes in _wanted_of(seen) if isinstance(e.answer, Issued)]
    accepted += [scopes for e, scopes in _wanted_of(seen) if _is_accepted_but_refused(seen, e)]
    place = {scope: number for number, scope in enumerate(seen.case.wanted)}
    found = (
        tuple(sorted(scopes, key=place.__getitem__)) for scopes in minimal_sets(refused, accepted)
    )
    return tuple(sorted(found, key=lambda scopes: [place[scope] for scope in scopes]))


def _wanted_of(seen: Observations) -> Iterator[tuple[Experiment, Scopes]]:
    wanted = set(seen.case.wanted)
    for experiment in seen.at_base():
        scopes = experiment.question.scopes
        if scopes and wanted.issuperset(scopes):
            yield experiment, scopes


def _refuses(seen: Observations, experiment: Experiment) -> bool:
    """A refusal that is about the scopes: the same credentials got a token without them."""
    if not isinstance(experiment.answer, Refusal) or _is_accepted_but_refused(seen, experiment):
        return False
    return seen.is_authenticated or _speaks_of_scopes(experiment)


def _speaks_of_scopes(experiment: Experiment) -> bool:
    answer = experiment.answer
    about_scope = {Subject.SCOPE, Subject.UNKNOWN_SCOPE, Subject.SCOPE_PARAMETER}
    return isinstance(answer, Refused) and (
        answer.about in about_scope or is_plain_about_scope(answer)
    )


def _is_accepted_but_refused(seen: Observations, experiment: Experiment) -> bool:
    """Refused as the request without scope is, for the grant: the scopes were accepted."""
    control = seen.control
    if control is None or not isinstance(control.answer, GrantNotAllowed):
        return False
    return alike(experiment.answer, control.answer)


def scope_causes(seen: Observations) -> Iterator[LikelyCause]:
    if not seen.case.wanted:
        yield from _required(seen)
        return
    whole = seen.find(seen.case.wanted)
    if whole is None:
        return
    if _is_parameter(seen, whole):
        evidence = seen.evidence(whole, *filter(None, [seen.control]))
        yield LikelyCause(
            "scope_parameter_refused", 0.95 if seen.is_authenticated else 0.85, evidence
        )
        return
    minimal = shown_minimal(seen)
    for scopes in minimal:
        if len(scopes) == 1:
            yield from _single(seen, scopes[0])
        else:
            yield _combination(seen, scopes)
    for scope in left_out(whole, seen.log):
        if not _is_by_rights(whole):
            yield from _dropped(seen, whole, scope)
    yield from _not_applied(seen, whole)


def _is_by_rights(whole: Experiment) -> bool:
    return isinstance(whole.answer, Issued) and whole.answer.rights is not None


def _required(seen: Observations) -> Iterator[LikelyCause]:
    """A client that asks for no scope, at a server that has no default for it."""
    control = seen.control
    if control is None or not isinstance(control.answer, Refusal):
        return
    named = [pattern for pattern in patterns_in(control) if pattern.cause == "scope_required"]
    better = [e for e in seen.at_base() if e.question.scopes and isinstance(e.answer, Issued)]
    if better:
        yield LikelyCause("scope_required", 0.97, seen.evidence(control, better[0]))
    elif named:
        yield LikelyCause(
            "scope_required", named[0].confidence, seen.evidence(control), advice=named[0].advice
        )
    elif _speaks_of_scopes(control):
        yield LikelyCause("scope_required", 0.75, seen.evidence(control))


def _is_parameter(seen: Observations, whole: Experiment) -> bool:
    answers = [whole.answer, *(e.answer for e, _ in _wanted_of(seen))]
    return all(
        isinstance(answer, Refused) and answer.about is Subject.SCOPE_PARAMETER
        for answer in answers
    )


def _combination(seen: Observations, scopes: Scopes) -> LikelyCause:
    members = [seen.find((scope,)) for scope in scopes]
    shown = [e for e in (seen.find(scopes), *members) if e is not None]
    return LikelyCause("scope_combination_refused", 0.95, seen.evidence(*shown), scopes=scopes)


def _single(seen: Observations, scope: Scope) -> Iterator[LikelyCause]:
    alone = seen.find((scope,))
    if alone is None:
        return
    success = _success_without(seen, scope)
    evidence = seen.evidence(alone, *success)
    if (spelling := _spelling(seen, scope)) is not None:
        name, experiment = spelling
        shown = seen.evidence(alone, experiment)
        yield LikelyCause("scope_misspelt", 0.95, shown, scopes=(scope,), value=name)
        return
    yield from _refused_or_unknown(seen, alone, scope, evidence)


def _refused_or_unknown(
    seen: Observations, alone: Experiment, scope: Scope, evidence: tuple[str, ...]
) -> Iterator[LikelyCause]:
    """Whether the scope exists: by the server's words, by its canary, by its metadata."""
    most = 0.95 if seen.is_authenticated else 0.75
    canary, answer = seen.canary, alone.answer
    is_named_unknown = (
        isinstance(answer, Refused) and answer.about is Subject.UNKNOWN_SCOPE
    ) or any(pattern.cause == "scope_unknown" for pattern in patterns_in(alone))
    refuses_canary = canary is not None and isinstance(canary.answer, Refusal)
    is_alike = canary is not None and alike(answer, canary.answer)
    if is_named_unknown:
        yield LikelyCause("scope_unknown", min(most, 0.9), evidence, scopes=(scope,))
    elif refuses_canary and not is_alike:
        shown = (*evidence, *seen.evidence(*filter(None, [canary])))
        yield LikelyCause("scope_refused", most, shown, scopes=(scope,))
    elif seen.case.advertises(scope):
        shown = (*evidence, f"the metadata advertises `{scope}`")
        yield LikelyCause("scope_refused", most, shown, scopes=(scope,))
    elif seen.case.advertises(scope) is False:
        shown = (*evidence, f"the metadata does not advertise `{scope}`")
        yield LikelyCause("scope_unknown", _EITHER, shown, scopes=(scope,))
        yield LikelyCause("scope_refused", _EITHER, shown, scopes=(scope,))
    else:
        yield LikelyCause("scope_refused", min(most, 0.8), evidence, scopes=(scope,))
        yield LikelyCause("scope_unknown", 0.4, evidence, scopes=(scope,))


def _success_without(seen: Observations, scope: Scope) -> Iterator[Experiment]:
    """The accepted request that is nearest to the refused one: all the rest, or none."""
    accepted = [e for e in seen.at_base() if isinstance(e.answer, Issued)]
    without = [e for e in accepted if scope not in (e.question.scopes or ())]
    canary = seen.case.client.canary
    rest = [e for e in without if canary not in (e.question.scopes or ())]
    best = max(rest, key=lambda e: len(e.question.scopes or ()), default=None)
    return iter([] if best is None else [best])


def _spelling(seen: Observations, scope: Scope) -> tuple[Scope, Experiment] | None:
    canary = seen.canary
    if _is_given(seen, canary):
        return None
    for name in seen.case.spellings_of(scope):
        experiment = seen.find((name,))
        if experiment is not None and _is_given(seen, experiment):
            return name, experiment
    return None


def _is_given(seen: Observations, experiment: Experiment | None) -> bool:
    """A token was issued, and nothing shows that it lacks what was asked for."""
    if experiment is None or not isinstance(experiment.answer, Issued):
        return False
    return not left_out(experiment, seen.log)


def _dropped(seen: Observations, whole: Experiment, scope: Scope) -> Iterator[LikelyCause]:
    """A token was issued without the scope."""
    if (spelling := _spelling(seen, scope)) is not None:
        name, experiment = spelling
        shown = seen.evidence(whole, experiment)
        yield LikelyCause("scope_misspelt", 0.95, shown, scopes=(scope,), value=name)
        return
    advertised = seen.case.advertises(scope)
    evidence = seen.evidence(whole)
    if advertised is False:
        yield LikelyCause("scope_unknown", _EITHER, evidence, scopes=(scope,))
        yield LikelyCause("scope_refused", _EITHER, evidence, scopes=(scope,))
    else:
        yield LikelyCause("scope_refused", 0.95 if advertised else 0.8, evidence, scopes=(scope,))
        if not advertised:
            yield LikelyCause("scope_unknown", 0.4, evidence, scopes=(scope,))


def _not_applied(seen: Observations, whole: Experiment) -> Iterator[LikelyCause]:
    """An invented scope is accepted like any other: what is asked for decides nothing."""
    canary = seen.canary
    if canary is None or not isinstance(canary.answer, Issued):
        return
    if not isinstance(whole.answer, Issued):
        return
    evidence = seen.evidence(whole, canary)
    name = seen.case.client.canary
    is_known = canary.answer.rights is not None or not seen.case.client.server.traits.send_scope
    if is_known or canary.answer.carries(name):
        yield LikelyCause("scopes_do_not_apply", 0.95, evidence)
    elif not canary.answer.tells and not lists_scopes(seen.log):
        yield LikelyCause("scopes_do_not_apply", _EITHER, evidence)
