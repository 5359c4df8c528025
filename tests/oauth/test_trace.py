"""What is shown of a request and its response: all that helps, and nothing secret."""

import json
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from multidict import CIMultiDict

import scopeprobe
from scopeprobe.model.client import AuthMethod, Certificate, Target
from scopeprobe.model.experiment import Trace
from scopeprobe.model.http import HttpResponse
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.question import Question, RequestChange
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.oauth.request_changes import changed, rewritten
from scopeprobe.oauth.token_request import request_writer
from scopeprobe.oauth.trace import LONGEST_BODY, challenges, trace_of

NOW = datetime(2026, 11, 23, 2, 0, 0, tzinfo=UTC)
SECRET = "hunter2-secret"
ONE_SCOPE = (Scope("orders.read"),)


def traced(client, status=401, body=b"{}", headers=None, scopes=ONE_SCOPE, **members):
    change = RequestChange(**members)
    client, target = changed(client, client.targets[0], change)
    request = rewritten(request_writer(client, target)(Question(scopes)), change)
    return trace_of(client, request, HttpResponse(status, CIMultiDict(headers or {}), body), NOW)


def test_a_request_is_a_command_in_which_a_shell_fills_in_all_that_is_secret(make_client):
    client = make_client(
        "s",
        headers=(("X-Api-Key", "gateway-key"), ("X-Tenant", "corp")),
        token_endpoint="https://login.example/token?key=of-the-gateway",
    )
    parameters = (("api.key", "1"), ("note", ""), ("pin", Secret("2")), ("tenant", "a b"))
    client = replace(
        client,
        certificate=Certificate(Path("c.pem"), Path("k.pem")),
        binds_tokens=True,
        targets=(Target((), token_params=parameters),),
    )
    assert traced(client).curl.split(" \\\n  ") == [
        "curl -sS -i -X POST",
        'https://login.example/token"?$QUERY"',
        '-H "X-Api-Key: $X_API_KEY"',
        '-H "X-Tenant: $X_TENANT"',
        "-H 'Accept: application/json'",
        f"-H 'User-Agent: scopeprobe/{scopeprobe.__version__}'",
        '-u billing-id:"$CLIENT_SECRET"',
        '-H "DPoP: $DPOP_PROOF"',
        '--cert "$CLIENT_CERTIFICATE" --key "$CLIENT_KEY"',
        "--data-urlencode grant_type=client_credentials",
        '--data-urlencode "api.key=$API_KEY"',
        "--data-urlencode note=",
        '--data-urlencode "pin=$PIN"',
        "--data-urlencode 'tenant=a b'",
        "--data-urlencode scope=orders.read",
    ]


def test_a_request_without_a_response_is_shown_all_the_same(make_client):
    client = make_client("s")
    request = request_writer(client, client.targets[0])(Question(None))
    trace = trace_of(client, request, None, NOW)
    assert trace == Trace(trace.curl)
    assert "  https://login.example/token \\\n" in trace.curl
    assert "--cert" not in trace.curl


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


def sent_by(curl, **variables):
    """What a shell makes of the words after `--data`."""
    words = shlex.split(re.sub(r"\$(\w+)", lambda found: variables.get(found[1], ""), curl))
    return words[words.index("--data") + 1]


def test_a_body_of_json_is_pasted_as_json_with_its_secret_as_a_variable(make_client):
    client = make_client("s", method=AuthMethod.CLIENT_SECRET_POST, secret=SECRET)
    curl = traced(client, content_type="application/json").curl
    assert SECRET not in curl
    assert "-H 'Content-Type: application/json'" in curl
    assert """ "client_secret": "'"$CLIENT_SECRET"'", """ in curl
    assert json.loads(sent_by(curl, CLIENT_SECRET=SECRET)) == {
        "grant_type": "client_credentials",
        "client_id": "billing-id",
        "client_secret": SECRET,
        "scope": "orders.read",
    }


def test_scopes_are_pasted_as_they_were_sent_with_what_stands_between_them(make_client):
    several = (Scope("orders.read"), Scope("orders:write"))
    assert sent_by(traced(make_client("s"), scopes=several).curl) == (
        "scope=orders.read+orders%3Awrite"
    )
    curl = traced(make_client("s"), scopes=several, scope_separator="%20").curl
    assert sent_by(curl) == "scope=orders.read%20orders%3Awrite"


def test_encoded_credentials_are_told_from_raw_ones(make_client):
    odd = make_client("s", client_id="a+b", secret="p%q")
    assert '-u a%2Bb:"$CLIENT_SECRET_URLENCODED"' in traced(odd).curl
    raw = make_client("s", client_id="a+b", secret="p%q", basic_encoding=BasicEncoding.RAW)
    assert '\n  -u a+b:"$CLIENT_SECRET" ' in traced(raw).curl
    without = make_client("s", client_id="a/b", secret=None)
    assert '\n  -u a%2Fb:"$CLIENT_SECRET_URLENCODED" ' in traced(without).curl


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


def test_what_stands_where_a_token_may_stand_is_masked_and_nothing_around_it(make_client):
    body = b"""{"note": "caf\xe9"}\n\n{"old_token": "abcdefgh", "sent": "Bearer abcdefgh12345678"}
        <p>Basic abcdefgh12345678</p> DPoP abcdefgh12345678== is bad"""
    assert traced(make_client("s"), body=body).body.splitlines() == [
        '{"note": "caf\ufffd"}',
        '{"old_token": "…", "sent": "Bearer …"}',
        "<p>Basic …</p> DPoP … is bad",
    ]


def test_the_parameters_of_a_challenge_are_no_tokens(make_client):
    challenge = 'Bearer error_description="no", resource_metadata=https://x.example'
    trace = traced(make_client("s"), headers={"WWW-Authenticate": challenge})
    assert trace.header("WWW-Authenticate") == challenge


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


def test_a_date_without_a_zone_is_in_universal_time(make_client):
    date = "Mon, 23 Nov 2026 02:15:00 -0000"
    assert traced(make_client("s"), headers={"Date": date}).skew == 900


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Basic", (("Basic", ()),)),
        (
            'Basic realm="a, b", Bearer error="invalid_token", error_description="no \\"x\\""',
            (
                ("Basic", (("realm", "a, b"),)),
                ("Bearer", (("error", "invalid_token"), ("error_description", 'no "x"'))),
            ),
        ),
        (
            "DPoP algs=ES256, error=use_dpop_nonce",
            (("DPoP", (("algs", "ES256"), ("error", "use_dpop_nonce"))),),
        ),
        ("", ()),
    ],
)
def test_challenges_are_taken_apart(value, found):
    """RFC 9110 section 11.6.1."""
    assert challenges(value) == found
