"""A verdict on each scope of one client, from facts alone. Nothing else makes verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from scopeprobe.model.answer import (
    Answer,
    Fact,
    GrantNotAllowed,
    Issued,
    Refusal,
    Refused,
    Subject,
    TooLarge,
    Unanswered,
    Unauthenticated,
    alike,
    is_plain_about_scope,
)
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.behavior import ServerBehavior
from scopeprobe.model.cell import Cell, Evidence, Reason, Verdict
from scopeprobe.model.scope_names import Scope, prefix
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.no_token_rulings import ruling_without_token
from scopeprobe.verdicts.ruling import (
    Known,
    Ruling,
    denied,
    granted_by_list,
    may_be_about_the_parameter,
    unanswered,
    unknown,
)
from scopeprobe.verdicts.token_rulings import ruling_on_token, ruling_without_asking

_NOT_THE_SCOPE = {Subject.TARGET, Subject.SCOPE_PARAMETER}
"""What a refusal of several scopes may be about that holds for each of them."""


def judge(
    assignment: Assignment,
    behavior: ServerBehavior,
    facts: Iterable[Fact],
    open_because: Reason,
    other_targets: Iterable[Fact] = (),
) -> tuple[Cell, ...]:
    """
    Return a cell for every candidate, and for every other scope that a token carries.

    `open_because` is why the asking stopped: the reason of every cell that no fact speaks of.
    `other_targets` are the facts of the client's other targets, whose credentials are the same.
    Rules: docs/design.md, "Verdicts".
    """
    known = Known(
        ClientFacts(assignment, tuple(facts)),
        behavior,
        open_because,
        ClientFacts(assignment, tuple(other_targets)),
    )
    rulings = {scope: _rule_on(known, scope) for scope in assignment.candidates}
    rulings |= {scope: _rule_on_unlisted(known, scope) for scope in _unlisted(known)}
    return tuple(_cell(assignment, scope, rulings[scope]) for scope in sorted(rulings))


def _cell(assignment: Assignment, scope: Scope, ruling: Ruling) -> Cell:
    status, error, description = _particulars(ruling.because)
    client = assignment.client
    return Cell(
        client=client.name,
        client_id=client.client_id,
        audience=assignment.target.label,
        scope=scope,
        verdict=ruling.verdict,
        reason=ruling.reason,
        evidence=ruling.evidence,
        http_status=status,
        error=error,
        error_description=description,
        limited_to=ruling.limited_to,
    )


def _particulars(answer: Answer | None) -> tuple[int | None, str, str]:
    match answer:
        case None | Issued():  # a token settled it, or nothing did
            return None, "", ""
        case TooLarge(status=status):
            return status, "", ""
        case Refused() | Unauthenticated() | GrantNotAllowed() | Unanswered():
            return answer.status, answer.error, answer.description
        case _:
            assert_never(answer)


def _unlisted(known: Known) -> set[Scope]:
    """Scopes that tokens carry without being candidates (docs/design.md, rule 14)."""
    assignment = known.facts.assignment
    own = {*assignment.candidates, *assignment.shapes, assignment.canary, Scope("")}
    sure = [issued for issued in known.facts.issued if not issued.unconfirmed]
    names = {name for issued in sure for name in issued.names}
    rights = {right for issued in sure for right in issued.rights or ()}
    return (names | rights) - own


def _rule_on_unlisted(known: Known, scope: Scope) -> Ruling:
    if known.facts.lists(scope):
        return Ruling(Verdict.GRANTED, Reason.UNLISTED, Evidence.TOKEN)
    issued = next(i for i in reversed(known.facts.issued) if scope in (i.rights or ()))
    limited_to = issued.limited_to(scope)
    return Ruling(Verdict.GRANTED, Reason.UNLISTED, Evidence.API, limited_to=limited_to)


def _rule_on(known: Known, scope: Scope) -> Ruling:
    ruling = _ruled(known, scope)
    if ruling.verdict is not Verdict.GRANTED:
        return ruling
    if (known.label, prefix(scope)) in known.behavior.open_shapes:
        return Ruling(Verdict.UNENFORCED, Reason.SHAPE_UNENFORCED, ruling.evidence)
    return ruling


def _ruled(known: Known, scope: Scope) -> Ruling:
    if not known.facts.assignment.client.server.traits.send_scope and known.facts.successes:
        return ruling_without_asking(known, scope)
    if not known.facts.successes:
        return ruling_without_token(known, scope)
    answered = known.facts.about(scope)
    if not answered or isinstance(answered[-1].answer, TooLarge | Unanswered):
        return _answered_in_sets(known, scope, answered[-1].answer if answered else None)
    match answered[-1].answer:
        case Issued():
            return ruling_on_token(known, scope, answered[-1])
        case Refused() | Unauthenticated() | GrantNotAllowed() as refusal:
            return _refused(known, scope, refusal, answered)
        case _ as other:
            raise AssertionError(other)


def _answered_in_sets(known: Known, scope: Scope, alone: Answer | None) -> Ruling:
    """
    Rule on a scope that has no answer of its own, by the answers to sets that contain it.

    A set that was refused says nothing of its members, unless the refusal names them.
    """
    issued = [
        (fact, fact.answer)
        for fact in known.facts.with_others(scope)
        if isinstance(fact.answer, Issued)
    ]
    listing = [fact for fact, answer in issued if scope in answer.names]
    silent = [fact for fact, answer in issued if not answer.tells]
    if settling := listing or silent or [fact for fact, _ in issued]:
        return ruling_on_token(known, scope, settling[-1])
    for fact in known.facts.with_others(scope):
        if isinstance(fact.answer, Refused) and fact.answer.about in _NOT_THE_SCOPE:
            return _refused(known, scope, fact.answer, [fact])
    if (naming := _believed_naming(known, scope)) is not None:
        return Ruling(Verdict.DENIED, Reason.NAMED_IN_REFUSAL, Evidence.SET, because=naming.answer)
    return unanswered(known, scope, alone)


def _believed_naming(known: Known, scope: Scope) -> Fact | None:
    """A refusal that names the scope, where naming was confirmed and was never wrong."""
    if known.behavior.names_culprits and not known.behavior.names_off:
        return known.facts.naming(scope)
    return None


def _refused(known: Known, scope: Scope, refusal: Refusal, answered: list[Fact]) -> Ruling:
    match refusal:
        case Refused(about=Subject.TARGET):
            return unknown(Reason.NEEDS_TARGET, refusal)
        case Refused(about=Subject.SCOPE_PARAMETER):
            return _without_parameter(known, scope, refusal)
        case _:
            return _refused_for_its_scope(known, scope, refusal, answered)


def _refused_for_its_scope(
    known: Known, scope: Scope, refusal: Refusal, answered: list[Fact]
) -> Ruling:
    if known.facts.lists(scope):
        return unknown(Reason.CONTRADICTORY, refusal)
    if not known.facts.is_bracketed(answered[-1]):
        return unknown(Reason.REFUSALS_UNBRACKETED, refusal)
    if not (is_plain_about_scope(refusal) or _is_meant_for_the_scope(known, answered)):
        return unknown(Reason.REFUSALS_UNBRACKETED, refusal)
    if may_be_about_the_parameter(known, refusal):
        return unknown(Reason.UNCONFIRMED, refusal)
    return denied(known, refusal)


def _without_parameter(known: Known, scope: Scope, refusal: Refusal) -> Ruling:
    """The server wants no `scope` at all: what a token shows without it is granted."""
    for issued in known.facts.issued:
        if scope in issued.names:
            return granted_by_list(scope, issued)
    return unknown(Reason.UNCONFIRMED, refusal)


def _is_meant_for_the_scope(known: Known, answered: list[Fact]) -> bool:
    """
    Whether an unspecific refusal is how this server refuses a scope (docs/design.md, rule 6).

    It is where the canary met the same; else the scope must have met it twice, so that a passing
    fault of the server, or a throttle that was not recognized, denies nothing.
    """
    refusal = answered[-1].answer
    again = sum(alike(fact.answer, refusal) for fact in answered)
    return again > 1 or alike(refusal, known.facts.canary)
