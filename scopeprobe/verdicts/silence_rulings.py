"""Rulings on tokens that show no scopes at all (docs/design.md, rules 4, 5 and 9)."""

from __future__ import annotations

from scopeprobe.model.answer import Fact, Issued
from scopeprobe.model.cell import Evidence, Reason, Verdict
from scopeprobe.model.evidence import Form
from scopeprobe.model.scope_names import Scope
from scopeprobe.verdicts.ruling import Known, Ruling, unknown


def ruling_on_silence(known: Known, scope: Scope, fact: Fact) -> Ruling:
    """Rule on a scope that was asked for, of a token that shows nothing."""
    issued = fact.answer
    assert isinstance(issued, Issued)  # noqa: S101 - its callers chose it so
    is_set = len(fact.question.asked) > 1
    evidence = Evidence.SET if is_set else Evidence.ALONE
    form = known.facts.form(issued)
    if _is_silent_as_for_the_canary(known, scope):
        return Ruling(Verdict.DENIED, Reason.LEFT_OUT, evidence)
    if _nothing_is_decided(known):
        return Ruling(Verdict.UNENFORCED, Reason.SCOPE_NOT_USED, evidence)
    if _silence_is_consent(known, scope, form):
        if not is_set:
            return Ruling(Verdict.GRANTED, Reason.ACCEPTED_ALONE, evidence)
        if known.behavior.refuses_sets_whole:
            return Ruling(Verdict.GRANTED, Reason.ACCEPTED_IN_SET, evidence)
    return unknown(Reason.UNCONFIRMED)


def _is_silent_as_for_the_canary(known: Known, scope: Scope) -> bool:
    """The canary met the same silence, and the scope exists as little (rule 2)."""
    canary = known.facts.canary
    is_silent = isinstance(canary, Issued) and not canary.tells
    return is_silent and (known.audience, scope) in known.server.no_such_scopes


def _silence_is_consent(known: Known, scope: Scope, form: Form) -> bool:
    """
    A lone scope of a token that shows nothing was given (rule 4).

    The canary was refused alone to this client, or this scope to another one; and a known scope
    was refused alone; and tokens of this form show nothing for requests with scopes, or nothing
    where all was given.
    """
    server = known.server
    is_policed = known.is_refused_the_canary or server.is_refused_to_others(
        known.audience, scope, known.client
    )
    if known.facts.assignment.client.server.traits.absent_scope == "as_requested":
        return is_policed
    is_silent = form not in server.lists_for_scopes or form in server.silent_for_granted
    return is_policed and is_silent and known.audience in server.known_withheld


def _nothing_is_decided(known: Known) -> bool:
    """Canary and candidates are all issued in silence, and nothing is withheld (rule 9)."""
    canary = known.facts.canary
    return (
        isinstance(canary, Issued)
        and not any(issued.tells for issued in known.facts.issued)
        and not known.server.withholds_anything
    )
