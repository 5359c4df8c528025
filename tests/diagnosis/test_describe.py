"""Requests and answers of a diagnosis, as people read them."""

import pytest

from scopeprobe.diagnosis.describe import MOST_NAMED, answered, asked, shortened, times
from scopeprobe.model.answer import (
    GrantNotAllowed,
    Issued,
    Refused,
    TooLarge,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import AuthMethod
from scopeprobe.model.experiment import Experiment, Trace
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.question import AS_CONFIGURED, WITHOUT_SCOPE, RequestChange


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (AS_CONFIGURED, ""),
        (RequestChange(endpoint="https://x/t?key=1"), ", at https://x/t"),
        (RequestChange(auth_method=AuthMethod.CLIENT_SECRET_POST), ", with client_secret_post"),
        (RequestChange(basic_encoding=BasicEncoding.RAW), ", with Basic encoded raw"),
        (RequestChange(trimmed=True), ", without the white space around id and secret"),
        (RequestChange(clock_shift=-90.4), ", signed by a clock shifted -90 s"),
        (RequestChange(assertion_audience="https://x"), ", with an assertion for https://x"),
        (RequestChange(proof=True), ", with a DPoP proof"),
        (RequestChange(content_type="application/json"), ", as application/json"),
        (RequestChange(scope_separator=","), ", with “,” between the scopes"),
        (
            RequestChange(added=(("a", "1"), ("b", "2")), dropped=("c",)),
            ", with a=1, with b=2, without c",
        ),
    ],
)
def test_a_request_is_told_by_its_scopes_and_by_what_differs_from_the_configured(change, words):
    assert asked(("a", "b"), change) == f"scope “a b”{words}"
    assert asked(None, change) == f"without scope{words}"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Issued(), "a token"),
        (Issued(("a", "b")), "a token with scope “a b”"),
        (Issued(()), "a token without any scope"),
        (Issued(claimed=("a",)), "a token with scope “a”"),
        (Issued(("a",), rights=("r",)), "a token, with the rights “r”"),
        (Unanswered(Reason.TIMED_OUT), "timed out"),
        (Unanswered(Reason.TLS_FAILURE, description="expired"), "tls failure: expired"),
        (Unanswered(Reason.SERVER_ERROR, status=503), "server error (503)"),
        (TooLarge(414), "414, the request was too large"),
        (Refused(400, "invalid_scope"), "400 invalid_scope"),
        (Unauthenticated(401, "invalid_client", "no"), "401 invalid_client “no”"),
        (GrantNotAllowed(400, "unauthorized_client"), "400 unauthorized_client"),
        (Refused(403, ""), "403"),
    ],
)
def test_an_answer_is_told_by_what_it_shows(answer, words):
    assert answered(Experiment(WITHOUT_SCOPE, answer, Trace(""))) == words
    after = Experiment(WITHOUT_SCOPE, answer, Trace(""), throttled=2)
    assert answered(after) == f"throttled twice, then {words}"


def test_numbers_of_times_and_long_lists_are_told_in_short():
    assert [times(n) for n in (1, 2, 3)] == ["once", "twice", "3 times"]
    names = [f"s{n}" for n in range(MOST_NAMED)]
    assert shortened(names) == f"“{' '.join(names)}”"
    assert shortened([*names, "x", "y"]) == f"“{' '.join(names)}” and 2 more"
