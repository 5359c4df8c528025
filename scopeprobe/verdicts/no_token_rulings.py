"""Rulings on a client that never got a token (docs/design.md, rules 7 and 8)."""

from __future__ import annotations

from collections.abc import Iterator

from scopeprobe.model.answer import (
    Answer,
    Fact,
    GrantNotAllowed,
    Likeness,
    Refusal,
    Refused,
    Subject,
    Unauthenticated,
    is_plain_about_scope,
)
from scopeprobe.model.cell import Reason, Verdict
from scopeprobe.model.question import WITHOUT_SCOPE
from scopeprobe.model.scope_names import Scope
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.ruling import Known, Ruling, denied, unanswered, unknown

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
    everywhere = ClientFacts(
        known.facts.assignment, (*known.facts.facts, *known.other_targets.facts)
    )
    failures = [fact for fact in everywhere.facts if _is_failure(known, fact.answer)]
    others = (answer for answer in everywhere.refusals if not _is_failure(known, answer))
    is_rejected = all(map(is_plain_about_scope, others))
    if failures and is_rejected and not everywhere.successes:
        return _unauthenticated(known, everywhere, failures)
    match known.facts.control:
        case GrantNotAllowed() as control:
            return unknown(Reason.GRANT_NOT_ALLOWED, control)
        case Refused(about=Subject.TARGET) as control:
            return unknown(Reason.NEEDS_TARGET, control)
        case Refused() as control if not _sends_scope(known):
            return unknown(Reason.AUTHENTICATION_UNPROVED, control)
        case _:
            return _refused_without_token(known, scope)


def _is_failure(known: Known, answer: Answer) -> bool:
    """
    A failed authentication; or, where good clients need no scope, what may be one in strange words.

    `access_denied` says that somebody is known, and denied.
    """
    if isinstance(answer, Refused) and known.server.issues_without_scope:
        is_said = is_plain_about_scope(answer) or answer.about is not Subject.UNSAID
        return not is_said and answer.error != "access_denied"
    return isinstance(answer, Unauthenticated)


def _refused_without_token(known: Known, scope: Scope) -> Ruling:
    answered = known.facts.about(scope)
    match answered[-1].answer if answered else None:
        case Refused(about=Subject.TARGET) as refused:
            return unknown(Reason.NEEDS_TARGET, refused)
        case Refused() as refused:
            if is_plain_about_scope(refused) and _passed_authentication(known):
                return denied(known, refused)
            return unknown(Reason.AUTHENTICATION_UNPROVED, refused)
        case GrantNotAllowed() | Unauthenticated() as answer:
            return unknown(Reason.AUTHENTICATION_UNPROVED, answer)
        case None if known.open_because is Reason.CLIENT_LEFT_ALONE:
            return unknown(Reason.AUTHENTICATION_UNPROVED, known.facts.control)
        case answer:
            return unanswered(known, answer or known.facts.control)


def _passed_authentication(known: Known) -> bool:
    """
    The server rejects credentials before it looks at scopes, and never rejected these.

    Unless the provider's pack says so, it must not have refused this client what others are given:
    a token without scope, or for an invented one.
    """
    is_refused_bare = isinstance(known.facts.control, Refusal)
    is_refused_what_others_get = known.server.issues_canary or (
        is_refused_bare and known.server.issues_without_scope
    )
    is_shown = known.behavior.rejects_credentials_first and not is_refused_what_others_get
    is_first = is_shown or known.facts.assignment.client.server.traits.credentials_first
    return is_first and not any(isinstance(a, Unauthenticated) for a in known.facts.refusals)


def _unauthenticated(known: Known, facts: ClientFacts, failures: list[Fact]) -> Ruling:
    """
    No request got past authentication: are the credentials rejected, or is it the scopes?

    Some may have been refused for their scopes, where these are looked at before the secret.
    They are rejected where a request without scope and a hopeful one failed alike, and no client
    with good credentials met that without scope; or where the single try of tonight met what all
    met last night.
    """
    answer = failures[0].answer
    if known.open_because in _CUT_SHORT:
        return unknown(known.open_because, answer)
    met = _met_bare_and_hopeful(known, facts, failures)
    if not met - known.server.failures_without_scope and not _is_as_last_night(known, failures):
        return unknown(Reason.AUTHENTICATION_UNPROVED, answer)
    if _says_no_more_than_401(known, answer) and not _is_as_last_night(known, failures):
        return unknown(Reason.AUTHENTICATION_UNPROVED, answer)
    is_unknown = all(getattr(fact.answer, "unknown_client", False) for fact in failures)
    reason = Reason.UNKNOWN_CLIENT if is_unknown else Reason.CREDENTIALS_REJECTED
    return Ruling(Verdict.UNAUTHENTICATED, reason, because=answer)


def _met_bare_and_hopeful(
    known: Known, facts: ClientFacts, failures: list[Fact]
) -> set[Likeness | None]:
    """What was met both without scope and for a hopeful scope; where none is sent, without it."""
    bare = {facts.likeness(fact) for fact in failures if fact.question == WITHOUT_SCOPE}
    if not (_sends_scope(known) and facts.assignment.candidates):
        return bare
    hopeful: set[tuple[Scope, ...]] = {(scope,) for scope in _hopeful(known, facts)}
    hopeful |= {fact.question.asked for fact in known.other_targets.facts}
    return bare & {
        facts.likeness(fact)
        for fact in failures
        if fact.question.scopes and fact.question.scopes in hopeful
    }


def _hopeful(known: Known, facts: ClientFacts) -> Iterator[Scope]:
    """
    Candidates that the client may well have; all, where none is likelier than others.

    So are all where clients need no scope at all: then it is not for the scope that this one fails.
    """
    assignment = facts.assignment
    likely = [
        scope
        for scope in assignment.candidates
        if assignment.is_hopeful(scope)
        or known.server.is_given_to_others(facts.audience, scope, known.client)
    ]
    is_any_good = known.server.issues_without_scope or not likely
    yield from assignment.candidates if is_any_good else likely


def _says_no_more_than_401(known: Known, answer: Answer) -> bool:
    """
    A status without a code, for scopes that may be withheld: it may be the scope as well.

    `invalid_client` is what RFC 6749 section 5.2 has for failed authentication.
    """
    is_bare = isinstance(answer, Unauthenticated) and not answer.error
    is_told = known.server.issues_without_scope or known.facts.assignment.most_hopeful
    return is_bare and not is_told


def _is_as_last_night(known: Known, failures: list[Fact]) -> bool:
    """Last night every cell was `unauthenticated`, by an answer like the only one of tonight."""
    assignment = known.facts.assignment
    if not assignment.was_unauthenticated or len(failures) != 1:
        return False
    answer = failures[0].answer
    assert isinstance(answer, Unauthenticated | Refused)  # noqa: S101 - its caller chose it so
    met = {
        (cell.http_status, cell.error, cell.error_description) for cell in assignment.known_before
    }
    return met == {(answer.status, answer.error, answer.description)}


def _sends_scope(known: Known) -> bool:
    return known.facts.assignment.client.server.traits.send_scope
