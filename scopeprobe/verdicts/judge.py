"""What the facts say about each scope of one client. The only maker of a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from scopeprobe.model.answers import (
    Answer,
    Fact,
    GrantNotAllowed,
    Issued,
    Question,
    Refusal,
    Refused,
    Subject,
    TooLarge,
    Unanswered,
    Unauthenticated,
    alike,
    is_plain_about_scope,
)
from scopeprobe.model.clients import Scope
from scopeprobe.model.findings import Evidence, Finding, Reason, Verdict
from scopeprobe.model.lessons import Lesson
from scopeprobe.model.plans import Assignment
from scopeprobe.verdicts.names import covers, resembles
from scopeprobe.verdicts.shapes import prefix
from scopeprobe.verdicts.testimony import Testimony, lists_of, names_on, tells

_CUT_SHORT = {
    Reason.BUDGET_SPENT,
    Reason.DEADLINE,
    Reason.INTERRUPTED,
    Reason.THROTTLED,
    Reason.AUTHENTICATION_UNPROVED,
}
"""Why a client may not have had all its tries, or is authenticated for another audience."""
_UNSPECIFIC = {"invalid_request", "unsupported_parameter", ""}
"""Error codes that may be about the `scope` parameter as such, and not about its value."""

_NOT_THE_SCOPE = {Subject.TARGET, Subject.SCOPE_PARAMETER}
"""What a refusal of several scopes may be about that holds for each of them."""


@dataclass(frozen=True, slots=True)
class _Ruling:
    """A verdict before it is written into its cell."""

    verdict: Verdict
    reason: Reason
    evidence: Evidence = Evidence.NONE
    because: Answer | None = None


def judge(
    assignment: Assignment,
    lesson: Lesson,
    facts: Iterable[Fact],
    open_because: Reason,
    elsewhere: Iterable[Fact] = (),
) -> tuple[Finding, ...]:
    """
    Say what the facts prove about every candidate, and about scopes that tokens carry unasked.

    `open_because` is why the asking stopped: the reason of every cell that nothing is known of.
    `elsewhere` are the facts of the client's other targets, whose credentials are the same.
    Rules: DESIGN, "Verdicts".
    """
    testimony, others = Testimony(assignment, tuple(facts)), Testimony(assignment, tuple(elsewhere))
    bench = _Bench(testimony, lesson, open_because, others)
    rulings = {scope: bench.rule_on(scope) for scope in assignment.candidates}
    rulings |= {scope: bench.rule_on_unlisted(scope) for scope in bench.unlisted()}
    return tuple(_finding(assignment, scope, rulings[scope]) for scope in sorted(rulings))


def _finding(assignment: Assignment, scope: Scope, ruling: _Ruling) -> Finding:
    status, error, description = _particulars(ruling.because)
    client = assignment.client
    return Finding(
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


@lru_cache(maxsize=64)
def _unknown(reason: Reason, because: Answer | None = None) -> _Ruling:
    return _Ruling(Verdict.UNKNOWN, reason, because=because)


@dataclass(frozen=True)
class _Bench:
    testimony: Testimony
    lesson: Lesson
    open_because: Reason
    elsewhere: Testimony

    def unlisted(self) -> set[Scope]:
        """Scopes that tokens carry without being candidates (rule 9)."""
        assignment = self.testimony.assignment
        own = {*assignment.candidates, *assignment.shapes, assignment.canary, Scope("")}
        sure = [issued for issued in self.testimony.issued if not issued.unconfirmed]
        carried = {name for issued in sure for name in names_on(issued)}
        rights = {right for issued in sure for right in issued.rights or ()}
        return (carried | rights) - own

    def rule_on_unlisted(self, scope: Scope) -> _Ruling:
        is_carried = self.testimony.lists(scope)
        evidence = Evidence.TOKEN if is_carried else Evidence.API
        return _Ruling(Verdict.GRANTED, Reason.UNLISTED, evidence)

    def rule_on(self, scope: Scope) -> _Ruling:
        ruling = self._ruled(scope)
        shape = self._label, prefix(scope)
        if ruling.verdict is not Verdict.GRANTED:
            return ruling
        if shape in self.lesson.open_shapes:
            return _Ruling(Verdict.UNENFORCED, Reason.SHAPE_UNENFORCED, ruling.evidence)
        return ruling

    @property
    def _label(self) -> str:
        return self.testimony.assignment.target.label

    def _ruled(self, scope: Scope) -> _Ruling:
        if not self.testimony.assignment.client.server.send_scope and self.testimony.successes:
            return self._told_unasked(scope)
        if not self.testimony.successes:
            return self._without_success(scope)
        answered = self.testimony.about(scope)
        if not answered or isinstance(answered[-1].answer, TooLarge | Unanswered):
            return self._answered_in_sets(scope, answered[-1].answer if answered else None)
        match answered[-1].answer:
            case Issued():
                return self._issued(scope, answered[-1])
            case Refused() | Unauthenticated() | GrantNotAllowed() as refusal:
                return self._refused(scope, refusal, answered)
            case _ as other:
                raise AssertionError(other)

    def _answered_in_sets(self, scope: Scope, alone: Answer | None) -> _Ruling:
        """
        What the answers to several scopes at once settle about one that was not heard alone.

        A set that was refused says nothing of its members, unless it names them.
        """
        issued = [
            (fact, fact.answer)
            for fact in self.testimony.with_others(scope)
            if isinstance(fact.answer, Issued)
        ]
        listing = [fact for fact, answer in issued if scope in names_on(answer)]
        silent = [fact for fact, answer in issued if not tells(answer)]
        if settling := listing or silent or [fact for fact, _ in issued]:
            return self._issued(scope, settling[-1])
        for fact in self.testimony.with_others(scope):
            if isinstance(fact.answer, Refused) and fact.answer.about in _NOT_THE_SCOPE:
                return self._refused(scope, fact.answer, [fact])
        if (naming := self._believed_naming(scope)) is not None:
            return _Ruling(
                Verdict.DENIED, Reason.NAMED_IN_REFUSAL, Evidence.SET, because=naming.answer
            )
        return self._unanswered(scope, alone)

    def _believed_naming(self, scope: Scope) -> Fact | None:
        """A refusal that names the scope, where naming was confirmed and was never wrong."""
        if self.lesson.names_culprits and not self.lesson.names_off:
            return self.testimony.naming(scope)
        return None

    # -- a server where one token tells everything

    def _told_unasked(self, scope: Scope) -> _Ruling:
        """The scope was never sent: what the token shows by itself decides (`send_scope`)."""
        issued, assignment = self.testimony.issued[-1], self.testimony.assignment
        server = assignment.client.server
        if issued.unconfirmed or scope == assignment.target.fixed_scope(server):
            return _unknown(Reason.UNCONFIRMED)
        if issued.rights is not None:
            return self._by_rights(scope, issued.rights)
        lists = lists_of(issued)
        told = {scope in names for names in lists}
        if len(told) > 1 or any(resembles(name, scope) for name in names_on(issued) - {scope}):
            return _unknown(Reason.CONTRADICTORY)
        if told == {True}:
            return self._carried(scope, issued)
        is_readable = bool(lists) or (issued.readable and bool(server.claims))
        if server.lists_all and is_readable:
            return _Ruling(Verdict.DENIED, Reason.LEFT_OUT, Evidence.TOKEN)
        return _unknown(Reason.UNCONFIRMED)

    def _by_rights(self, scope: Scope, rights: Iterable[Scope]) -> _Ruling:
        """What a rights API lists is granted; a right that differs in case only is a riddle."""
        if any(covers(right, scope) for right in rights):
            return _Ruling(Verdict.GRANTED, Reason.LISTED_BY_RIGHTS_API, Evidence.API)
        folded = Scope(scope.lower())
        if any(covers(Scope(right.lower()), folded) for right in rights):
            return _unknown(Reason.CONTRADICTORY)
        return _Ruling(Verdict.DENIED, Reason.LEFT_OUT, Evidence.API)

    # -- a client that never got a token

    def _without_success(self, scope: Scope) -> _Ruling:
        refusals, control = self.testimony.refusals, self.testimony.control
        if not (self.testimony.facts or self.elsewhere.successes):
            refusals = self.elsewhere.refusals  # never asked here, and rejected elsewhere
        if refusals and all(isinstance(answer, Unauthenticated) for answer in refusals):
            return self._unauthenticated(refusals[0])
        match control:
            case GrantNotAllowed():
                return _unknown(Reason.GRANT_NOT_ALLOWED, control)
            case Refused(about=Subject.TARGET):
                return _unknown(Reason.NEEDS_TARGET, control)
            case Refused() if not self.testimony.assignment.client.server.send_scope:
                return _unknown(Reason.AUTHENTICATION_UNPROVED, control)
            case _:
                return self._alone_without_success(scope)

    def _alone_without_success(self, scope: Scope) -> _Ruling:
        answered = self.testimony.about(scope)
        match answered[-1].answer if answered else None:
            case Refused() as refused:
                return self._refused_without_success(refused)
            case GrantNotAllowed() | Unauthenticated() as answer:
                return _unknown(Reason.AUTHENTICATION_UNPROVED, answer)
            case answer:
                return self._unanswered(scope, answer or self.testimony.control)

    def _refused_without_success(self, refused: Refused) -> _Ruling:
        """Denied only by a server known to look at credentials before scopes (rule 4)."""
        server = self.testimony.assignment.client.server
        if not (self.lesson.rejects_credentials_first or server.credentials_first):
            return _unknown(Reason.AUTHENTICATION_UNPROVED, refused)
        if refused.about is Subject.TARGET:
            return _unknown(Reason.NEEDS_TARGET, refused)
        if self._may_be_about_the_parameter(refused):
            return _unknown(Reason.UNCONFIRMED, refused)
        return self._denied(refused)

    def _denied(self, refusal: Refusal) -> _Ruling:
        is_unknown = isinstance(refusal, Refused) and (
            refusal.about is Subject.UNKNOWN_SCOPE
            or (self.lesson.tells_unknown_scopes and refusal.error == "invalid_scope")
        )
        reason = Reason.UNKNOWN_SCOPE if is_unknown else Reason.REFUSED_ALONE
        return _Ruling(Verdict.DENIED, reason, Evidence.ALONE, refusal)

    def _unauthenticated(self, answer: Refusal) -> _Ruling:
        """
        The credentials were accepted for nothing.

        Where a request without `scope` gets good credentials the same answer, and none of the
        scopes that were tried is one the client has, they may be good all the same.
        """
        if self.open_because in _CUT_SHORT:
            return _unknown(self.open_because, answer)
        if self.lesson.rejects_absent_scope:
            return _unknown(Reason.AUTHENTICATION_UNPROVED, answer)
        unknown_client = isinstance(answer, Unauthenticated) and answer.unknown_client
        reason = Reason.UNKNOWN_CLIENT if unknown_client else Reason.CREDENTIALS_REJECTED
        return _Ruling(Verdict.UNAUTHENTICATED, reason, because=answer)

    # -- an authenticated client

    def _unanswered(self, scope: Scope, answer: Answer | None) -> _Ruling:
        """Nothing was said about the scope alone; another token may still carry it."""
        if self.testimony.lists(scope) and self.testimony.drops_canary:
            return _Ruling(Verdict.GRANTED, Reason.LISTED_IN_RESPONSE, Evidence.TOKEN)
        match answer:
            case Unanswered(reason=reason):
                return _unknown(reason, answer)
            case TooLarge():
                return _unknown(Reason.MALFORMED_ANSWER, answer)
            case _:
                return _unknown(self.open_because)

    def _refused(self, scope: Scope, refusal: Refusal, answered: list[Fact]) -> _Ruling:
        match refusal:
            case Refused(about=Subject.TARGET):
                return _unknown(Reason.NEEDS_TARGET, refusal)
            case Refused(about=Subject.SCOPE_PARAMETER):
                return self._without_parameter(scope, refusal)
            case _:
                return self._refused_for_its_scope(scope, refusal, answered)

    def _refused_for_its_scope(
        self, scope: Scope, refusal: Refusal, answered: list[Fact]
    ) -> _Ruling:
        if self.testimony.lists(scope):
            return _unknown(Reason.CONTRADICTORY, refusal)
        if not self.testimony.is_bracketed(answered[-1]):
            return _unknown(Reason.REFUSALS_UNBRACKETED, refusal)
        if not (is_plain_about_scope(refusal) or self._is_meant_for_the_scope(answered)):
            return _unknown(Reason.REFUSALS_UNBRACKETED, refusal)
        if self._may_be_about_the_parameter(refusal):
            return _unknown(Reason.UNCONFIRMED, refusal)
        return self._denied(refusal)

    def _without_parameter(self, scope: Scope, refusal: Refusal) -> _Ruling:
        """The server wants no `scope` at all: what a token shows without it is granted."""
        for issued in self.testimony.issued:
            if scope in names_on(issued):
                return self._carried(scope, issued)
        return _unknown(Reason.UNCONFIRMED, refusal)

    def _is_meant_for_the_scope(self, answered: list[Fact]) -> bool:
        """
        Whether an answer that does not say so is this server's way to refuse a scope.

        It is where the canary met one like it; elsewhere the scope must have met it twice, so that
        a moment's fault of the server, or a throttle in words that nobody knows, denies nothing.
        """
        refusal = answered[-1].answer
        again = sum(alike(fact.answer, refusal) for fact in answered)
        return again > 1 or alike(refusal, self.testimony.canary)

    def _may_be_about_the_parameter(self, refusal: Refusal) -> bool:
        """An unspecific code, met by the canary too, on a server that accepted no scope at all."""
        return (
            refusal.error in _UNSPECIFIC
            and not isinstance(refusal, Unauthenticated)
            and alike(refusal, self.testimony.canary)
            and not self.lesson.accepts_scopes
        )

    def _issued(self, scope: Scope, fact: Fact) -> _Ruling:
        issued = fact.answer
        assert isinstance(issued, Issued)  # noqa: S101 - its callers chose it so
        ruling = self._read(scope, issued, fact.question)
        if ruling.verdict is Verdict.DENIED:
            return ruling
        if issued.unconfirmed:
            return _unknown(Reason.UNCONFIRMED)
        if issued.rights is None or ruling.verdict is not Verdict.GRANTED:
            return ruling
        by_rights = self._by_rights(scope, issued.rights)
        is_confirmed = by_rights.verdict is Verdict.GRANTED
        return by_rights if is_confirmed else _unknown(Reason.CONTRADICTORY)

    def _read(self, scope: Scope, issued: Issued, question: Question) -> _Ruling:
        told = lists_of(issued)
        if not told:
            return self._untold(scope, issued, question)
        if issued.confirmed is not None and scope not in issued.confirmed:
            return self._not_confirmed(scope, issued, question)
        if len({scope in names for names in told}) > 1:
            return _unknown(Reason.CONTRADICTORY)
        if scope in told[0]:
            return self._listed(scope, issued)
        return self._left_out(scope, issued, question)

    def _not_confirmed(self, scope: Scope, issued: Issued, question: Question) -> _Ruling:
        """
        Introspection lists others only.

        It may tell each caller what concerns it and no more (RFC 7662 section 2.2), so it takes a
        server that was seen to list scopes there, and an answer that does not say otherwise.
        """
        if any(scope in names for names in lists_of(issued)):
            return _unknown(Reason.CONTRADICTORY)
        if not self.lesson.lists_when_introspected:
            return _unknown(Reason.UNCONFIRMED)
        return self._left_out(scope, issued, question)

    def _carried(self, scope: Scope, issued: Issued) -> _Ruling:
        """Granted, by the first of the lists that holds the scope."""
        if issued.confirmed is not None and scope in issued.confirmed:
            return _Ruling(Verdict.GRANTED, Reason.INTROSPECTED, Evidence.TOKEN)
        in_response = issued.listed is not None and scope in issued.listed
        reason = Reason.LISTED_IN_RESPONSE if in_response else Reason.LISTED_IN_TOKEN
        return _Ruling(Verdict.GRANTED, reason, Evidence.TOKEN)

    def _listed(self, scope: Scope, issued: Issued) -> _Ruling:
        if self.testimony.canary is None:
            if not (self.lesson.withholds or self._label in self.lesson.drops_canary):
                return _unknown(self._why_no_canary())
        elif not self.testimony.drops_canary:
            return _Ruling(Verdict.UNENFORCED, Reason.CANARY_ISSUED, Evidence.TOKEN)
        return self._carried(scope, issued)

    def _why_no_canary(self) -> Reason:
        """Why it is not known whether this server would list anything that is asked for."""
        for fact in self.testimony.about(self.testimony.assignment.canary):
            if isinstance(fact.answer, Unanswered):
                return fact.answer.reason
        return self.open_because

    def _left_out(self, scope: Scope, issued: Issued, question: Question) -> _Ruling:
        """
        A list without the scope: denied, unless the scope may stand there under another name.

        It may where the list, less what was asked beside the scope, is not the one that is given
        for nothing, or holds a name like it.
        """
        names = names_on(issued) - set(question.scopes or ())
        expected = self.testimony.listed_for_nothing
        if (
            not names <= expected
            or self.testimony.lists(scope)
            or any(resembles(name, scope) for name in names)
        ):
            return _unknown(Reason.CONTRADICTORY)
        if _is_set(question) and not self._is_dropped_for_itself(scope):
            return _unknown(Reason.UNCONFIRMED)
        return _Ruling(Verdict.DENIED, Reason.LEFT_OUT, Evidence.TOKEN)

    def _is_dropped_for_itself(self, scope: Scope) -> bool:
        """And not for want of a companion: shown by this client, or by others of the server."""
        if self.testimony.is_left_out_by_itself(scope):
            return True
        return self.lesson.narrows and not self.lesson.drops_companions

    def _untold(self, scope: Scope, issued: Issued, question: Question) -> _Ruling:
        """A token that tells nothing of its scopes (rule 1)."""
        lesson, canary = self.lesson, self.testimony.canary
        evidence = Evidence.SET if _is_set(question) else Evidence.ALONE
        if lesson.lists or (lesson.lists_in_token and issued.readable):
            if self.testimony.lists(scope):
                return _unknown(Reason.CONTRADICTORY)
            return _Ruling(Verdict.DENIED, Reason.LEFT_OUT, evidence)
        canary_is_silent = isinstance(canary, Issued) and not tells(canary)
        if canary_is_silent and not lesson.withholds:
            return _Ruling(Verdict.UNENFORCED, Reason.SCOPE_NOT_USED, evidence)
        assignment = self.testimony.assignment
        label, as_requested = (
            assignment.target.label,
            assignment.client.server.absent_scope_as_requested,
        )
        is_policed = (canary is not None or label in lesson.drops_canary) and (
            as_requested or any(audience == label for audience, _ in lesson.polices)
        )
        if (label, scope) in lesson.polices or (is_policed and not canary_is_silent):
            reason = Reason.ACCEPTED_IN_SET if _is_set(question) else Reason.ACCEPTED_ALONE
            return _Ruling(Verdict.GRANTED, reason, evidence)
        return _unknown(Reason.UNCONFIRMED)


def _is_set(question: Question) -> bool:
    return len(question.scopes or ()) > 1
