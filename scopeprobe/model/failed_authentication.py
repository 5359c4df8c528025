"""Which answers may be failed authentications: the one predicate of plans and of the engine."""

from __future__ import annotations

from http import HTTPStatus

from scopeprobe.model.answer import (
    Answer,
    GrantNotAllowed,
    Refused,
    Subject,
    Unanswered,
    Unauthenticated,
    is_plain_about_scope,
)
from scopeprobe.model.cell import Reason

_REJECTING = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""Statuses that reject somebody, whatever came with them: a page, half a body, none."""
_REFUSING = range(400, 500)
_UNREADABLE = {Reason.MALFORMED_ANSWER, Reason.TIMED_OUT}
"""A page, or a body that was lost or came too late: its words may have rejected somebody."""
_MAY_BE_COUNTED = {
    Reason.TIMED_OUT,
    Reason.SERVER_ERROR,
    Reason.MALFORMED_ANSWER,
    Reason.REDIRECTED,
}
"""Faults behind which a server may have looked at the secret."""


def may_be_failed_authentication(answer: Answer, *, is_proved: bool) -> bool:
    """
    Whether the server may have counted this as a failed authentication, in whatever dress.

    Only words about the scope or the target rule that out (docs/design.md, "Manners on the wire"):
    a grant that is denied, a 404 or a text in an unknown language may be how a server words a wrong
    secret. Of faults only those may be, once the credentials were accepted (`is_proved`), that
    reject somebody; before that, all behind which the request may have been read.
    """
    match answer:
        case Refused():
            return not (is_plain_about_scope(answer) or answer.about is not Subject.UNSAID)
        case Unauthenticated() | GrantNotAllowed():
            return True
        case Unanswered(reason=Reason.THROTTLED):
            return False
        case Unanswered(reason=reason):
            return _may_reject(answer) or (not is_proved and reason in _MAY_BE_COUNTED)
        case _:
            return False


def _may_reject(fault: Unanswered) -> bool:
    """
    A rejecting status, or a refusal that could not be read.

    Or a server that trips over what it was sent: with a code, or nobody knows with what.
    """
    is_unread = fault.reason in _UNREADABLE
    if fault.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return is_unread or bool(fault.error)
    return fault.status in _REJECTING or (is_unread and fault.status in _REFUSING)


def looks_like_failed_authentication(answer: Answer, *, is_proved: bool) -> bool:
    """
    Whether this is what failed authentication gets by the RFCs, and nothing wilder.

    For a diagnosis: its requests differ from what is configured on purpose, so most of what they
    meet is about the request.
    """
    match answer:
        case Unauthenticated():
            return True
        case GrantNotAllowed():
            return is_proved
        case Unanswered(reason=reason, status=status):
            return status == HTTPStatus.UNAUTHORIZED and reason is not Reason.THROTTLED
        case _:
            return False
