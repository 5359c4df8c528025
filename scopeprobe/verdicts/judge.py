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
    Refused,
    TooLarge,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.clients import Scope
from scopeprobe.model.findings import Evidence, Finding, Reason, Verdict
from scopeprobe.model.plans import Assignment
from scopeprobe.verdicts.lesson import Lesson
from scopeprobe.verdicts.testimony import Refusal, Testimony, names_on, tells

_UNSPECIFIC = {"invalid_request", "unsupported_parameter", ""}
"""Error codes that may be about the `scope` parameter as such, and not about its value."""


@dataclass(frozen=True, slots=True)
class _Ruling:
    """A verdict before it is written into its cell."""

    verdict: Verdict
    reason: Reason
    evidence: Evidence = Evidence.NONE
    because: Answer | None = None


def judge(
    assignment: Assignment, lesson: Lesson, facts: Iterable[Fact], open_because: Reason
) -> tuple[Finding, ...]:
    """
    Say what the facts prove about every candidate, and about scopes that tokens carry unasked.

    `open_because` is why the asking stopped: the reason of every cell that nothing is known of.
    Rules: DESIGN, "Verdicts".
    """
    bench = _Bench(Testimony(assignment, tuple(facts)), lesson, open_because)
    rulings = {scope: bench.rule_on(scope) for scope in assignment.candidates}
    rulings |= dict.fromkeys(
        bench.unlisted(), _Ruling(Verdict.GRANTED, Reason.UNLISTED, Evidence.TOKEN)
    )
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

    def unlisted(self) -> set[Scope]:
        """Scopes that tokens carry without being candidates (rule 9)."""
        assignment = self.testimony.assignment
        own = {*assignment.candidates, assignment.canary, Scope("")}
        return set(self.testimony.carried - own)

    def rule_on(self, scope: Scope) -> _Ruling:
        if not self.testimony.successes:
            return self._without_success(scope)
        answered = self.testimony.about(scope)
        if not answered or isinstance(answered[-1].answer, TooLarge | Unanswered):
            return self._unanswered(scope, answered[-1].answer if answered else None)
        match answered[-1].answer:
            case Issued() as issued:
                return self._issued(scope, issued)
            case Refused() | Unauthenticated() | GrantNotAllowed() as refusal:
                return self._refused(scope, refusal, answered)
            case _ as other:
                raise AssertionError(other)

    # -- a client that never got a token

    def _without_success(self, scope: Scope) -> _Ruling:
        refusals, control = self.testimony.refusals, self.testimony.control
        if refusals and all(isinstance(answer, Unauthenticated) for answer in refusals):
            return self._unauthenticated(refusals[-1])
        if isinstance(control, GrantNotAllowed):
            return _unknown(Reason.GRANT_NOT_ALLOWED, control)
        answered = self.testimony.about(scope)
        match answered[-1].answer if answered else None:
            case Refused() as refused:
                return self._refused_without_success(refused)
            case GrantNotAllowed() | Unauthenticated() as answer:
                return _unknown(Reason.AUTHENTICATION_UNPROVED, answer)
            case answer:
                return self._unanswered(scope, answer or control)

    def _refused_without_success(self, refused: Refused) -> _Ruling:
        """Denied only by a server known to look at credentials before scopes (rule 4)."""
        if not self.lesson.rejects_credentials_first:
            return _unknown(Reason.AUTHENTICATION_UNPROVED, refused)
        if self._may_be_about_the_parameter(refused):
            return _unknown(Reason.UNCONFIRMED, refused)
        return _Ruling(Verdict.DENIED, Reason.REFUSED_ALONE, Evidence.ALONE, refused)

    def _unauthenticated(self, answer: Refusal) -> _Ruling:
        """
        The credentials were accepted for nothing.

        Where a request without `scope` gets good credentials the same answer, and none of the
        scopes that were tried is one the client has, they may be good all the same.
        """
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
        if self.testimony.lists(scope):
            return _unknown(Reason.CONTRADICTORY, refusal)
        if not self.testimony.is_bracketed(answered[-1]):
            return _unknown(Reason.REFUSALS_UNBRACKETED, refusal)
        if isinstance(refusal, Unauthenticated) and not self._is_meant_for_the_scope(answered):
            return _unknown(Reason.REFUSALS_UNBRACKETED, refusal)
        if self._may_be_about_the_parameter(refusal):
            return _unknown(Reason.UNCONFIRMED, refusal)
        return _Ruling(Verdict.DENIED, Reason.REFUSED_ALONE, Evidence.ALONE, refusal)

    def _is_meant_for_the_scope(self, answered: list[Fact]) -> bool:
        """
        Whether a failed authentication amid successes is this server's way to refuse a scope.

        It is where the canary met the same answer; elsewhere the scope must have met it twice, so
        that a moment's fault of the server denies nothing.
        """
        again = [fact for fact in answered if isinstance(fact.answer, Unauthenticated)]
        return answered[-1].answer == self.testimony.canary or len(again) > 1

    def _may_be_about_the_parameter(self, refusal: Refusal) -> bool:
        """An unspecific code, met by the canary too, on a server that accepted no scope at all."""
        return (
            refusal.error in _UNSPECIFIC
            and not isinstance(refusal, Unauthenticated)
            and refusal == self.testimony.canary
            and not self.lesson.accepts_scopes
        )

    def _issued(self, scope: Scope, issued: Issued) -> _Ruling:
        told = [names for names in (issued.listed, issued.claimed) if names is not None]
        if not told:
            return self._untold(scope, issued)
        if len({scope in names for names in told}) > 1:
            return _unknown(Reason.CONTRADICTORY)
        return self._listed(scope, issued) if scope in told[0] else self._left_out(scope, issued)

    def _listed(self, scope: Scope, issued: Issued) -> _Ruling:
        if self.testimony.canary is None:
            if not self.lesson.withholds:
                return _unknown(self._why_no_canary())
        elif not self.testimony.drops_canary:
            return _Ruling(Verdict.UNENFORCED, Reason.CANARY_ISSUED, Evidence.TOKEN)
        in_response = issued.listed is not None and scope in issued.listed
        reason = Reason.LISTED_IN_RESPONSE if in_response else Reason.LISTED_IN_TOKEN
        return _Ruling(Verdict.GRANTED, reason, Evidence.TOKEN)

    def _why_no_canary(self) -> Reason:
        """Why it is not known whether this server would list anything that is asked for."""
        for fact in self.testimony.about(self.testimony.assignment.canary):
            if isinstance(fact.answer, Unanswered):
                return fact.answer.reason
        return self.open_because

    def _left_out(self, scope: Scope, issued: Issued) -> _Ruling:
        strangers = names_on(issued) - self.testimony.listed_unasked
        if strangers or self.testimony.lists(scope):
            return _unknown(Reason.CONTRADICTORY)
        return _Ruling(Verdict.DENIED, Reason.LEFT_OUT, Evidence.TOKEN)

    def _untold(self, scope: Scope, issued: Issued) -> _Ruling:
        """A token that tells nothing of its scopes (rule 1)."""
        lesson, canary = self.lesson, self.testimony.canary
        if lesson.lists or (lesson.lists_in_token and issued.readable):
            if self.testimony.lists(scope):
                return _unknown(Reason.CONTRADICTORY)
            return _Ruling(Verdict.DENIED, Reason.LEFT_OUT, Evidence.ALONE)
        canary_is_silent = isinstance(canary, Issued) and not tells(canary)
        if canary_is_silent and not lesson.withholds:
            return _Ruling(Verdict.UNENFORCED, Reason.SCOPE_NOT_USED, Evidence.ALONE)
        as_requested = self.testimony.assignment.client.server.absent_scope_as_requested
        is_policed = canary is not None and (bool(lesson.polices) or as_requested)
        if scope in lesson.polices or (is_policed and not canary_is_silent):
            return _Ruling(Verdict.GRANTED, Reason.ACCEPTED_ALONE, Evidence.ALONE)
        return _unknown(Reason.UNCONFIRMED)
