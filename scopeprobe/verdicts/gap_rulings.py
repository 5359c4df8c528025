"""Rulings on lists without a scope that was asked for (docs/design.md, rules 2, 3 and 10)."""

from __future__ import annotations

from collections.abc import Mapping

from scopeprobe.model.answer import Fact, Issued
from scopeprobe.model.cell import Evidence, Reason, Verdict
from scopeprobe.model.evidence import Kind
from scopeprobe.model.scope_names import Scope, resembles
from scopeprobe.verdicts.ruling import Known, Ruling, contradictory, unknown
from scopeprobe.verdicts.true_lists import true_lists


def ruling_on_gaps(
    known: Known, scope: Scope, fact: Fact, kinds: Mapping[Kind, frozenset[Scope]]
) -> Ruling:
    """
    Rule on a scope that lists of a token lack although it was asked for (rules 2 and 10).

    :param kinds: the lists of the token that do more than repeat the request, by their kind.
    """
    names = frozenset().union(*kinds.values()) - set(fact.question.asked)
    if other_names := _other_names(known, scope, names):
        return contradictory(f"it may be what is listed as {other_names[0]}")
    if not any(_is_trustworthy(known, scope, *held, fact) for held in kinds.items()):
        return _issued_and_never_listed(known, scope)
    if not names.union(*kinds.values()).isdisjoint(fact.question.asked) and not (
        scope in known.facts.left_out_by_itself
        or (known.behavior.narrows and not known.behavior.drops_companions)
    ):
        return unknown(Reason.UNCONFIRMED)
    return Ruling(Verdict.DENIED, Reason.LEFT_OUT, Evidence.TOKEN)


def _other_names(known: Known, scope: Scope, names: frozenset[Scope]) -> list[Scope]:
    """Names that were not asked for, and resemble the scope or came only with it."""
    return sorted(
        name
        for name in names
        if resembles(name, scope)
        or all(scope in fact.question.asked for fact in known.facts.showing(name))
    )


def _is_trustworthy(
    known: Known, scope: Scope, kind: Kind, names: frozenset[Scope], fact: Fact
) -> bool:
    """
    Whether a list of this kind would show the scope if it had been given (rule 2).

    (a) It showed it to another client; or (b) it left out a lone scope that it showed to another,
    and known scopes are never refused; or (c) it left out the canary alike.
    """
    if known.server.is_listed_for_others(kind, scope, known.client):
        return True
    if kind in known.server.left_out_alone and not known.server.known_refused:
        return True
    return _is_like_the_canary(known, scope) and _is_left_out_like_the_canary(
        known, kind, names, fact
    )


def _is_like_the_canary(known: Known, scope: Scope) -> bool:
    """
    Neither is refused; or others are, but neither of these to anybody: no such scope exists here.

    A server that refuses what it withholds may have granted what its lists do not show.
    """
    server, key = known.server, (known.audience, scope)
    if known.audience in server.canary_refused:
        return False
    return not server.refuses or key in server.no_such_scopes


def _is_left_out_like_the_canary(
    known: Known, kind: Kind, names: frozenset[Scope], fact: Fact
) -> bool:
    """The canary was missing from the same list, or from one for itself where nothing came here."""
    canary, asked = known.facts.assignment.canary, fact.question.asked
    if canary in asked:
        return True
    return names.isdisjoint(asked) and any(
        isinstance(other.answer, Issued)
        and canary not in true_lists(known, other.answer).get(kind, {canary})
        for other in known.facts.about(canary)
    )


def _issued_and_never_listed(known: Known, scope: Scope) -> Ruling:
    """No list ever showed the scope to anybody: it may be one that tokens do not show."""
    is_ever_listed = any(scope in names for names in known.facts.listed.values()) or any(
        known.server.is_listed_for_others(kind, scope, known.client) for kind in known.facts.listed
    )
    is_policed = known.server.is_refused_to_others(known.audience, scope, known.client)
    is_issued_alone = scope in known.facts.issued_alone
    if is_issued_alone and is_policed and not is_ever_listed and known.is_refused_the_canary:
        return Ruling(Verdict.GRANTED, Reason.ACCEPTED_ALONE, Evidence.ALONE)
    return unknown(Reason.UNCONFIRMED)
