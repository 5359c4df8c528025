"""What is shown of a request and its response: all that helps, and nothing secret."""

import shlex
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from multidict import CIMultiDict

from scopeprobe.model.client import AuthMethod
from scopeprobe.model.http import HttpResponse
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.question import Question, RequestChange
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.request_changes import changed
from scopeprobe.oauth.token_request import request_writer
from scopeprobe.oauth.trace import LONGEST_BODY, trace_of

NOW = datetime(2026, 11, 23, 2, 0, 0, tzinfo=UTC)
SECRET = "hunter2-secret"


def traced(client, status=401, body=b"{}", headers=None, **change):
    client, target = changed(client, client.targets[0], RequestChange(**change))
    request = request_writer(client, target)(Question((Scope("orders.read"),)))
    return trace_of(client, request, HttpResponse(status, CIMultiDict(headers or {}), body), NOW)


@pytest.mark.parametrize(
    ("method", "variable"),
    [
        (AuthMethod.CLIENT_SECRET_BASIC, '-u billing-id:"$CLIENT_SECRET"'),
        (AuthMethod.CLIENT_SECRET_POST, '--data-urlencode "client_secret=$CLIENT_SECRET"'),
        (AuthMethod.CLIENT_SECRET_JWT, '--data-urlencode "client_assertion=$CLIENT_ASSERTION"'),
    ],
)
def test_what_authenticates_is_a_variable_of_the_shell(make_client, method, variable):
    curl = traced(make_client("s", method=method)).curl
    assert variable in curl
    assert SECRET not in curl
    assert "eyJ" not in curl
    assert "--data-urlencode scope=orders.read" in curl


def test_encoded_credentials_are_told_from_raw_ones(make_client):
    odd = make_client("s", client_id="a+b", secret="p%q")
    assert '-u a%2Bb:"$CLIENT_SECRET_URLENCODED"' in traced(odd).curl
    raw = make_client("s", client_id="a+b", secret="p%q", basic_encoding=BasicEncoding.RAW)
    assert '-u a+b:"$CLIENT_SECRET"' in traced(raw).curl


def test_a_proof_and_the_keys_of_a_gateway_are_variables_too(make_client):
    client = make_client(
        "s",
        headers=(("X-Api-Key", "gateway-key"),),
        token_endpoint="https://login.example/token?key=of-the-gateway",
    )
    curl = traced(client, proof=True, added=(("api_key", "of-the-form"),)).curl
    assert '-H "DPoP: $DPOP_PROOF"' in curl
    assert '-H "X-Api-Key: $X_API_KEY"' in curl
    assert '"api_key=$API_KEY"' in curl
    assert not any(text in curl for text in ("gateway-key", "of-the-gateway", "of-the-form"))


def test_what_a_user_wrote_cannot_leave_its_word(make_client):
    client = make_client("s", client_id="x'; rm -rf ~; '", method=AuthMethod.CLIENT_SECRET_POST)
    words = shlex.split(traced(client).curl)
    assert "client_id=x'; rm -rf ~; '" in words
    assert "rm" not in words


def test_headers_that_matter_are_kept_and_cookies_are_not(make_client):
    headers = {"X-Correlation-Id": "c-1", "Set-Cookie": "session=1", "www-authenticate": "Basic"}
    trace = traced(make_client("s"), headers=headers)
    assert dict(trace.headers) == {"WWW-Authenticate": "Basic", "X-Correlation-Id": "c-1"}
    assert trace.header("x-correlation-id") == "c-1"


def test_a_server_that_repeats_the_secret_is_masked_everywhere(make_client):
    trace = traced(
        make_client("s"),
        body=f'{{"error":"bad {SECRET}"}}'.encode(),
        headers={"WWW-Authenticate": f'Basic realm="{SECRET}"'},
    )
    assert SECRET not in repr(trace)
    assert "bad" in trace.body


def test_an_answer_with_a_token_is_not_shown(make_client):
    token = b'{"access_token":"opaque-token-of-somebody","error":"strange"'
    assert traced(make_client("s"), status=200, body=token).body == ""


def test_a_long_page_is_cut_and_controls_are_taken_out(make_client):
    body = traced(make_client("s"), body=b"<html>\x1b[31mred\x00</html>" + b"x" * 9999).body
    assert len(body) <= LONGEST_BODY + 1
    assert body.isprintable()


@pytest.mark.parametrize("seconds", [-900, 0, 900])
def test_the_clock_of_the_server_is_held_against_ours(make_client, seconds):
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert traced(make_client("s"), headers={"Date": date}).skew == seconds


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Nov 2026 02:00:00 GMT"])
def test_a_date_that_is_none_says_nothing(make_client, date):
    assert traced(make_client("s"), headers={"Date": date}).skew is None
