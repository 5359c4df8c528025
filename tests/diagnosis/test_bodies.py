"""Servers and gateways that want another body, another Content-Type, other white space."""

import json

import anyio
import pytest
from faults_to_explain import ID, healthy
from harness import Reply, raw_server

from scopeprobe.audits.explain import explain

TOKEN = Reply(body=b'{"access_token":"opaque","token_type":"Bearer"}')
NO_FORM = Reply(400, b'{"error":"invalid_request"}')


def explained(answer, wanted=("orders.read", "orders.write")):
    with raw_server(answer) as server:
        patient = healthy("strict")
        patient.wanted, patient.candidates, patient.has_issuer = wanted, wanted, False
        patient.endpoint = f"{server.url}/token"
        explanation = anyio.run(explain, patient.order("raw", server.url))
    assert explanation.credential_failures == 0
    return explanation, {cause.code: cause for cause in explanation.causes}


def reads_json_only(asked):
    try:
        is_read = "grant_type" in json.loads(asked.form)
    except ValueError:
        is_read = False
    return TOKEN if is_read else NO_FORM


def wants_a_charset(asked):
    return TOKEN if "charset" in asked.headers["content-type"] else Reply(415, b"")


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [(reads_json_only, "application/json"), (wants_a_charset, "charset=utf-8")],
)
def test_a_body_that_is_wanted_otherwise_is_named_with_the_contrast(answer, wanted):
    explanation, causes = explained(answer)
    assert explanation.outcome == "explained"
    assert next(iter(causes)) == "body_not_form"
    assert wanted in causes["body_not_form"].next_step
    assert len(causes["body_not_form"].evidence) == 2


def test_no_other_body_is_tried_on_whom_a_failure_may_lock():
    explanation, _ = explained_failing()
    assert not any(e.question.change.content_type for e in explanation.experiments)


def explained_failing():
    with raw_server(lambda _asked: Reply(401, b'{"error":"invalid_client"}')) as server:
        patient = healthy("strict")
        patient.endpoint, patient.has_issuer = f"{server.url}/token", False
        return anyio.run(explain, patient.order("raw", server.url)), server


@pytest.mark.parametrize("separator", ["%20", ","])
def test_white_space_that_is_read_otherwise_is_told_from_a_refused_pair(separator):
    def answer(asked):
        written = dict(part.split("=", 1) for part in asked.form.split("&")).get("scope", "")
        read = written.split(separator)
        is_known = set(read) <= {"", "orders.read", "orders.write", "users.read"}
        return TOKEN if is_known else Reply(400, b'{"error":"invalid_scope"}')

    explanation, causes = explained(answer, ("orders.read", "orders.write", "users.read"))
    step = causes["scope_combination_refused"].next_step
    assert f"Write `{separator}` between the scopes" in step
    assert explanation.outcome == "explained"
    assert explanation.requests <= 14


def test_a_pair_that_is_refused_however_it_is_written_stays_a_pair():
    def answer(asked):
        is_pair = all(name in asked.form for name in ("orders.read", "orders.write"))
        return Reply(400, b'{"error":"invalid_scope"}') if is_pair else TOKEN

    _, causes = explained(answer)
    assert "in separate requests" in causes["scope_combination_refused"].next_step
    assert ID not in causes["scope_combination_refused"].next_step
