"""Two thousand answers that no server should give: the reader makes an answer of each."""

import json
import unicodedata
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from reading import client_of, read, response_of

from scopeprobe.model.answer import Answer, Issued, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.oauth.throttling import reported_quotas
from scopeprobe.oauth.token_response import access_token, asks_for_nonce

CLIENT = client_of()
WORDS = [
    "",
    "invalid_scope",
    "invalid_client",
    "read",
    "opaque-token",
    "eyJhbGciOiJub25lIn0.eyJzY29wZSI6ImEifQ.x",
    "rate limit exceeded; try again in 99999999999999999999 s",
    "a\r\nSet-Cookie: x",
    "\x1b[2J\x07\x00\x9b\u202e\u2028",
    "hunter2-secret",
    "\ud800",
    "c\u200b",
    "invalid: read. allowed: write",
    "Zu viele Anfragen",
    "ü" * 300,
]
MEMBERS = [
    "access_token",
    "scope",
    "error",
    "error_description",
    "errorCode",
    "message",
    "code",
    "token_type",
    "errors",
    "fault",
    "detail",
    "denied_scopes",
]
LEAVES = st.sampled_from([*WORDS, None, True, False, 0, -1, 10**30, 1e308, float("inf")])
VALUES = st.one_of(
    LEAVES,
    st.lists(LEAVES, max_size=3),
    st.dictionaries(st.sampled_from(MEMBERS), LEAVES, max_size=3),
)
BODIES = st.lists(st.tuples(st.sampled_from(MEMBERS), VALUES), max_size=5)
STATUSES = st.sampled_from([200, 200, 200, 201, 204, 302, 400, 400, 401, 403, 404, 409, 413, 429])
STATUSES |= st.integers(100, 599)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Retry-After",
            "Date",
            "RateLimit",
            "RateLimit-Policy",
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
            "Auth0-Client-Quota-Limit",
            "DPoP-Nonce",
        ]
    ),
    st.sampled_from(
        [
            "",
            "0",
            "-1",
            "9" * 400,
            "1e400",
            "nan",
            "Mon, 23 Nov 2026 02:00:00 GMT",
            "Mon, 99 Nov 99999 02:00:00 +9999",
            "0001-01-01T00:00:00+23:59",
            '"a";r=0;t=5,"',
            "b=x;q=1;r=0;t=" + "9" * 30,
            ";;,,==\x00",
        ]
    ),
    max_size=4,
)


USUAL = (200, 400, 403)
"""Each body comes under these as well: to read one takes a tenth of the time of inventing it."""


def text_of(members):
    """JSON with duplicate members, infinities and lone surrogates, as no serializer writes it."""
    return "{" + ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in members) + "}"


def judge(status, headers, body):
    answer = read(status, body, headers, client=CLIENT)
    response = response_of(status, body, headers)
    asks_for_nonce(response)
    reported_quotas(response.headers)
    assert isinstance(answer, get_args(Answer))
    if isinstance(answer, Issued):
        token = access_token(response)
        assert isinstance(token, str)
        assert token
    kept = json.dumps([str(answer)], ensure_ascii=False)
    assert "hunter2-secret" not in kept
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in texts(answer))
    return answer


def texts(answer):
    fields = [getattr(answer, name, "") or "" for name in ("error", "description")]
    lists = [getattr(answer, name, None) or () for name in ("listed", "claimed", "named")]
    return "".join(fields) + "".join(name for names in lists for name in names)


@settings(max_examples=350)
@given(status=STATUSES, headers=HEADERS, members=BODIES)
def test_any_json_is_answered(status, headers, members):
    is_given = any(name == "access_token" and isinstance(value, str) for name, value in members)
    for one in (status, *USUAL):
        answer = judge(one, headers, text_of(members).encode())
        assert is_given or not isinstance(answer, Issued)


@settings(max_examples=100)
@given(
    status=STATUSES,
    members=BODIES,
    cut=st.integers(1, 40),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"]),
)
def test_half_a_body_in_any_encoding_is_answered(status, members, cut, encoding):
    for one in (status, *USUAL):
        judge(one, {}, text_of(members).encode(encoding, "replace")[:-cut])


@settings(max_examples=50)
@given(status=STATUSES, body=st.binary(max_size=40))
def test_any_bytes_are_answered(status, body):
    for one in (status, *USUAL):
        assert not isinstance(judge(one, {}, body), Issued)


def test_a_byte_order_mark_hides_no_token_and_utf_16_is_malformed():
    body = b'{"access_token": "opaque-token"}'
    assert judge(200, {}, b"\xef\xbb\xbf" + body) == Issued()
    utf_16 = body.decode().encode("utf-16")
    assert judge(200, {}, utf_16) == Unanswered(Reason.MALFORMED_ANSWER, 200)


def test_deep_nesting_is_malformed():
    body = b'{"error":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert judge(400, {}, body) == Unanswered(Reason.MALFORMED_ANSWER, 400)
