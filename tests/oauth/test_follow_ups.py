"""Introspection and revocation, driven by hand: what is sent, and what its answers count for."""

import base64
from dataclasses import replace
from urllib.parse import parse_qs

import pytest
from reading import NOW, client_of, jwt, response_of
from settings import changed

from scopeprobe.model.answer import Issued, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.fault import Fault
from scopeprobe.model.http import ExchangeCut, Purpose
from scopeprobe.model.provider import Verify
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.model.server import ClientId, ResourceServer
from scopeprobe.oauth.exchange import TokenHandling, exchanges

READ = Question((Scope("read"),))
INTROSPECT = {
    "verify": Verify.INTROSPECT,
    "introspection_endpoint": "https://login.example/introspect",
}
REVOKE = {"revokes": True, "revocation_endpoint": "https://login.example/revoke"}


def granting(token):
    return response_of(200, {"access_token": token, "scope": "read"})


class Asking:
    """One client whose exchanges are answered in turn."""

    def __init__(self, handling=None, **settings):
        client = client_of()
        client = replace(client, server=changed(client.server, **settings))
        self.handling = handling or TokenHandling()
        self.open = exchanges(client, client.targets[0], handling=self.handling, now=lambda: NOW)

    def answered(self, *responses, question=READ):
        """The answer to a question, and the requests that were sent for it."""
        exchange = self.open(question)
        sent = [next(exchange)]
        try:
            for response in responses:
                sent += [exchange.send(response)]
        except StopIteration as end:
            return end.value, sent
        pytest.fail(f"it asks for more: {sent[-1]}")


# -- introspection (RFC 7662)


def test_a_token_is_introspected_as_an_access_token_by_the_client_itself():
    _, (_, request) = Asking(**INTROSPECT).answered(
        granting("t-1"), response_of(200, {"active": True, "scope": "read"})
    )
    form = parse_qs(request.body.decode())
    assert (form["token"], form["token_type_hint"]) == (["t-1"], ["access_token"])
    assert request.purpose is Purpose.INTROSPECTION
    assert dict(request.headers)["Authorization"].startswith("Basic ")


def test_tokeninfo_is_given_the_token_alone():
    asking = Asking(**INTROSPECT, asks_tokeninfo=True)
    answer, (_, request) = asking.answered(granting("t-1"), response_of(200, {"scope": "read"}))
    assert request.body == b"access_token=t-1"
    assert "Authorization" not in dict(request.headers)
    assert answer.confirmed == ("read",)


@pytest.mark.parametrize(
    ("told", "confirmed"),
    [
        ({"active": True, "scope": "read"}, ("read",)),
        ({"active": True, "scope": ""}, ()),
        ({"active": True}, None),
        ({"active": False, "scope": "read"}, None),
        ({"scope": "read"}, None),
        ({"active": True, "scope": "read", "client_id": "somebody-else"}, None),
    ],
)
def test_only_an_active_token_of_this_client_confirms_anything(told, confirmed):
    answer, _ = Asking(**INTROSPECT).answered(granting("t-1"), response_of(200, told))
    assert answer.confirmed == confirmed
    assert answer.unconfirmed is (confirmed is None)


def test_a_name_with_a_comma_is_introspected_whole():
    comma = Question((Scope("one,two"),))
    told = response_of(200, {"active": True, "scope": "one,two"})
    answer, _ = Asking(**INTROSPECT).answered(granting("t-1"), told, question=comma)
    assert answer.confirmed == ("one,two",)


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (response_of(429, {}), Unanswered(Reason.THROTTLED, 429)),
        (response_of(500, {}), Unanswered(Reason.SERVER_ERROR, 500)),
        (Fault(Reason.TIMED_OUT, "answer_timed_out", "no answer"), ...),
    ],
    ids=["429", "500", "fault"],
)
def test_an_introspection_that_says_nothing_leaves_the_question_unanswered(response, answer):
    if answer is ...:
        answer = Unanswered(Reason.TIMED_OUT, None, "answer_timed_out", "no answer")
    assert Asking(**INTROSPECT).answered(granting("t-1"), response)[0] == answer


REJECTED = [
    response_of(401, {"error": "invalid_client"}),
    response_of(403, {}),
    response_of(400, {"error": "invalid_client"}),
]


@pytest.mark.parametrize("rejected", REJECTED, ids=["401", "403", "400"])
def test_a_client_that_may_not_introspect_is_told_from_a_token_that_is_not_active(rejected):
    """Three times at most: its credentials are those of the token endpoint."""
    asking = Asking(**INTROSPECT)
    for _ in range(3):
        answer, _ = asking.answered(granting("t-1"), rejected)
        assert answer == Unanswered(Reason.UNCONFIRMED, 401, "invalid_client")
    answer, sent = asking.answered(granting("t-1"))
    assert isinstance(answer, Issued)
    assert len(sent) == 1
    another = Asking(asking.handling, **INTROSPECT)
    assert len(another.answered(granting("t-1"), rejected)[1]) == 2


def test_an_introspection_that_succeeds_in_between_begins_the_count_anew():
    asking = Asking(**INTROSPECT)
    active = response_of(200, {"active": True, "scope": "read"})
    for response in (*REJECTED[:2], active, *REJECTED):
        assert len(asking.answered(granting("t-1"), response)[1]) == 2
    assert len(asking.answered(granting("t-1"))[1]) == 1


def test_a_resource_server_that_is_rejected_leaves_tokens_unconfirmed():
    """It asks with its own credentials, and what it is told says nothing of the client."""
    introspector = ResourceServer(ClientId("api"), Secret("secret-of-the-api"))
    asking = Asking(**INTROSPECT, introspector=introspector)
    credentials = base64.b64encode(b"api:secret-of-the-api").decode()
    for _ in range(3):
        answer, (_, request) = asking.answered(granting("t-1"), REJECTED[0])
        assert isinstance(answer, Issued)
        assert answer.unconfirmed
        assert dict(request.headers)["Authorization"] == f"Basic {credentials}"
    another = Asking(asking.handling, **INTROSPECT, introspector=introspector)
    assert len(another.answered(granting("t-1"))[1]) == 1


def test_a_server_that_introspects_no_such_tokens_leaves_the_answer_as_it_was():
    for code, is_unconfirmed in (("unsupported_token_type", False), ("invalid_request", True)):
        answer, _ = Asking(**INTROSPECT).answered(
            granting("t-1"), response_of(400, {"error": code})
        )
        assert (answer.listed, answer.unconfirmed) == (("read",), is_unconfirmed)


# -- revocation (RFC 7009)


DONE, UNKNOWN, REFUSED = response_of(200, {}), response_of(503, {}), response_of(401, {})
REFUSING = response_of(400, {"error": "invalid_scope"})


def test_the_first_token_is_given_back_once_a_second_one_differs_from_it():
    asking = Asking(**REVOKE)
    answer, sent = asking.answered(granting("t-1"), granting("t-2"), DONE, DONE)
    assert answer.listed == ("read",)
    forms = [parse_qs(request.body.decode()) for request in sent]
    assert [form.get("token") for form in forms] == [None, None, ["t-2"], ["t-1"]]
    assert {request.purpose for request in sent[2:]} == {Purpose.REVOCATION}
    assert (asking.handling.revoked, asking.handling.left_alive) == (2, 0)
    _, sent = asking.answered(granting("t-3"), DONE)
    assert parse_qs(sent[1].body.decode())["token"] == ["t-3"]


def test_a_token_that_others_have_too_is_never_given_back():
    asking = Asking(**REVOKE)
    _, sent = asking.answered(granting("t-1"), granting("t-1"))
    assert len(sent) == 2
    assert asking.handling.shares_tokens
    assert len(asking.answered(granting("t-2"))[1]) == 1
    assert asking.handling.revoked == 0


def test_a_token_that_comes_back_later_ends_it():
    asking = Asking(**REVOKE)
    asking.answered(granting("t-1"), granting("t-2"), DONE, DONE)
    assert len(asking.answered(granting("t-1"))[1]) == 1
    assert asking.handling.shares_tokens


@pytest.mark.parametrize(("age", "is_shared"), [(4.0, False), (5.0, False), (5.5, True)])
def test_a_token_that_is_older_than_its_request_is_never_given_back(age, is_shared):
    """Clocks tick apart by five seconds at most, as far as we know."""
    asking = Asking(**REVOKE)
    old = granting(jwt(iat=NOW.timestamp() - age, sub="someone"))
    asking.answered(old, *([] if is_shared else [granting("t-2"), DONE, DONE]))
    assert asking.handling == TokenHandling(shares_tokens=is_shared, revoked=2 * (not is_shared))


@pytest.mark.parametrize("second", [REFUSING, Fault(Reason.TIMED_OUT)], ids=["refused", "fault"])
def test_a_token_that_nothing_is_held_against_stays_alive_and_is_counted(second):
    asking = Asking(**REVOKE)
    answer, sent = asking.answered(granting("t-1"), second)
    assert (answer.listed, len(sent)) == (("read",), 2)
    assert asking.handling == TokenHandling(left_alive=1)


def test_a_revocation_that_is_cut_short_is_asked_for_once_more():
    asking = Asking(**REVOKE)
    asking.answered(granting("t-1"), granting("t-2"), DONE, DONE)
    exchange = asking.open(READ)
    next(exchange)
    request = exchange.send(granting("t-3"))
    assert exchange.throw(ExchangeCut()) == request
    with pytest.raises(ExchangeCut):
        exchange.send(DONE)
    assert asking.handling == TokenHandling(revoked=3)


def test_a_token_is_given_back_when_its_exchange_is_cut_short():
    asking = Asking(**REVOKE, **INTROSPECT)
    active = response_of(200, {"active": True, "scope": "read"})
    asking.answered(granting("t-1"), active, granting("t-2"), DONE, DONE)
    exchange = asking.open(READ)
    next(exchange)
    exchange.send(granting("t-3"))
    assert parse_qs(exchange.throw(ExchangeCut()).body.decode())["token"] == ["t-3"]
    with pytest.raises(ExchangeCut):
        exchange.send(DONE)
    assert asking.handling == TokenHandling(revoked=3)


@pytest.mark.parametrize("response", [UNKNOWN, REFUSED, REFUSING], ids=["503", "401", "400"])
def test_a_token_whose_revocation_fails_is_counted_as_alive(response):
    asking = Asking(**REVOKE)
    asking.answered(granting("t-1"), granting("t-2"), response, DONE)
    assert (asking.handling.revoked, asking.handling.left_alive) == (1, 1)


def test_credentials_that_revocation_rejects_are_tried_three_times_in_a_row():
    asking = Asking(**REVOKE)
    asking.answered(granting("t-1"), granting("t-2"), REFUSED, REFUSED)
    asking.answered(granting("t-3"), REFUSED)
    assert len(asking.answered(granting("t-4"))[1]) == 1
    assert (asking.handling.revoked, asking.handling.left_alive) == (0, 4)


def test_a_revocation_that_succeeds_in_between_begins_the_count_anew():
    asking = Asking(**REVOKE)
    asking.answered(granting("t-1"), granting("t-2"), REFUSED, REFUSED)
    asking.answered(granting("t-3"), DONE)
    for token in ("t-4", "t-5"):
        assert len(asking.answered(granting(token), REFUSED)[1]) == 2
    assert len(asking.answered(granting("t-6"), DONE)[1]) == 2


def test_where_tokens_are_deleted_the_token_itself_authenticates():
    asking = Asking(**REVOKE, deletes_tokens=True)
    _, sent = asking.answered(granting("t-1"), granting("t-2"), DONE, DONE)
    assert [request.method for request in sent[2:]] == ["DELETE", "DELETE"]
    assert dict(sent[2].headers)["Authorization"] == "Bearer t-2"
    assert sent[2].body == b""
