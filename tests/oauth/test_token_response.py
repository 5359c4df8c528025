"""How the reader turns responses into answers, tokens above all."""

import json
from dataclasses import replace

import msgspec
import pytest
from multidict import CIMultiDict
from reading import NOW, client_of, jwt, read, refused, response_of, said, throttled
from settings import changed

from scopeprobe.model.answer import Answer, Issued, TooLarge, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Target
from scopeprobe.model.http import HttpResponse
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.response_body import content_of
from scopeprobe.oauth.token_response import Reader, access_token, asks_for_nonce

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
    "any-token-of-a-number": ({"access_token": 7}, Unanswered(Reason.MALFORMED_ANSWER, 200)),
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


def test_a_name_with_a_comma_is_one_that_is_looked_for_where_no_scope_is_sent():
    client = client_of()
    candidates = (Target((Scope("one,two"),)),)
    for sends in (False, True):
        server = changed(client.server, send_scope=sends)
        client = replace(client, server=server, targets=candidates)
        answer = read(200, {"access_token": TOKEN, "scope": "one,two"}, asked=None, client=client)
        assert answer.listed == (("one", "two") if sends else ("one,two",))


def test_any_redirect_is_told_as_one():
    for status in (300, 302, 399):
        assert read(status, b"") == Unanswered(Reason.REDIRECTED, status)


# -- errors in disguise


def test_an_error_under_the_status_of_a_success_needs_a_code_or_is_a_throttle():
    assert read(200, said("invalid_scope")) == refused(200, "invalid_scope")
    slow_down = {"message": "rate limit exceeded; try again in 7 s"}
    assert read(200, slow_down) == throttled(
        200, "", "rate limit exceeded; try again in <duration>", 7.0
    )
    assert read(200, {"message": "hello"}) == Unanswered(Reason.MALFORMED_ANSWER, 200)


def test_an_error_in_another_encoding_is_read_as_far_as_it_can_be():
    body = '{"error": "invalid_scope", "error_description": "Scope inconnu près de là"}'
    text = "Scope inconnu pr\ufffds de l\ufffd"
    assert read(400, body.encode("latin-1")) == refused(400, "invalid_scope", text)


def test_the_code_inside_of_a_fault_is_read():
    """Apigee says in `detail` what its words do not."""
    detail = {"errorcode": "policies.ratelimit.QuotaViolation"}
    answer = read(403, {"fault": {"faultstring": "Refused", "detail": detail}})
    assert answer == throttled(403, "", "Refused")


def test_an_error_in_plain_words_is_read_and_half_a_form_or_object_is_not():
    plain = "Trop de requêtes: rate limit".encode("latin-1")
    assert read(400, plain) == throttled(400, "", "Trop de requ\ufffdtes: rate limit")
    for body in (b'{"message": "rate limit', b'["rate limit', b"access_token=x&note=rate limit"):
        assert read(400, body) == Unanswered(Reason.MALFORMED_ANSWER, 400)


# -- bodies that were lost


@pytest.mark.parametrize(
    ("status", "headers", "answer"),
    [
        (429, {"Retry-After": "7"}, throttled(429, "", "", 7.0)),
        (400, {"X-RateLimit-Remaining": "0"}, throttled(400, "")),
        (503, {}, Unanswered(Reason.SERVER_ERROR, 503)),
        (413, {}, TooLarge(413)),
        (400, {}, Unanswered(Reason.TIMED_OUT, 400)),
        (404, {}, Unanswered(Reason.TIMED_OUT, 404)),
        (401, {"Retry-After": "7"}, Unanswered(Reason.TIMED_OUT, 401)),
        (403, {"Retry-After": "7"}, Unanswered(Reason.TIMED_OUT, 403)),
        (500, {"Retry-After": "7"}, Unanswered(Reason.TIMED_OUT, 500)),
        (200, {"Retry-After": "7"}, Unanswered(Reason.TIMED_OUT, 200)),
    ],
)
def test_status_and_headers_count_where_the_body_was_lost_unless_they_may_reject(
    status, headers, answer
):
    client = client_of()
    response = HttpResponse(status, CIMultiDict(headers), b"", lost_because=Reason.TIMED_OUT)
    reader = Reader.of(client, client.targets[0])
    assert reader.read(Question(None), response, NOW) == answer


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
    assert access_token(response_of(300, {"access_token": TOKEN})) is None


@pytest.mark.parametrize("status", [200, 400])
def test_a_response_that_was_read_shows_nothing_of_its_body(status):
    members = {"access_token": TOKEN, "refresh_token": TOKEN, "scope": TOKEN, "id_token": TOKEN}
    response = response_of(status, said("invalid_scope", **members), {"X-Echo": TOKEN})
    for _ in range(2):
        shown = repr(response) + str(response) + repr(response.content)
        assert TOKEN not in shown
        assert content_of(response) is response.content
    assert response.content.token == TOKEN


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
