"""
How the answers of vendors are read, trap by trap.

Where only a rumour says what a server answers, the cautious reading is expected.
"""

import msgspec
import pytest
from answers import ANSWERS
from reading import client_of, read, said, throttled

from scopeprobe.model.answer import (
    Answer,
    GrantNotAllowed,
    Refused,
    Subject,
    Unanswered,
    Unauthenticated,
)
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


# -- traps that no vendor is known for


def test_a_proxy_that_wants_credentials_of_its_own_says_nothing_of_the_client():
    words = "a proxy on the way wants credentials of its own"
    assert read(407, b"") == Unanswered(Reason.UNREACHABLE, 407, "", words)
    assert read(407, said("invalid_client", "log in")).description == "log in"


@pytest.mark.parametrize(
    ("body", "of_status"),
    [
        (b"", {400: Refused, 401: Unauthenticated, 403: Refused, 404: Unanswered}),
        (b"No.", {400: Unanswered, 401: Unauthenticated, 403: Unanswered, 404: Unanswered}),
        (b"<p>No.", {400: Unanswered, 401: Unanswered, 403: Unanswered, 404: Unanswered}),
    ],
    ids=["nothing", "plain", "page"],
)
def test_a_status_speaks_for_itself_where_no_object_does_and_a_page_never(body, of_status):
    assert {status: type(read(status, body)) for status in of_status} == of_status


@pytest.mark.parametrize("code", ["invalid-client", "Invalid Client", " INVALID_CLIENT "])
def test_a_code_is_known_however_it_is_spelled(code):
    assert isinstance(read(400, said(code)), Unauthenticated)


def test_words_of_a_locked_scope_lock_no_client():
    assert isinstance(read(401, said("invalid_scope", "This scope is locked")), Refused)
    assert isinstance(read(401, said("invalid_request", "This scope is locked")), Unauthenticated)


def test_a_fault_of_the_server_is_no_wrong_secret_whatever_it_says():
    told = said("server_error", "cannot look up client credentials")
    assert read(500, told, {"Retry-After": "7"}).reason is Reason.THROTTLED
    assert isinstance(read(401, told | {"error": "x"}, {"Retry-After": "7"}), Unauthenticated)


def test_a_grant_that_is_not_supported_is_no_wrong_secret():
    assert isinstance(read(401, said("unsupported_grant_type")), GrantNotAllowed)


def test_a_quota_that_is_used_up_is_a_throttle_by_its_header_alone():
    for spent, wait in (
        ({"RateLimit": '"a";r=0;t=30'}, 30.0),
        ({"X-RateLimit-Remaining": "0"}, None),
    ):
        assert read(403, said("access_denied", "no"), spent) == throttled(
            403, "access_denied", "no", wait
        )
    left = {"RateLimit": '"a";r=10;t=30', "X-RateLimit-Remaining": "10"}
    assert isinstance(read(403, said("access_denied", "no"), left), Refused)


@pytest.mark.parametrize(
    "echo", ["https%3A%2F%2Fapi%2Fquota%26limit", "https://api/quota&amp;limit"]
)
def test_a_scope_is_known_by_its_echo_in_the_spelling_of_a_url_or_a_page(echo):
    answer = read(403, said("access_denied", f"No: {echo}"), asked=("https://api/quota&limit",))
    assert isinstance(answer, Refused)


def test_words_are_searched_within_two_thousand_characters_and_no_further():
    within, beyond = (f"{'no ':-<{length}} throttled" for length in (1990, 1991))
    assert len(within) == 2000
    assert isinstance(read(403, said("x", within)), Unanswered)
    assert isinstance(read(403, said("x", beyond)), Refused)
    assert isinstance(read(403, said("x", f"throttled {beyond}")), Unanswered)
