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
from scopeprobe.model.fault import FaultCode

_REJECTING = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""Statuses that reject somebody, whatever came with them: a page, half a body, none."""
_ANSWERING = range(200, 501)
"""Statuses of token endpoints themselves; those above are a gateway's."""
_UNREADABLE = {Reason.MALFORMED_ANSWER, Reason.TIMED_OUT}
"""A page, or a body that was lost or came too late: its words may have rejected somebody."""
_NOT_READ = {
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.GONE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.NOT_IMPLEMENTED,
}
_MAY_BE_COUNTED = {
    Reason.SERVER_ERROR,
    Reason.MALFORMED_ANSWER,
    Reason.REDIRECTED,
}
"""Faults behind which a server may have looked at the secret, beside an answer that never came."""


def may_be_failed_authentication(answer: Answer, *, is_proved: bool) -> bool:
    """
    Whether the server may have counted this as a failed authentication, in whatever dress.

    Only words about the scope or the target rule that out (docs/design.md, "On the wire"):
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
            may_be_read = reason in _MAY_BE_COUNTED or never_came(answer)
            return _may_reject(answer) or (not is_proved and may_be_read)
        case _:
            return False


def _may_reject(fault: Unanswered) -> bool:
    """
    A rejecting status, an answer that could not be read, or a server that trips with a code.

    What is lost may have been an error under any status, that of a success too.
    """
    is_unread = fault.reason in _UNREADABLE and fault.status in _ANSWERING
    trips = fault.status == HTTPStatus.INTERNAL_SERVER_ERROR and fault.error
    return fault.status in _REJECTING or is_unread or bool(trips)


def never_came(answer: Answer) -> bool:
    """Whether a request was sent, and whatever was answered did not arrive."""
    match answer:
        case Unanswered(reason=Reason.TIMED_OUT) | Unanswered(error=FaultCode.CONNECTION_CLOSED):
            return True
        case _:
            return False


def may_count_in_a_diagnosis(answer: Answer, *, is_proved: bool) -> bool:
    """
    The same, for requests that differ from what is configured on purpose.

    Where a page says that there is no such place, that it is elsewhere, or that such a body is not
    read, nobody has looked at who asks.
    """
    match answer:
        case Unanswered(reason=Reason.REDIRECTED):
            return False
        case Unanswered(status=status) if status in _NOT_READ:
            return False
        case _:
            return may_be_failed_authentication(answer, is_proved=is_proved)
