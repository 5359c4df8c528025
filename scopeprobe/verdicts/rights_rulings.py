"""Rulings on what tokens show by themselves: rights APIs, and servers that are sent no scope."""

from __future__ import annotations

from scopeprobe.model.answer import Issued
from scopeprobe.model.cell import Evidence, Reason, Verdict
from scopeprobe.model.scope_names import Scope, resembles
from scopeprobe.verdicts.ruling import Known, Ruling, contradictory, granted_by_list, unknown


def ruling_without_asking(known: Known, scope: Scope) -> Ruling:
    """The scope was never sent (`send_scope`): what the token shows by itself decides."""
    issued, assignment = known.facts.issued[-1], known.facts.assignment
    server = assignment.client.server
    if issued.unconfirmed or scope == assignment.target.fixed_scope(server):
        return unknown(Reason.UNCONFIRMED)
    if issued.rights is not None:
        return by_rights(scope, issued)
    if told := _disagreement(scope, issued):
        return contradictory(told)
    if issued.carries(scope):
        return granted_by_list(scope, issued)
    is_readable = issued.tells or (issued.readable and bool(server.traits.claims))
    if server.traits.lists_all and is_readable:
        return Ruling(Verdict.DENIED, Reason.LEFT_OUT, Evidence.TOKEN)
    return unknown(Reason.UNCONFIRMED)


def _disagreement(scope: Scope, issued: Issued) -> str:
    """Why the lists of a token are in doubt about the scope; empty where they are not."""
    if similar := sorted(n for n in issued.names - {scope} if resembles(n, scope)):
        return f"it may be what is listed as {similar[0]}"
    if issued.tells and issued.carries(scope) is None:
        return "one place of the token lists it, and another does not"
    return ""


def confirmed(ruling: Ruling, scope: Scope, issued: Issued) -> Ruling:
    """A grant as far as introspection or a rights API confirms it; any other ruling stays."""
    if ruling.verdict is not Verdict.GRANTED:
        return ruling
    if issued.unconfirmed:
        return unknown(Reason.UNCONFIRMED)
    if issued.rights is None:
        return ruling
    if not issued.carries(scope):
        return contradictory("the token lists it, and its rights do not hold it")
    return by_rights(scope, issued)


def by_rights(scope: Scope, issued: Issued) -> Ruling:
    """What a rights API tells is granted; a right that merely resembles the scope is no proof."""
    match issued.allows(scope):
        case True:
            limited_to = issued.limited_to(scope)
            reason = Reason.LISTED_BY_RIGHTS_API
            return Ruling(Verdict.GRANTED, reason, Evidence.API, limited_to=limited_to)
        case False:
            return Ruling(Verdict.DENIED, Reason.LEFT_OUT, Evidence.API)
        case None:
            return contradictory("a right resembles it")
