"""The steps of one question, driven by hand: what a lost body leaves of each."""

from dataclasses import replace

import pytest
from multidict import CIMultiDict
from reading import NOW, client_of, response_of
from settings import changed

from scopeprobe.engine.exchange_runner import _fault
from scopeprobe.model.answer import Issued, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.http import HttpResponse, Purpose
from scopeprobe.model.provider import Verify
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.exchange import TokenHandling, exchanges
from scopeprobe.oauth.metadata import MetadataProblem, read_metadata

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
    assert isinstance(found, MetadataProblem)
    assert found.reason is Reason.TIMED_OUT
