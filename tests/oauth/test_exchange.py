"""The steps of one question, driven by hand: nonces, faults, and what a lost body leaves."""

from dataclasses import replace

import pytest
from joserfc import jws
from multidict import CIMultiDict
from reading import NOW, client_of, jwt, response_of
from settings import changed

from scopeprobe.engine.exchange_runner import _fault
from scopeprobe.model.answer import Issued, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.fault import Fault
from scopeprobe.model.http import HttpResponse, Purpose
from scopeprobe.model.provider import Verify
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.exchange import TokenHandling, exchanges
from scopeprobe.oauth.metadata import MetadataProblem, read_metadata
from scopeprobe.oauth.token_numbers import TokenNumbers

READ = Question((Scope("read"),))
GRANTS = response_of(200, {"access_token": "t-opaque-token", "scope": "read"})


def lost(status, reason=Reason.MALFORMED_ANSWER, **headers):
    return HttpResponse(status, CIMultiDict(headers), b"", lost_because=reason)


def answer_to(exchange, *responses):
    """The answer of an exchange that gets these responses, and what it sent for them."""
    sent = [next(exchange)]
    try:
        for response in responses:
            sent += [exchange.send(response)]
    except StopIteration as end:
        return end.value, [request.purpose for request in sent]
    pytest.fail("it asks for more")


@pytest.fixture
def introspected():
    client = client_of()
    endpoint = "https://login.example/introspect"
    server = changed(client.server, verify=Verify.INTROSPECT, introspection_endpoint=endpoint)
    handling = TokenHandling()
    client = replace(client, server=server)
    return exchanges(client, client.targets[0], handling=handling, now=lambda: NOW)


def exchanges_of(client, **traits):
    server = changed(client.server, **traits)
    return exchanges(replace(client, server=server), client.targets[0], now=lambda: NOW)


def test_a_question_whose_request_failed_says_what_stood_in_the_way():
    fault = Fault(Reason.UNREACHABLE, "connection_refused", "nobody listens")
    answer = Unanswered(Reason.UNREACHABLE, None, "connection_refused", "nobody listens")
    assert answer_to(exchanges_of(client_of())(READ), fault) == (answer, [Purpose.TOKEN])


def test_a_token_whose_list_cannot_be_read_is_not_followed_up():
    unreadable = response_of(200, {"access_token": "t-opaque-token", "scope": 7})
    answer, sent = answer_to(exchanges_of(client_of(), revokes=True)(READ), unreadable)
    assert answer == Unanswered(Reason.MALFORMED_ANSWER, 200)
    assert sent == [Purpose.TOKEN]


def test_a_grant_is_confirmed_by_its_token_or_by_nothing_where_that_is_wanted():
    grants = response_of(200, {"access_token": jwt(scope="read"), "scope": "read"})
    answer, _ = answer_to(exchanges_of(client_of())(READ), grants)
    assert (answer.listed, answer.claimed, answer.readable) == (("read",), ("read",), True)
    answer, _ = answer_to(exchanges_of(client_of(), verify=Verify.NONE)(READ), grants)
    assert (answer.listed, answer.claimed, answer.readable) == (("read",), None, False)


def test_tokens_are_numbered_in_the_order_of_their_first_showing():
    numbers = TokenNumbers()
    first, second, again = (numbers.of(token) for token in ("t-1", "t-2", "t-1"))
    assert 0 < first < second
    assert again == first
    assert "t-2" in numbers
    assert "t-3" not in numbers


# -- nonces of DPoP (RFC 9449 section 8)


def wants(nonce):
    return response_of(400, {"error": "use_dpop_nonce"}, {"DPoP-Nonce": nonce})


def proved(request):
    return jws.extract_compact(dict(request.headers)["DPoP"].encode()).payload


@pytest.fixture
def proving():
    return exchanges_of(replace(client_of(), binds_tokens=True))


def test_a_request_is_sent_once_more_with_the_nonce_that_the_server_wants(proving):
    exchange = proving(READ)
    assert b"nonce" not in proved(next(exchange))
    assert b'"nonce":"n-1"' in proved(exchange.send(wants("n-1")))
    with pytest.raises(StopIteration) as end:
        exchange.send(response_of(200, {"access_token": "t-1"}, {"DPoP-Nonce": "n-2"}))
    assert isinstance(end.value.value, Issued)
    assert b'"nonce":"n-2"' in proved(next(proving(READ)))


def test_a_request_is_sent_twice_at_most_for_a_nonce(proving):
    answer, sent = answer_to(proving(READ), wants("n-1"), wants("n-2"))
    assert (answer.reason, len(sent)) == (Reason.SERVER_ERROR, 2)
    answer, sent = answer_to(proving(READ), wants("n-2"))
    assert (answer.reason, len(sent)) == (Reason.SERVER_ERROR, 1)
    answer, sent = answer_to(proving(READ), wants("n-3"), Fault(Reason.TIMED_OUT))
    assert (answer.reason, len(sent)) == (Reason.TIMED_OUT, 2)


@pytest.mark.parametrize(
    "response",
    [
        response_of(200, {"access_token": "t-opaque-token"}, {"DPoP-Nonce": "n-1"}),
        response_of(400, {"error": "invalid_scope"}, {"DPoP-Nonce": "n-1"}),
        Fault(Reason.TIMED_OUT),
    ],
    ids=["granted", "refused", "fault"],
)
def test_a_nonce_that_is_merely_offered_is_for_the_next_request(proving, response):
    assert answer_to(proving(READ), response)[1] == [Purpose.TOKEN]
    assert (b"n-1" in proved(next(proving(READ)))) is not isinstance(response, Fault)


# -- bodies that were lost


def test_a_token_request_keeps_the_status_of_an_answer_that_was_lost():
    client = client_of()
    ask = exchanges(client, client.targets[0], now=lambda: NOW)
    for reason in (Reason.MALFORMED_ANSWER, Reason.TIMED_OUT):
        assert answer_to(ask(READ), lost(401, reason))[0] == Unanswered(reason, 401)
        assert answer_to(ask(READ), lost(200, reason))[0] == Unanswered(reason, 200)


def test_an_introspection_that_was_lost_leaves_the_question_unanswered(introspected):
    answer, sent = answer_to(introspected(READ), GRANTS, lost(200, Reason.TIMED_OUT))
    assert answer == Unanswered(Reason.TIMED_OUT, 200)
    assert sent == [Purpose.TOKEN, Purpose.INTROSPECTION]


def test_a_rejection_counts_at_introspection_whose_body_was_lost(introspected):
    for _ in range(3):
        answer, _ = answer_to(introspected(READ), GRANTS, lost(401))
        assert isinstance(answer, Unanswered)
    answer, sent = answer_to(introspected(READ), GRANTS)
    assert isinstance(answer, Issued)
    assert answer.unconfirmed
    assert sent == [Purpose.TOKEN]


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (200, Reason.TIMED_OUT),
        (400, Reason.TIMED_OUT),
        (401, None),
        (403, None),
        (429, Reason.THROTTLED),
        (500, Reason.SERVER_ERROR),
    ],
)
def test_a_step_is_repeated_for_a_lost_body_unless_it_was_rejected(status, fault):
    assert _fault(lost(status, Reason.TIMED_OUT)) is fault


def test_metadata_that_were_lost_are_no_document():
    found = read_metadata("https://login.example", lost(200, Reason.TIMED_OUT))
    words = "the answer is cut off or longer than 1 MiB"
    assert found == MetadataProblem(Reason.TIMED_OUT, words)
