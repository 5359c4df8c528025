"""The protocol: what is sent, and how answers are read."""

import base64
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from scopeprobe.model.answers import (
    Answer,
    GrantNotAllowed,
    HttpResponse,
    Issued,
    Question,
    Refused,
    TooLarge,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.clients import AuthMethod, BasicEncoding, Scope
from scopeprobe.model.findings import Reason
from scopeprobe.oauth.answers import Reader
from scopeprobe.oauth.requests import request_writer
from scopeprobe.oauth.waits import wait_asked_for

NOW = datetime(2026, 11, 23, 2, 0, 0, tzinfo=UTC)
ASKED = Question((Scope("orders.read"),))


def jwt(**claims):
    def segment(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{segment({'alg': 'RS256'})}.{segment(claims)}.c2ln"


def read(client, status, body, headers=None, question=ASKED):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    reader = Reader.of(client, client.targets[0])
    return reader.read(question, HttpResponse(status, CIMultiDict(headers or {}), body), NOW)


# -- requests


@pytest.mark.parametrize(
    ("encoding", "decoded"),
    [
        pytest.param(BasicEncoding.RFC6749, "a%2Bb:p%3Aq%20r%25", id="rfc6749"),
        pytest.param(BasicEncoding.RAW, "a+b:p:q r%", id="raw"),
    ],
)
def test_basic_encodes_id_and_secret_as_the_server_reads_them(make_client, encoding, decoded):
    client = make_client("s", client_id="a+b", secret="p:q r%", basic_encoding=encoding)
    request = request_writer(client, client.targets[0])(ASKED)
    scheme, _, value = dict(request.headers)["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(value).decode()) == ("Basic", decoded)
    assert b"client" not in request.body.replace(b"client_credentials", b"")


def test_post_puts_the_credentials_into_the_form_and_nowhere_else(make_client):
    client = make_client("s", method=AuthMethod.CLIENT_SECRET_POST, secret="p&q=r +")
    request = request_writer(client, client.targets[0])(ASKED)
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["billing-id"],
        "client_secret": ["p&q=r +"],
        "scope": ["orders.read"],
    }
    assert "Authorization" not in dict(request.headers)


def test_no_scope_means_no_parameter(make_client):
    client = make_client("s", audience="https://api.example")
    request = request_writer(client, client.targets[0])(Question(None))
    assert parse_qs(request.body.decode(), keep_blank_values=True) == {
        "grant_type": ["client_credentials"],
        "audience": ["https://api.example"],
    }


def test_a_request_shows_no_credentials(make_client):
    client = make_client("s", method=AuthMethod.CLIENT_SECRET_POST)
    request = request_writer(client, client.targets[0])(ASKED)
    assert "hunter2" not in repr(request) + repr(client) + str(client.secret)


# -- answers

TOKEN = "opaque-token"
HYDRA = "Client authentication failed (e.g., unknown client, no client authentication included)"
VERTEX = "Client billing-id audience x has exceeded the rate limit of 10 tokens/28800 seconds"


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        pytest.param(200, {"access_token": TOKEN}, {}, Issued(), id="token-without-scope"),
        pytest.param(
            200,
            {"access_token": TOKEN, "scope": "orders.read  x"},
            {},
            Issued(("orders.read", "x")),
            id="scope-string",
        ),
        pytest.param(
            200,
            {"access_token": TOKEN, "scope": "x,orders.read"},
            {},
            Issued(("orders.read", "x")),
            id="scope-with-commas",
        ),
        pytest.param(
            200,
            {"access_token": TOKEN, "scope": ["a", "b"]},
            {},
            Issued(("a", "b")),
            id="scope-array",
        ),
        pytest.param(200, {"access_token": TOKEN, "scope": ""}, {}, Issued(()), id="scope-empty"),
        pytest.param(
            200,
            {"access_token": TOKEN, "scope": 7},
            {},
            Unanswered(Reason.MALFORMED_ANSWER, 200),
            id="scope-number",
        ),
        pytest.param(
            200,
            {"access_token": jwt(scope="a b")},
            {},
            Issued(None, ("a", "b"), True),
            id="claim-scope-string",
        ),
        pytest.param(
            200,
            {"access_token": jwt(scope=["a"])},
            {},
            Issued(None, ("a",), True),
            id="claim-scope-array",
        ),
        pytest.param(
            200,
            {"access_token": jwt(scp=["a", "b"])},
            {},
            Issued(None, ("a", "b"), True),
            id="claim-scp",
        ),
        pytest.param(
            200, {"access_token": jwt(sub="x")}, {}, Issued(None, None, True), id="claim-absent"
        ),
        pytest.param(
            200, {"access_token": "a.b.c"}, {}, Issued(), id="three-parts-are-not-yet-a-jwt"
        ),
        pytest.param(
            200, {"access_token": TOKEN, "scope": TOKEN}, {}, Issued(()), id="token-as-scope"
        ),
        pytest.param(
            200,
            {"access_token": ""},
            {},
            Unanswered(Reason.MALFORMED_ANSWER, 200),
            id="empty-token",
        ),
        pytest.param(
            200, b"<html>hello", {}, Unanswered(Reason.MALFORMED_ANSWER, 200), id="html-200"
        ),
        pytest.param(
            200,
            b'{"access_token": "x',
            {},
            Unanswered(Reason.MALFORMED_ANSWER, 200),
            id="truncated",
        ),
        pytest.param(
            302,
            b"",
            {"Location": "https://elsewhere"},
            Unanswered(Reason.REDIRECTED, 302),
            id="redirect",
        ),
        pytest.param(
            403, b"<html>blocked", {}, Unanswered(Reason.MALFORMED_ANSWER, 403), id="html-403"
        ),
        pytest.param(
            401, b"<html>blocked", {}, Unanswered(Reason.MALFORMED_ANSWER, 401), id="html-401"
        ),
        pytest.param(401, b"", {}, Unauthenticated(401), id="bare-401"),
        pytest.param(
            500,
            {"error": "invalid_scope"},
            {},
            Unanswered(Reason.SERVER_ERROR, 500, "invalid_scope"),
            id="500-is-no-refusal",
        ),
        pytest.param(
            400,
            {"error": "temporarily_unavailable"},
            {},
            Unanswered(Reason.SERVER_ERROR, 400, "temporarily_unavailable"),
            id="temporarily-unavailable",
        ),
        pytest.param(413, b"", {}, TooLarge(413), id="too-large"),
        pytest.param(
            400, {"error": "invalid_scope"}, {}, Refused(400, "invalid_scope"), id="invalid-scope"
        ),
        pytest.param(
            401,
            {"error": "invalid_scope"},
            {},
            Refused(401, "invalid_scope"),
            id="invalid-scope-401",
        ),
        pytest.param(
            401,
            {"error": "invalid_client"},
            {},
            Unauthenticated(401, "invalid_client"),
            id="invalid-client",
        ),
        pytest.param(
            400,
            {"error": "invalid_client"},
            {},
            Unauthenticated(400, "invalid_client"),
            id="invalid-client-duende",
        ),
        pytest.param(
            401,
            {
                "error": "unauthorized_client",
                "error_description": "Invalid client or Invalid client credentials",
            },
            {},
            Unauthenticated(
                401, "unauthorized_client", "Invalid client or Invalid client credentials"
            ),
            id="wrong-secret-keycloak",
        ),
        pytest.param(
            401,
            {
                "error": "unauthorized_client",
                "error_description": "Client not enabled to retrieve service account",
            },
            {},
            GrantNotAllowed(
                401, "unauthorized_client", "Client not enabled to retrieve service account"
            ),
            id="grant-not-allowed-keycloak",
        ),
        pytest.param(
            400,
            {
                "error": "invalid_request",
                "error_description": "requested grant type is not allowed for this client",
            },
            {},
            GrantNotAllowed(
                400, "invalid_request", "requested grant type is not allowed for this client"
            ),
            id="grant-not-allowed-oidc-provider",
        ),
        pytest.param(
            401,
            {"error": "access_denied", "error_description": "Unauthorized"},
            {},
            Unauthenticated(401, "access_denied", "Unauthorized"),
            id="wrong-secret-auth0",
        ),
        pytest.param(
            403,
            {
                "error": "access_denied",
                "error_description": "Client has not been granted scopes: orders.read",
            },
            {},
            Refused(403, "access_denied", "Client has not been granted scopes: orders.read"),
            id="not-granted-auth0",
        ),
        pytest.param(
            400,
            {"error": "invalid_client", "error_description": "client not found"},
            {},
            Unauthenticated(400, "invalid_client", "client not found", unknown_client=True),
            id="unknown-client-genesys",
        ),
        pytest.param(
            401,
            {
                "error": "invalid_client",
                "error_description": HYDRA,
            },
            {},
            Unauthenticated(
                401,
                "invalid_client",
                HYDRA,
            ),
            id="either-hydra",
        ),
        pytest.param(
            403,
            {"status": 403, "message": "invalid client secret"},
            {},
            Unauthenticated(403, "", "invalid client secret"),
            id="twitch",
        ),
        pytest.param(
            429,
            b"slow",
            {"Retry-After": "2"},
            Unanswered(Reason.THROTTLED, 429, "", "slow", 2.0),
            id="429",
        ),
        pytest.param(
            400,
            {"error": "invalid_request", "description": "rate limit exceeded; 300"},
            {},
            Unanswered(Reason.THROTTLED, 400, "invalid_request", "rate limit exceeded; 300"),
            id="throttle-genesys",
        ),
        pytest.param(
            400,
            {
                "error": "invalid_request",
                "error_description": VERTEX,
            },
            {},
            Unanswered(
                Reason.THROTTLED,
                400,
                "invalid_request",
                "Client billing-id audience x has exceeded the rate limit of 10 tokens/<duration>",
            ),
            id="throttle-vertex",
        ),
        pytest.param(
            401,
            {
                "error": "invalid_client",
                "error_description": "Too many failed attempts, account locked",
            },
            {},
            Unauthenticated(401, "invalid_client", "Too many failed attempts, account locked"),
            id="a-lock-is-no-throttle",
        ),
        pytest.param(
            400,
            {"error": {"message": "rate limit exceeded", "code": "x"}},
            {},
            Unanswered(Reason.THROTTLED, 400, "x", "rate limit exceeded"),
            id="error-as-object",
        ),
    ],
)
def test_an_answer_is_read_as_what_it_says(make_client, status, body, headers, expected):
    assert read(make_client("orders.read"), status, body, headers) == expected


def test_a_scope_that_sounds_like_a_throttle_is_refused_all_the_same(make_client):
    client = make_client("quota.write")
    asked = Question((Scope("quota.write"),))
    body = {"error": "access_denied", "error_description": "not granted: quota.write"}
    assert isinstance(read(client, 400, body, question=asked), Refused)


def test_the_clients_own_secret_is_masked_in_every_form(make_client):
    client = make_client("s", client_id="id", secret="s3cret/+ x")
    encoded = base64.b64encode(b"id:s3cret/+ x").decode()
    said = f"got s3cret/+ x or s3cret%2F%2B%20x or s3cret%2f%2b+x or {encoded}"
    answer = read(client, 400, {"error": "invalid_scope", "error_description": said})
    assert answer.description.startswith("got … or … or … or …")
    assert "s3cret" not in answer.description
    assert encoded.rstrip("=") not in answer.description


def test_a_description_keeps_one_line_without_what_changes_by_the_night(make_client):
    said = (
        "AADSTS70011 at 2026-11-23 02:00:00Z\x1b[31m id 3f2504e0-4f89-11d3-9a0c-0305e82c3301, "
        "wait 5 minutes\r\nTrace ID: 1"
    )
    answer = read(make_client("s"), 400, {"error": "invalid_scope", "error_description": said})
    assert answer.description == "AADSTS70011 at <time>[31m id <uuid>, wait <duration>"


@pytest.mark.parametrize(
    ("headers", "text", "seconds"),
    [
        pytest.param({"Retry-After": "7"}, "", 7.0, id="seconds"),
        pytest.param({"retry-after": "Mon, 23 Nov 2026 02:01:00 GMT"}, "", 60.0, id="date"),
        pytest.param({"Retry-After": "Mon, 23 Nov 2026 01:00:00 GMT"}, "", 0.0, id="past"),
        pytest.param({"Retry-After": "inf"}, "", None, id="infinite"),
        pytest.param({"RateLimit": '"default";r=0;t=30'}, "", 30.0, id="ratelimit"),
        pytest.param({"X-RateLimit-Reset": "12"}, "", 12.0, id="delta"),
        pytest.param({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 90)}, "", 90.0, id="epoch"),
        pytest.param({}, "Try again in 420 seconds.", 420.0, id="sentence"),
        pytest.param({}, "please try again after 2 minutes", 120.0, id="sentence-minutes"),
        pytest.param({}, "no idea", None, id="none"),
    ],
)
def test_the_wait_is_found_wherever_the_server_says_it(headers, text, seconds):
    assert wait_asked_for(CIMultiDict(headers), text, NOW) == seconds


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["error", "scope", "access_token", "error_description", "message", "x"])
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(
    status=st.integers(100, 599),
    headers=st.dictionaries(
        st.sampled_from(["Retry-After", "RateLimit", "X-RateLimit-Reset"]), st.text(max_size=12)
    ),
    body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()),
)
def test_the_reader_never_raises(status, headers, body):
    from scopeprobe.model import clients  # noqa: PLC0415 - hypothesis shares no fixture

    client = clients.Client(
        clients.ClientName("n"),
        clients.ClientId("id"),
        clients.Server("s", "https://s/t"),
        clients.Secret("secret"),
        AuthMethod.CLIENT_SECRET_BASIC,
        (clients.Target(()),),
    )
    assert isinstance(read(client, status, body, headers), Answer)


def test_an_answer_survives_the_journal():
    answers = [Issued(("a",), None, True), Unanswered(Reason.THROTTLED, 429, wait=2.0)]
    for answer in answers:
        assert msgspec.json.decode(msgspec.json.encode(answer), type=Answer) == answer
