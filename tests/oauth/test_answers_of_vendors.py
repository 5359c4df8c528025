"""
How the answers of vendors are read, trap by trap.

Where only a rumour says what a server answers, the cautious reading is expected.
"""

import msgspec
import pytest
from answers import ANSWERS
from reading import read, said

from scopeprobe.model.answer import Answer, Unauthenticated

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
