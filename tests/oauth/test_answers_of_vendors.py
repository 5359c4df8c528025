"""
How the answers of vendors are read, trap by trap.

Where only a rumour says what a server answers, the cautious reading is expected.
"""

import msgspec
import pytest
from answers import ANSWERS
from reading import client_of, read, said

from scopeprobe.model.answer import Answer, Refused, Subject, Unanswered, Unauthenticated
from scopeprobe.model.cell import Reason

OF_VENDORS = pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)


@OF_VENDORS
def test_an_answer_is_read_as_what_it_says_and_survives_the_journal(answer):
    found = read(answer.status, answer.sent(), answer.headers, asked=answer.asked or None)
    assert found == answer.read_as
    assert msgspec.json.decode(msgspec.json.encode(found), type=Answer) == found


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (401, "invalid_client", ""),
        (400, "invalid_request", "Errors.User.Machine.Secret.Invalid"),
        (403, "access_denied", "This client has been disabled"),
    ],
)
def test_a_credential_failure_is_not_waited_out(status, code, text):
    headers = {"Retry-After": "30", "X-RateLimit-Remaining": "0"}
    assert isinstance(read(status, said(code, text), headers), Unauthenticated)


THROTTLES_IN_WORDS = {
    name: answer
    for name, answer in ANSWERS.items()
    if isinstance(answer.read_as, Unanswered)
    and answer.read_as.reason is Reason.THROTTLED
    and answer.status in {400, 403}
    and answer.body is not None
}


@pytest.mark.parametrize("answer", THROTTLES_IN_WORDS.values(), ids=THROTTLES_IN_WORDS)
def test_invalid_scope_is_a_throttle_in_no_language(answer):
    body = answer.body | {"error": "invalid_scope"}
    found = read(answer.status, body, {"X-RateLimit-Remaining": "0", "Retry-After": "5"})
    assert isinstance(found, Refused)
    assert found.about is Subject.SCOPE


@pytest.mark.parametrize("answer", THROTTLES_IN_WORDS.values(), ids=THROTTLES_IN_WORDS)
def test_a_throttle_is_one_beside_the_name_of_an_asked_scope(answer):
    asked = ("read", "quota.read", "limit:read")
    body = answer.body | {"detail": "read limit:read"}
    found = read(answer.status, body, answer.headers, asked=asked)
    assert isinstance(found, Unanswered)
    assert found.reason is Reason.THROTTLED


@pytest.mark.parametrize("name", ["quota-exceeded", "rate-limit", "too.many.requests", "throttler"])
def test_the_name_of_a_client_is_no_throttle(name):
    client = client_of(client_id=name)
    found = read(403, said("access_denied", f"Client {name} may not"), client=client)
    assert isinstance(found, Refused)
    assert isinstance(read(403, said("access_denied", f"Client {name} may not")), Unanswered)
