"""Causes in the scopes that are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from scopeprobe.diagnosis.confidence import Sign
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
from scopeprobe.model.cell import Verdict
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.scope_names import Scope

_PROVED = {Verdict.GRANTED, Verdict.DENIED}


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
        yield LikelyCause("scope_parameter_refused", (Sign("parameter_refused"),), evidence)
        return
    minimal = shown_minimal(seen)
    for scopes in minimal:
        if len(scopes) == 1:
            yield from _single(seen, scopes[0])
        else:
            yield _combination(seen, scopes)
    for scope in left_out(whole, seen.log):
        if not _is_by_rights(whole):
            yield from _withheld(seen, scope, whole, Sign("left_out_of_the_token"))
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
        signs: tuple[Sign, ...] = (Sign("mended"),)
        yield LikelyCause("scope_required", signs, seen.evidence(control, better[0]))
    elif named:
        signs = (named[0].sign,)
        evidence = seen.evidence(control)
        yield LikelyCause("scope_required", signs, evidence, advice=named[0].advice)
    elif _speaks_of_scopes(control):
        yield LikelyCause("scope_required", (Sign("scope_demanded"),), seen.evidence(control))


def _is_parameter(seen: Observations, whole: Experiment) -> bool:
    answers = [whole.answer, *(e.answer for e, _ in _wanted_of(seen))]
    return all(
        isinstance(answer, Refused) and answer.about is Subject.SCOPE_PARAMETER
        for answer in answers
    )


def _combination(seen: Observations, scopes: Scopes) -> LikelyCause:
    members = [seen.find((scope,)) for scope in scopes]
    shown = [e for e in (seen.find(scopes), *members) if e is not None]
    signs = (Sign("refused_only_together"),)
    written = _accepted_with_other_white_space(seen, scopes)
    shown += [] if written is None else [written]
    return LikelyCause(
        "scope_combination_refused",
        signs,
        seen.evidence(*shown),
        scopes=scopes,
        value=None if written is None else written.question.change.scope_separator,
    )


def _accepted_with_other_white_space(seen: Observations, scopes: Scopes) -> Experiment | None:
    same = (e for e in seen.log if e.question.scopes == scopes and isinstance(e.answer, Issued))
    return next((e for e in same if e.question.change.scope_separator), None)


def _single(seen: Observations, scope: Scope) -> Iterator[LikelyCause]:
    alone = seen.find((scope,))
    if alone is None:
        return
    is_contrast = seen.is_authenticated
    refused = Sign("refused_beside_a_token" if is_contrast else "refused_in_plain_words")
    yield from _withheld(seen, scope, alone, refused)


def _withheld(
    seen: Observations, scope: Scope, experiment: Experiment, withheld: Sign
) -> Iterator[LikelyCause]:
    """A scope that a request is refused for, or a token issued without: misspelt, or not theirs."""
    failure = f"scope {scope}"
    if (spelling := spelling_given(seen, scope)) is not None:
        name, given = spelling
        shown = seen.evidence(experiment, given)
        misspelt = (withheld, Sign("other_spelling_given"))
        yield LikelyCause("scope_misspelt", misspelt, shown, failure, (scope,), value=name)
        return
    refused, unknown, more = _does_it_exist(seen, scope, experiment)
    verdict = seen.case.known.verdicts.get(scope)
    last_run = (f"the last run found `{scope}` {verdict}",) if verdict in _PROVED else ()
    shown = (*seen.evidence(experiment, *_success_without(seen, scope)), *more, *last_run)
    for code, names in (("scope_refused", refused), ("scope_unknown", unknown)):
        signs = (withheld, *(Sign(name) for name in names))
        yield LikelyCause(code, signs, shown, failure, (scope,), advice=_advice(code, experiment))


def _advice(code: str, refused: Experiment) -> str:
    return next((p.advice for p in patterns_in(refused) if p.cause == code), "")


def _does_it_exist(
    seen: Observations, scope: Scope, refused: Experiment
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """What speaks for a scope that exists, for one that does not, and both in words."""
    canary = seen.canary
    is_compared = canary is not None and isinstance(refused.answer, Refusal)
    if _is_said_to_be_unknown(refused):
        return (), ("said_to_be_unknown",), ()
    if seen.case.advertises(scope):
        return ("advertised",), (), (f"the metadata advertises `{scope}`",)
    if is_compared and canary is not None and isinstance(canary.answer, Refusal):
        shown = seen.evidence(canary)
        if not alike(refused.answer, canary.answer):
            return ("refused_unlike_an_invented_scope",), (), shown
        if not _advertises_what_it_issues(seen):
            return (), ("refused_like_an_invented_scope",), ()
    if seen.case.advertises(scope) is False and _advertises_what_it_issues(seen):
        return (), ("not_advertised",), (f"the metadata does not advertise `{scope}`",)
    return (), (), ()


def _advertises_what_it_issues(seen: Observations) -> bool:
    """Some vendors advertise the scopes of OpenID Connect alone: there an absence means nothing."""
    issued = (e.question.asked for e in seen.at_base() if isinstance(e.answer, Issued))
    canary = seen.case.client.canary
    return any(seen.case.advertises(s) for scopes in issued for s in scopes if s != canary)


def _is_said_to_be_unknown(refused: Experiment) -> bool:
    answer = refused.answer
    if isinstance(answer, Refused) and answer.about is Subject.UNKNOWN_SCOPE:
        return True
    return any(pattern.cause == "scope_unknown" for pattern in patterns_in(refused))


def _success_without(seen: Observations, scope: Scope) -> Iterator[Experiment]:
    """The accepted request that is nearest to the refused one: all the rest, or none."""
    accepted = [e for e in seen.at_base() if isinstance(e.answer, Issued)]
    without = [e for e in accepted if scope not in e.question.asked]
    canary = seen.case.client.canary
    rest = [e for e in without if canary not in e.question.asked]
    best = max(rest, key=lambda e: len(e.question.asked), default=None)
    return iter([] if best is None else [best])


def spelling_given(seen: Observations, scope: Scope) -> tuple[Scope, Experiment] | None:
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
        yield LikelyCause("scopes_do_not_apply", (Sign("invented_scope_issued"),), evidence)
    elif not canary.answer.tells and not lists_scopes(seen.log):
        signs = (Sign("invented_scope_issued_in_silence"),)
        yield LikelyCause("scopes_do_not_apply", signs, evidence)
