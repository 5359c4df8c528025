"""How the reader turns responses into answers, tokens above all."""

import json

import msgspec
import pytest
from reading import client_of, jwt, read, refused, response_of, said, throttled

from scopeprobe.model.answer import Answer, Issued, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.oauth.token_response import access_token, asks_for_nonce

TOKEN = "opaque-token"


ISSUED = {
    "keycloak-superset": ({"scope": "profile read email"}, Issued(("read", "email", "profile"))),
    "oidc_provider-silent": ({}, Issued()),
    "authentik-unordered": ({"scope": "write read"}, Issued(("read", "write"))),
    "authentik-nothing": ({"scope": ""}, Issued(())),
    "twitch-array": ({"scope": ["read", "x"]}, Issued(("read", "x"))),
    "any-commas": ({"scope": "x,read"}, Issued(("read", "x"))),
    "any-token-as-scope": ({"scope": TOKEN}, Issued(())),
    "any-number": ({"scope": 7}, Unanswered(Reason.MALFORMED_ANSWER, 200)),
    "any-no-token": ({"access_token": ""}, Unanswered(Reason.MALFORMED_ANSWER, 200)),
    "any-no-jwt": ({"access_token": "a.b.c"}, Issued()),
    "auth0-claim-string": ({"access_token": jwt(scope="a b")}, Issued(None, ("a", "b"), True)),
    "spring-claim-array": ({"access_token": jwt(scope=["a"])}, Issued(None, ("a",), True)),
    "hydra-claim-scp-list": ({"access_token": jwt(scp=["a"])}, Issued(None, ("a",), True)),
    "entra-claim-scp-string": ({"access_token": jwt(scp="a b")}, Issued(None, ("a", "b"), True)),
    "entra-no-roles": ({"access_token": jwt(sub="x")}, Issued(None, None, True)),
}


@pytest.mark.parametrize(("members", "expected"), ISSUED.values(), ids=ISSUED.keys())
def test_a_token_is_read_and_dropped(members, expected):
    assert read(200, {"access_token": TOKEN, **members}) == expected


@pytest.mark.parametrize("code", ["access_denied", "invalid_scope", "invalid_request"])
@pytest.mark.parametrize(
    "scope", ["quota.write", "rate-limit:admin", "too.many.requests", "client:secret"]
)
@pytest.mark.parametrize("echo", ["{}", "'{}'", "[{}]", "{},"])
def test_a_scope_that_sounds_like_a_throttle_is_refused_all_the_same(code, scope, echo):
    text = f"Client has not been granted scopes: {echo.format(scope)}"
    answer = read(403, said(code, text), asked=(scope,))
    assert answer == refused(403, code, text, named=(scope,))


def test_a_throttle_is_none_of_our_words_even_where_its_code_is_the_scope():
    answer = read(400, said("too.many.requests"), asked=("too.many.requests",))
    assert answer == throttled(400, "too.many.requests")


def test_a_scope_of_a_throttled_client_is_not_refused():
    answer = read(400, said("invalid_request", "rate limit exceeded: read"), asked=("read",))
    assert isinstance(answer, Unanswered)


def test_a_nonce_is_asked_for_in_the_body_or_in_the_challenge():
    nonce = {"DPoP-Nonce": "n-0S6_WzA2Mj"}
    challenge = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"'}
    assert asks_for_nonce(response_of(400, said("use_dpop_nonce"), nonce)) == "n-0S6_WzA2Mj"
    assert asks_for_nonce(response_of(401, b"", nonce | challenge)) == "n-0S6_WzA2Mj"
    assert asks_for_nonce(response_of(400, said("invalid_scope"), nonce)) is None
    assert asks_for_nonce(response_of(400, said("use_dpop_nonce"))) is None
    assert asks_for_nonce(response_of(200, {"access_token": TOKEN}, nonce)) is None
    bad = {"DPoP-Nonce": "a\x1b b"}
    assert asks_for_nonce(response_of(400, said("use_dpop_nonce"), bad)) is None


def test_the_token_can_be_reached_for_the_rest_of_its_exchange():
    issued = response_of(200, {"access_token": TOKEN, "token_type": "DPoP"})
    refusal = response_of(400, said("invalid_scope", access_token=TOKEN, token_type=7))
    assert access_token(issued) == TOKEN
    assert access_token(refusal) is None


def test_an_answer_survives_the_journal():
    answers = [read(200, {"access_token": TOKEN, **members}) for members, _ in ISSUED.values()]
    for answer in answers:
        assert msgspec.json.decode(msgspec.json.encode(answer), type=Answer) == answer


def test_a_client_without_a_secret_is_read_too():
    body = json.dumps(said("invalid_scope")).encode()
    assert read(400, body, client=client_of(secret="")) == refused(400, "invalid_scope")


def test_a_header_tells_a_throttle_where_no_word_does():
    expected = throttled(403, "access_denied", "no", 30.0)
    assert read(403, said("access_denied", "no"), {"Retry-After": "30"}) == expected
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}
    assert read(403, said("access_denied", "no"), spent) == expected
