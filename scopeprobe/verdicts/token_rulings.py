"""Rulings on what an issued token says of a scope (docs/design.md, rules 1 to 5, 9 and 10)."""

from __future__ import annotations

from scopeprobe.model.answer import Fact, Issued, Unanswered
from scopeprobe.model.cell import Evidence, Reason, Verdict
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope, resembles
from scopeprobe.verdicts.ruling import Known, Ruling, by_rights, granted_by_list, unknown


def ruling_without_asking(known: Known, scope: Scope) -> Ruling:
    """The scope was never sent (`send_scope`): what the token shows by itself decides."""
    issued, assignment = known.facts.issued[-1], known.facts.assignment
    server = assignment.client.server
    if issued.unconfirmed or scope == assignment.target.fixed_scope(server):
        return unknown(Reason.UNCONFIRMED)
    if issued.rights is not None:
        return by_rights(scope, issued)
    carried = issued.carries(scope)
    is_disputed = issued.tells and carried is None
    if is_disputed or any(resembles(name, scope) for name in issued.names - {scope}):
        return unknown(Reason.CONTRADICTORY)
    if carried:
        return granted_by_list(scope, issued)
    is_readable = issued.tells or (issued.readable and bool(server.traits.claims))
    if server.traits.lists_all and is_readable:
        return Ruling(Verdict.DENIED, Reason.LEFT_OUT, Evidence.TOKEN)
    return unknown(Reason.UNCONFIRMED)


def ruling_on_token(known: Known, scope: Scope, fact: Fact) -> Ruling:
    """A token was issued for the scope, alone or in a set. The rights API may contradict it."""
    issued = fact.answer
    assert isinstance(issued, Issued)  # noqa: S101 - its callers chose it so
    ruling = _read(known, scope, issued, fact.question)
    if ruling.verdict is Verdict.DENIED:
        return ruling
    if issued.unconfirmed:
        return unknown(Reason.UNCONFIRMED)
    if issued.rights is None or ruling.verdict is not Verdict.GRANTED:
        return ruling
    return by_rights(scope, issued) if issued.carries(scope) else unknown(Reason.CONTRADICTORY)


def _read(known: Known, scope: Scope, issued: Issued, question: Question) -> Ruling:
    if not issued.tells:
        return _silent_token(known, scope, issued, question)
    if issued.confirmed is not None and scope not in issued.confirmed:
        return _not_confirmed(known, scope, issued, question)
    if scope not in issued.names:
        return _left_out(known, scope, issued, question)
    if not all(scope in names for names in issued.lists):
        return unknown(Reason.CONTRADICTORY)
    return _listed(known, scope, issued)


def _not_confirmed(known: Known, scope: Scope, issued: Issued, question: Question) -> Ruling:
    """
    Introspection does not list the scope: denied where introspection is known to list scopes.

    It may show each caller only what concerns it (RFC 7662 section 2.2). Where the answer or the
    token lists the scope, they contradict each other.
    """
    if scope in issued.names:
        return unknown(Reason.CONTRADICTORY)
    if not known.behavior.lists_when_introspected:
        return unknown(Reason.UNCONFIRMED)
    return _left_out(known, scope, issued, question)


def _listed(known: Known, scope: Scope, issued: Issued) -> Ruling:
    if known.facts.canary is None:
        if not (known.behavior.withholds or known.label in known.behavior.drops_canary):
            return unknown(_why_no_canary(known))
    elif not known.facts.drops_canary:
        return Ruling(Verdict.UNENFORCED, Reason.CANARY_ISSUED, Evidence.TOKEN)
    return granted_by_list(scope, issued)


def _why_no_canary(known: Known) -> Reason:
    """Why it is not known whether this server would list anything that is asked for."""
    for fact in known.facts.about(known.facts.assignment.canary):
        if isinstance(fact.answer, Unanswered):
            return fact.answer.reason
    return known.open_because


def _left_out(known: Known, scope: Scope, issued: Issued, question: Question) -> Ruling:
    """
    A list without the scope: denied, unless the scope may be listed under another name.

    It may where the list, without what was asked beside the scope, holds a name that is not listed
    for nothing as well, or one that resembles the scope (docs/design.md, rules 2 and 10).
    """
    names = issued.names - set(question.scopes or ())
    expected = known.facts.listed_for_nothing
    if (
        not names <= expected
        or known.facts.lists(scope)
        or any(resembles(name, scope) for name in names)
    ):
        return unknown(Reason.CONTRADICTORY)
    if _is_set(question) and not _is_dropped_for_itself(known, scope):
        return unknown(Reason.UNCONFIRMED)
    return Ruling(Verdict.DENIED, Reason.LEFT_OUT, Evidence.TOKEN)


def _is_dropped_for_itself(known: Known, scope: Scope) -> bool:
    """The scope is not left out because a companion was missing: some client shows it."""
    if known.facts.is_left_out_by_itself(scope):
        return True
    return known.behavior.narrows and not known.behavior.drops_companions


def _silent_token(known: Known, scope: Scope, issued: Issued, question: Question) -> Ruling:
    """A token that lists nothing (docs/design.md, rules 3, 4, 5 and 9)."""
    behavior, canary = known.behavior, known.facts.canary
    evidence = Evidence.SET if _is_set(question) else Evidence.ALONE
    if behavior.lists or (behavior.lists_in_token and issued.readable):
        if known.facts.lists(scope):
            return unknown(Reason.CONTRADICTORY)
        return Ruling(Verdict.DENIED, Reason.LEFT_OUT, evidence)
    canary_is_silent = isinstance(canary, Issued) and not canary.tells
    if canary_is_silent and not behavior.withholds:
        return Ruling(Verdict.UNENFORCED, Reason.SCOPE_NOT_USED, evidence)
    traits = known.facts.assignment.client.server.traits
    is_policed = (canary is not None or known.label in behavior.drops_canary) and (
        traits.absent_scope == "as_requested"
        or any(audience == known.label for audience, _ in behavior.polices)
    )
    if (known.label, scope) in behavior.polices or (is_policed and not canary_is_silent):
        reason = Reason.ACCEPTED_IN_SET if _is_set(question) else Reason.ACCEPTED_ALONE
        return Ruling(Verdict.GRANTED, reason, evidence)
    return unknown(Reason.UNCONFIRMED)


def _is_set(question: Question) -> bool:
    return len(question.scopes or ()) > 1
