"""How a token request is written."""

import base64
from urllib.parse import parse_qs

import pytest

from scopeprobe.model.answers import Question
from scopeprobe.model.clients import AuthMethod, BasicEncoding, Scope
from scopeprobe.oauth.requests import request_writer

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
