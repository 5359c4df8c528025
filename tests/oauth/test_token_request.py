"""How a token request is written."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest

import scopeprobe
from scopeprobe.model.client import AuthMethod, Certificate, Target
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.question import AS_CONFIGURED, Question, RequestChange
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.request_changes import changed, rewritten
from scopeprobe.oauth.token_request import request_writer

ASKED = Question((Scope("orders.read"),))


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


def test_basic_of_a_client_without_a_secret_has_an_empty_one(make_client):
    client = make_client("s", secret=None)
    request = request_writer(client, client.targets[0])(ASKED)
    value = dict(request.headers)["Authorization"].partition(" ")[2]
    assert base64.b64decode(value) == b"billing-id:"


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


@pytest.mark.parametrize(
    ("contact", "behind"), [("", ""), ("it@corp.example", " (it@corp.example)")]
)
def test_a_form_says_what_it_is_what_it_accepts_and_who_asks(make_client, contact, behind):
    client = make_client("s", contact=contact, headers=(("X-Tenant", "corp"),))
    request = request_writer(client, client.targets[0])(ASKED)
    assert request.headers[:-1] == (
        ("X-Tenant", "corp"),
        ("Accept", "application/json"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("User-Agent", f"scopeprobe/{scopeprobe.__version__}{behind}"),
    )
    assert request.headers[-1][0] == "Authorization"


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


# -- changed requests


def changed_request(client, asked=ASKED, **members):
    change = RequestChange(**members)
    client, target = changed(client, client.targets[0], change)
    return rewritten(request_writer(client, target)(asked), change)


def test_a_question_as_configured_is_written_as_ever(make_client):
    client = make_client("s")
    assert changed(client, client.targets[0], AS_CONFIGURED) == (client, client.targets[0])


def test_a_changed_method_puts_the_same_credentials_elsewhere(make_client):
    request = changed_request(make_client("s"), auth_method=AuthMethod.CLIENT_SECRET_POST)
    assert parse_qs(request.body.decode())["client_secret"] == ["hunter2-secret"]
    assert "Authorization" not in dict(request.headers)


def test_a_changed_encoding_and_trimmed_credentials_are_what_is_encoded(make_client):
    client = make_client("s", client_id=" id+", secret="p%q\n")
    request = changed_request(client, basic_encoding=BasicEncoding.RAW, trimmed=True)
    value = dict(request.headers)["Authorization"].partition(" ")[2]
    assert base64.b64decode(value).decode() == "id+:p%q"


def test_parameters_are_dropped_and_added_by_their_names(make_client):
    client = make_client("s", audience="https://one")
    request = changed_request(client, dropped=("audience",), added=(("resource", "https://two"),))
    form = parse_qs(request.body.decode())
    assert (form.get("audience"), form["resource"]) == (None, ["https://two"])

    client = replace(client, targets=(Target((), resource="https://one"),))
    request = changed_request(client, dropped=("resource",), added=(("audience", "https://two"),))
    form = parse_qs(request.body.decode())
    assert (form["audience"], form.get("resource")) == (["https://two"], None)


def test_a_changed_audience_of_assertions_takes_the_place_of_the_configured_one(make_client):
    client = replace(make_client("s"), assertion_audience="https://login.example")
    for change, audience in (
        (RequestChange(assertion_audience="https://other"), "https://other"),
        (RequestChange(trimmed=True), "https://login.example"),
    ):
        assert changed(client, client.targets[0], change)[0].assertion_audience == audience


def test_a_changed_endpoint_is_asked_by_who_shows_a_certificate_too(make_client):
    client = make_client("s", mtls_token_endpoint="https://mtls.login.example/token")
    client = replace(client, certificate=Certificate(Path("c.pem"), Path("k.pem")))
    endpoint = "https://login.example/other"
    assert changed_request(client, endpoint=endpoint).url == endpoint


@pytest.mark.parametrize(
    ("endpoint", "kept"),
    [("https://login.example/other", True), ("https://login.elsewhere/token", False)],
)
def test_configured_headers_follow_a_request_to_its_own_origin_only(make_client, endpoint, kept):
    client = make_client("s", headers=(("X-Api-Key", "gateway-key"),))
    request = changed_request(client, endpoint=endpoint)
    assert request.url == endpoint
    assert ("X-Api-Key" in dict(request.headers)) is kept


def test_a_proof_is_sent_by_a_client_that_is_not_configured_to(make_client):
    assert "DPoP" in dict(changed_request(make_client("s"), proof=True).headers)


def test_a_body_is_written_as_json_under_its_own_name(make_client):
    client = make_client("s", method=AuthMethod.CLIENT_SECRET_POST)
    request = changed_request(client, content_type="application/json")
    assert json.loads(request.body)["client_secret"] == "hunter2-secret"
    assert [value for name, value in request.headers if name == "Content-Type"] == [
        "application/json"
    ]


def test_another_content_type_leaves_the_form_as_it_is(make_client):
    plain = changed_request(make_client("s"))
    named = "application/x-www-form-urlencoded; charset=utf-8"
    request = changed_request(make_client("s"), content_type=named)
    assert request.body == plain.body
    assert ("Content-Type", named) in request.headers


def test_what_stands_between_scopes_is_nobody_elses_business(make_client):
    others = (("note", "a b"), ("my_scope", "a b"))
    asked = Question((Scope("orders.read"), Scope("orders:write")))
    request = changed_request(make_client("s"), asked, scope_separator="%20", added=others)
    assert b"&scope=orders.read%20orders%3Awrite" in request.body
    assert b"note=a+b" in request.body
    assert b"my_scope=a+b" in request.body
