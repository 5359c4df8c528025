"""Rulings on scopes for which no token was issued (docs/design.md, rules 6, 13 and 14)."""

from __future__ import annotations

from scopeprobe.model.answer import Fact, Refusal, Refused, Subject, is_plain_about_scope
from scopeprobe.model.cell import Evidence, Reason, Verdict
from scopeprobe.model.scope_names import Scope
from scopeprobe.verdicts.lone_refusals import NOT_THE_SCOPE, denying_refusal
from scopeprobe.verdicts.ruling import Known, Ruling, denied, unknown


def ruling_on_refusals(known: Known, scope: Scope, refused: list[Fact]) -> Ruling:
    """Rule on a scope that was refused whenever it was asked for alone."""
    refusal = refused[-1].answer
    assert isinstance(refusal, Refusal)  # noqa: S101 - its callers chose it so
    if isinstance(refusal, Refused) and refusal.about in NOT_THE_SCOPE:
        return _refused_otherwise(refusal)
    denying = denying_refusal(known.facts, scope, known.server)
    if denying is not None and isinstance(denying.answer, Refusal):
        return denied(known, denying.answer)
    is_bracketed = known.facts.is_bracketed(refused[-1])
    if is_bracketed and not is_plain_about_scope(refusal) and not known.server.gives_scopes:
        return unknown(Reason.UNCONFIRMED, refusal)
    return unknown(Reason.REFUSALS_UNBRACKETED, refusal)


def ruling_on_refused_sets(known: Known, scope: Scope) -> Ruling | None:
    """
    Rule on a scope by refusals of sets with it; None where they say nothing of it.

    A set that was refused says nothing of its members, unless the refusal names them, or speaks
    of what holds for each of them.
    """
    for fact in known.facts.with_others(scope):
        if isinstance(fact.answer, Refused) and fact.answer.about in NOT_THE_SCOPE:
            return _refused_otherwise(fact.answer)
    if not known.behavior.names_culprits or known.behavior.names_off:
        return None
    naming = known.facts.naming(scope)
    if naming is None:
        return None
    return Ruling(Verdict.DENIED, Reason.NAMED_IN_REFUSAL, Evidence.SET, naming.answer)


def _refused_otherwise(refusal: Refused) -> Ruling:
    """It is not the scope that was refused, but the audience, or the `scope` parameter as such."""
    is_the_target = refusal.about is Subject.TARGET
    return unknown(Reason.NEEDS_TARGET if is_the_target else Reason.UNCONFIRMED, refusal)
