"""What the facts say about each scope of one client. The only maker of a verdict."""

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
from scopeprobe.verdicts.rulings import (
    Case,
    Ruling,
    carried,
    denied,
    may_be_about_the_parameter,
    unanswered,
    unknown,
)
from scopeprobe.verdicts.testimony import Testimony, names_on, tells
from scopeprobe.verdicts.tokens import issued_for, told_unasked
from scopeprobe.verdicts.without_success import without_success

_NOT_THE_SCOPE = {Subject.TARGET, Subject.SCOPE_PARAMETER}
"""What a refusal of several scopes may be about that holds for each of them."""


def judge(
    assignment: Assignment,
    behavior: ServerBehavior,
    facts: Iterable[Fact],
    open_because: Reason,
    elsewhere: Iterable[Fact] = (),
) -> tuple[Cell, ...]:
    """
    Say what the facts prove about every candidate, and about scopes that tokens carry unasked.

    `open_because` is why the asking stopped: the reason of every cell that nothing is known of.
    `elsewhere` are the facts of the client's other targets, whose credentials are the same.
    Rules: DESIGN, "Verdicts".
    """
    testimony, others = Testimony(assignment, tuple(facts)), Testimony(assignment, tuple(elsewhere))
    case = Case(testimony, behavior, open_because, others)
    rulings = {scope: _rule_on(case, scope) for scope in assignment.candidates}
    rulings |= {scope: _rule_on_unlisted(case, scope) for scope in _unlisted(case)}
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


def _unlisted(case: Case) -> set[Scope]:
    """Scopes that tokens carry without being candidates (rule 9)."""
    assignment = case.testimony.assignment
    own = {*assignment.candidates, *assignment.shapes, assignment.canary, Scope("")}
    sure = [issued for issued in case.testimony.issued if not issued.unconfirmed]
    names = {name for issued in sure for name in names_on(issued)}
    rights = {right for issued in sure for right in issued.rights or ()}
    return (names | rights) - own


def _rule_on_unlisted(case: Case, scope: Scope) -> Ruling:
    evidence = Evidence.TOKEN if case.testimony.lists(scope) else Evidence.API
    return Ruling(Verdict.GRANTED, Reason.UNLISTED, evidence)


def _rule_on(case: Case, scope: Scope) -> Ruling:
    ruling = _ruled(case, scope)
    is_open = (case.label, prefix(scope)) in case.behavior.open_shapes
    if is_open and ruling.verdict is Verdict.GRANTED:
        return Ruling(Verdict.UNENFORCED, Reason.SHAPE_UNENFORCED, ruling.evidence)
    return ruling


def _ruled(case: Case, scope: Scope) -> Ruling:
    if not case.testimony.assignment.client.server.send_scope and case.testimony.successes:
        return told_unasked(case, scope)
    if not case.testimony.successes:
        return without_success(case, scope)
    answered = case.testimony.about(scope)
    if not answered or isinstance(answered[-1].answer, TooLarge | Unanswered):
        return _answered_in_sets(case, scope, answered[-1].answer if answered else None)
    match answered[-1].answer:
        case Issued():
            return issued_for(case, scope, answered[-1])
        case Refused() | Unauthenticated() | GrantNotAllowed() as refusal:
            return _refused(case, scope, refusal, answered)
        case _ as other:
            raise AssertionError(other)


def _answered_in_sets(case: Case, scope: Scope, alone: Answer | None) -> Ruling:
    """
    What the answers to several scopes at once settle about one that was not heard alone.

    A set that was refused says nothing of its members, unless it names them.
    """
    issued = [
        (fact, fact.answer)
        for fact in case.testimony.with_others(scope)
        if isinstance(fact.answer, Issued)
    ]
    listing = [fact for fact, answer in issued if scope in names_on(answer)]
    silent = [fact for fact, answer in issued if not tells(answer)]
    if settling := listing or silent or [fact for fact, _ in issued]:
        return issued_for(case, scope, settling[-1])
    for fact in case.testimony.with_others(scope):
        if isinstance(fact.answer, Refused) and fact.answer.about in _NOT_THE_SCOPE:
            return _refused(case, scope, fact.answer, [fact])
    if (naming := _believed_naming(case, scope)) is not None:
        return Ruling(Verdict.DENIED, Reason.NAMED_IN_REFUSAL, Evidence.SET, because=naming.answer)
    return unanswered(case, scope, alone)


def _believed_naming(case: Case, scope: Scope) -> Fact | None:
    """A refusal that names the scope, where naming was confirmed and was never wrong."""
    if case.behavior.names_culprits and not case.behavior.names_off:
        return case.testimony.naming(scope)
    return None


def _refused(case: Case, scope: Scope, refusal: Refusal, answered: list[Fact]) -> Ruling:
    match refusal:
        case Refused(about=Subject.TARGET):
            return unknown(Reason.NEEDS_TARGET, refusal)
        case Refused(about=Subject.SCOPE_PARAMETER):
            return _without_parameter(case, scope, refusal)
        case _:
            return _refused_for_its_scope(case, scope, refusal, answered)


def _refused_for_its_scope(
    case: Case, scope: Scope, refusal: Refusal, answered: list[Fact]
) -> Ruling:
    if case.testimony.lists(scope):
        return unknown(Reason.CONTRADICTORY, refusal)
    if not case.testimony.is_bracketed(answered[-1]):
        return unknown(Reason.REFUSALS_UNBRACKETED, refusal)
    if not (is_plain_about_scope(refusal) or _is_meant_for_the_scope(case, answered)):
        return unknown(Reason.REFUSALS_UNBRACKETED, refusal)
    if may_be_about_the_parameter(case, refusal):
        return unknown(Reason.UNCONFIRMED, refusal)
    return denied(case, refusal)


def _without_parameter(case: Case, scope: Scope, refusal: Refusal) -> Ruling:
    """The server wants no `scope` at all: what a token shows without it is granted."""
    for issued in case.testimony.issued:
        if scope in names_on(issued):
            return carried(scope, issued)
    return unknown(Reason.UNCONFIRMED, refusal)


def _is_meant_for_the_scope(case: Case, answered: list[Fact]) -> bool:
    """
    Whether an answer that does not say so is this server's way to refuse a scope.

    It is where the canary met one like it; elsewhere the scope must have met it twice, so that
    a moment's fault of the server, or a throttle in words that nobody knows, denies nothing.
    """
    refusal = answered[-1].answer
    again = sum(alike(fact.answer, refusal) for fact in answered)
    return again > 1 or alike(refusal, case.testimony.canary)
