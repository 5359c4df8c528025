"""Rulings on what an issued token says of a scope (DESIGN, rules 1, 2 and 7)."""

from __future__ import annotations

from scopeprobe.model.answer import Fact, Issued, Unanswered
from scopeprobe.model.cell import Evidence, Reason, Verdict
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope, resembles
from scopeprobe.verdicts.ruling import Known, Ruling, by_rights, granted_by_list, unknown


def ruling_without_asking(known: Known, scope: Scope) -> Ruling:
    """The scope was never sent: what the token shows by itself decides (`send_scope`)."""
    issued, assignment = known.facts.issued[-1], known.facts.assignment
    server = assignment.client.server
    if issued.unconfirmed or scope == assignment.target.fixed_scope(server):
        return unknown(Reason.UNCONFIRMED)
    if issued.rights is not None:
        return by_rights(is_held=issued.allows(scope))
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
    """A token was issued for the scope, alone or among others; its rights may say otherwise."""
    issued = fact.answer
    assert isinstance(issued, Issued)  # noqa: S101 - its callers chose it so
    ruling = _read(known, scope, issued, fact.question)
    if ruling.verdict is Verdict.DENIED:
        return ruling
    if issued.unconfirmed:
        return unknown(Reason.UNCONFIRMED)
    if issued.rights is None or ruling.verdict is not Verdict.GRANTED:
        return ruling
    return by_rights(is_held=issued.carries(scope) or None)


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
    Introspection lists others only.

    It may tell each caller what concerns it and no more (RFC 7662 section 2.2), so it takes a
    server that was seen to list scopes there, and an answer that does not say otherwise.
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
    A list without the scope: denied, unless the scope may stand there under another name.

    It may where the list, less what was asked beside the scope, is not the one that is given
    for nothing, or holds a name like it.
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
    """And not for want of a companion: shown by this client, or by others of the server."""
    if known.facts.is_left_out_by_itself(scope):
        return True
    return known.behavior.narrows and not known.behavior.drops_companions


def _silent_token(known: Known, scope: Scope, issued: Issued, question: Question) -> Ruling:
    """A token that tells nothing of its scopes (rule 1)."""
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
