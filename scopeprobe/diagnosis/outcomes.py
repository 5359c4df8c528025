"""What the answer of an experiment shows: of the credentials, and of the scopes asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus

from msgspec.structs import replace

from scopeprobe.diagnosis.case import Case
from scopeprobe.diagnosis.causes import Judged, cause_texts
from scopeprobe.diagnosis.confidence import PLAIN
from scopeprobe.diagnosis.error_patterns import patterns_in
from scopeprobe.model.answer import (
    Answer,
    GrantNotAllowed,
    Issued,
    Refused,
    Subject,
    TooLarge,
    Unanswered,
    Unauthenticated,
    is_plain_about_scope,
)
from scopeprobe.model.cell import Reason
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import RequestChange
from scopeprobe.model.scope_names import Scope

_READ_BY_A_SERVER = {Reason.MALFORMED_ANSWER, Reason.SERVER_ERROR}


def failures_in(log: Sequence[Experiment]) -> list[Experiment]:
    """
    Failed authentications, as far as no token was ever issued to the same credentials.

    Where one was issued, the 401 was about the scopes.
    """
    good = {credentials_of(e.question.change) for e in log if is_accepting(e.answer)}
    return [e for e in log if is_failure(e) and credentials_of(e.question.change) not in good]


def credentials_of(change: RequestChange) -> RequestChange:
    """The part of a change that authenticates."""
    return replace(change, dropped=(), added=(), proof=False)


def is_failure(experiment: Experiment) -> bool:
    """What a server counts as a failed authentication, or may count."""
    answer = experiment.answer
    if isinstance(answer, Unanswered):
        return answer.status == HTTPStatus.UNAUTHORIZED or is_said_of_credentials(experiment)
    return isinstance(answer, Unauthenticated) and not is_past_credentials(experiment)


def is_said_of_credentials(experiment: Experiment) -> bool:
    """A server's words about credentials, under whatever status and in whatever shape."""
    answer = experiment.answer
    if isinstance(answer, Unanswered) and answer.reason not in _READ_BY_A_SERVER:
        return False
    if getattr(answer, "error", "") == "invalid_client":
        return True
    texts = (cause_texts()[pattern.cause] for pattern in patterns_in(experiment))
    return any("credentials" in text.said_of and not text.is_behind_credentials for text in texts)


def speaks_plainly(experiment: Experiment, of: Judged, but_of: str = "") -> bool:
    """The server says in plain words that it means this part of the request."""
    answer = experiment.answer
    if isinstance(answer, Unauthenticated) and answer.unknown_client:
        return of == "credentials" and but_of != "unknown_client"
    named = {p.cause for p in patterns_in(experiment) if p.confidence >= PLAIN}
    return any(of in cause_texts()[cause].said_of for cause in named - {but_of})


def may_be_about_scopes(experiment: Experiment, case: Case) -> bool:
    """A failed authentication that may be how this server words a bad or a missing scope."""
    answer = experiment.answer
    if not is_failure(experiment) or case.words_scopes_otherwise(answer):
        return False
    return not speaks_plainly(experiment, "credentials")


def may_be_about_the_body(experiment: Experiment) -> bool:
    """What servers answer that could not read the body, and others for other reasons."""
    answer = experiment.answer
    if isinstance(answer, Unanswered) and answer.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return True
    if named := {pattern.cause for pattern in patterns_in(experiment)}:
        return "body_not_form" in named
    if isinstance(answer, GrantNotAllowed):
        return answer.error == "unsupported_grant_type"
    is_unsaid = isinstance(answer, Refused) and answer.about is Subject.UNSAID
    return is_unsaid and getattr(answer, "error", "") == "invalid_request"


def is_accepting(answer: Answer) -> bool:
    """The credentials were accepted: a token was issued."""
    return isinstance(answer, Issued)


def is_past_credentials(experiment: Experiment) -> bool:
    """The answer says that the server accepted the credentials and looked further."""
    match experiment.answer:
        case Issued() | GrantNotAllowed():
            return True
        case Refused(about=about) as answer:
            if about is not Subject.UNSAID or is_plain_about_scope(answer):
                return True
        case Unauthenticated():
            pass
        case _:
            return False
    return any(
        cause_texts()[pattern.cause].is_behind_credentials for pattern in patterns_in(experiment)
    )


def is_refused_for_no_scope(experiment: Experiment) -> bool:
    """Past the credentials, and refused for something that is neither: grant, proof, target."""
    if is_accepting(experiment.answer) or not is_past_credentials(experiment):
        return False
    answer = experiment.answer
    about_scope = {Subject.SCOPE, Subject.UNKNOWN_SCOPE, Subject.SCOPE_PARAMETER}
    return not (isinstance(answer, Refused) and answer.about in about_scope)


def is_out_of_reach(answer: Answer) -> bool:
    """No authorization server answered, or none that can be understood."""
    return isinstance(answer, Unanswered | TooLarge)


def lists_scopes(log: Iterable[Experiment]) -> bool:
    """Some token was shown to carry all that was asked for: where none is shown, none is there."""
    return any(
        isinstance(issued := experiment.answer, Issued) and all(map(issued.carries, asked))
        for experiment in log
        if (asked := experiment.question.scopes)
    )


def left_out(experiment: Experiment, log: Iterable[Experiment]) -> tuple[Scope, ...]:
    """Asked scopes that a token was issued without."""
    issued, asked = experiment.answer, experiment.question.asked
    if not isinstance(issued, Issued):
        return ()
    if not issued.tells and issued.rights is None:
        return asked if lists_scopes(log) else ()
    return tuple(scope for scope in asked if issued.carries(scope) is False)
