"""Which answers a server may have counted as failed authentications."""

import pytest

from scopeprobe.model.answer import (
    GrantNotAllowed,
    Issued,
    Refused,
    Subject,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.cell import Reason
from scopeprobe.model.failed_authentication import (
    may_be_failed_authentication,
    may_count_in_a_diagnosis,
)


def fault(reason, status=None, error=""):
    return Unanswered(reason, status=status, error=error)


ALWAYS = [
    Unauthenticated(401, "invalid_client"),
    GrantNotAllowed(400, "unauthorized_client"),
    Refused(400, "wrong_something"),
    fault(Reason.MALFORMED_ANSWER, 200),
    fault(Reason.MALFORMED_ANSWER, 401),
    fault(Reason.TIMED_OUT, 500),
    fault(Reason.SERVER_ERROR, 403),
    fault(Reason.SERVER_ERROR, 500, "bad_secret"),
]
UNTIL_PROVED = [
    fault(Reason.TIMED_OUT),
    fault(Reason.SERVER_ERROR, 503),
    fault(Reason.SERVER_ERROR, 500),
    fault(Reason.SERVER_ERROR, 502, "bad_gateway"),
    fault(Reason.MALFORMED_ANSWER, 502),
    fault(Reason.REDIRECTED, 302),
]
NEVER = [
    Issued(),
    Refused(400, "invalid_scope"),
    Refused(400, "wrong_something", about=Subject.TARGET),
    fault(Reason.THROTTLED, 401),
    fault(Reason.UNREACHABLE),
    fault(Reason.TLS_FAILURE),
]


@pytest.mark.parametrize("is_proved", [True, False])
@pytest.mark.parametrize(
    ("answers", "told"),
    [(ALWAYS, [True, True]), (UNTIL_PROVED, [False, True]), (NEVER, [False, False])],
    ids=["always", "until-proved", "never"],
)
def test_what_may_have_rejected_somebody_counts(answers, told, is_proved):
    expected = told[0] if is_proved else told[1]
    for answer in answers:
        assert may_be_failed_authentication(answer, is_proved=is_proved) is expected, answer
        if getattr(answer, "reason", None) is not Reason.REDIRECTED:
            assert may_count_in_a_diagnosis(answer, is_proved=is_proved) is expected, answer


@pytest.mark.parametrize("status", [404, 405, 410, 415, 501])
def test_in_a_diagnosis_nobody_looked_where_a_page_says_that_there_is_no_such_place(status):
    page = fault(Reason.MALFORMED_ANSWER, status)
    assert may_be_failed_authentication(page, is_proved=False)
    assert not may_count_in_a_diagnosis(page, is_proved=False)
    assert not may_count_in_a_diagnosis(fault(Reason.REDIRECTED, 302), is_proved=False)
