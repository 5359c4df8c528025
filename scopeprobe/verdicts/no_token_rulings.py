"""Rulings on a client that never got a token (docs/design.md, rules 7 and 8)."""

from __future__ import annotations

from scopeprobe.model.answer import GrantNotAllowed, Refusal, Refused, Subject, Unauthenticated
from scopeprobe.model.cell import Reason, Verdict
from scopeprobe.model.scope_names import Scope
from scopeprobe.verdicts.ruling import (
    Known,
    Ruling,
    denied,
    may_be_about_the_parameter,
    unanswered,
    unknown,
)

_CUT_SHORT = {
    Reason.BUDGET_SPENT,
    Reason.DEADLINE,
    Reason.QUIET,
    Reason.INTERRUPTED,
    Reason.THROTTLED,
    Reason.AUTHENTICATION_UNPROVED,
}
"""Why a client may not have had all its tries, or is authenticated for another audience."""


def ruling_without_token(known: Known, scope: Scope) -> Ruling:
    """Rejected credentials, a grant that is not allowed, or neither is known."""
    refusals, control = known.facts.refusals, known.facts.control
    if not (known.facts.facts or known.other_targets.successes):
        refusals = known.other_targets.refusals  # never asked here, and rejected elsewhere
    if refusals and all(isinstance(answer, Unauthenticated) for answer in refusals):
        return _unauthenticated(known, refusals[0])
    match control:
        case GrantNotAllowed():
            return unknown(Reason.GRANT_NOT_ALLOWED, control)
        case Refused(about=Subject.TARGET):
            return unknown(Reason.NEEDS_TARGET, control)
        case Refused() if not known.facts.assignment.client.server.traits.send_scope:
            return unknown(Reason.AUTHENTICATION_UNPROVED, control)
        case _:
            return _judge_without_success(known, scope)


def _judge_without_success(known: Known, scope: Scope) -> Ruling:
    answered = known.facts.about(scope)
    match answered[-1].answer if answered else None:
        case Refused() as refused:
            return _refused_without_success(known, refused)
        case GrantNotAllowed() | Unauthenticated() as answer:
            return unknown(Reason.AUTHENTICATION_UNPROVED, answer)
        case answer:
            return unanswered(known, scope, answer or known.facts.control)


def _refused_without_success(known: Known, refused: Refused) -> Ruling:
    """Denied only by a server known to look at credentials first (docs/design.md, rule 7)."""
    server = known.facts.assignment.client.server
    if not (known.behavior.rejects_credentials_first or server.traits.credentials_first):
        return unknown(Reason.AUTHENTICATION_UNPROVED, refused)
    if refused.about is Subject.TARGET:
        return unknown(Reason.NEEDS_TARGET, refused)
    if may_be_about_the_parameter(known, refused):
        return unknown(Reason.UNCONFIRMED, refused)
    return denied(known, refused)


def _unauthenticated(known: Known, answer: Refusal) -> Ruling:
    """
    No request got past authentication: the credentials are rejected (docs/design.md, rule 8).

    They may be good all the same where good ones meet the same answer without `scope`: the client
    may have none of the scopes that were tried.
    """
    if known.open_because in _CUT_SHORT:
        return unknown(known.open_because, answer)
    if known.behavior.rejects_absent_scope:
        return unknown(Reason.AUTHENTICATION_UNPROVED, answer)
    unknown_client = isinstance(answer, Unauthenticated) and answer.unknown_client
    reason = Reason.UNKNOWN_CLIENT if unknown_client else Reason.CREDENTIALS_REJECTED
    return Ruling(Verdict.UNAUTHENTICATED, reason, because=answer)
