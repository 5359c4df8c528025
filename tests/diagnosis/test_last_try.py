"""Servers that answer 401 to a bad scope and to a missing one, and the ration of failures there."""

import json
from dataclasses import replace

import anyio
import pytest
from faults_to_explain import healthy
from harness import Reply, raw_server

from scopeprobe.audits.explain import case_of, explain
from scopeprobe.diagnosis import Known, ToldToAnother, diagnose
from scopeprobe.model.answer import Refused, Subject, Unauthenticated
from scopeprobe.model.cell import Verdict
from scopeprobe.model.client import ClientName, Expectation
from scopeprobe.model.experiment import Experiment, Trace
from scopeprobe.model.scope_names import Scope

MANY = tuple(f"area{n:02}.read" for n in range(64))
BAD = ("area05.read", "area30.read", "area63.read")
REFUSAL = Unauthenticated(401, "invalid_client", "invalid client or missing scope")
TOLD = json.dumps({"error": REFUSAL.error, "error_description": REFUSAL.description})


def forum(asked):
    """The forum's server: a bad scope, a missing one and a wrong secret get the same words."""
    scopes = (asked.scopes or "").split()
    if not scopes or set(scopes) - set(MANY) | set(scopes) & set(BAD):
        return Reply(401, TOLD.encode())
    return Reply(body=b'{"access_token":"opaque","token_type":"Bearer"}')


def patient_of(wanted, candidates=(), **said):
    patient = healthy("strict")
    patient.wanted, patient.candidates = wanted, candidates or wanted
    patient.has_issuer = False
    for name, value in said.items():
        setattr(patient, name, value)
    return patient


def explained(wanted, candidates=(), **said):
    with raw_server(forum) as server:
        patient = patient_of(wanted, candidates, **said)
        patient.endpoint = f"{server.url}/token"
        explanation = anyio.run(explain, patient.order("raw", server.url))
    return explanation, {cause.code: cause for cause in explanation.causes}


def test_three_bad_scopes_of_64_are_named_by_a_server_that_names_nothing():
    explanation, causes = explained(MANY)
    assert explanation.outcome == "explained"
    assert list(causes) == ["scope_refused", "scope_unknown"]
    assert explanation.refusing_sets == tuple((scope,) for scope in BAD)
    assert explanation.requests <= 42
    assert explanation.credential_failures == 0


def test_a_bad_scope_alone_is_told_by_another_that_is_granted():
    explanation, causes = explained(("bad",), ("bad", "area06.read"))
    assert next(iter(causes)) == "scope_refused"
    assert explanation.refusing_sets == (("bad",),)


def test_a_client_that_asks_for_no_scope_is_told_that_it_must():
    explanation, causes = explained((), ("area06.read",))
    assert explanation.outcome == "explained"
    assert list(causes) == ["scope_required"]


def test_of_many_scopes_that_may_be_bad_a_step_names_some():
    explanation, causes = explained(tuple(f"bad{n}" for n in range(64)))
    assert explanation.outcome == "not_explained"
    assert explanation.credential_failures == 3
    assert "`bad11` and 52 more to client" in causes["scope_refused"].next_step
    assert "Ask for one scope that this client surely has" in explanation.next_test


# -- which lone scope, and how many failures


def case(known=None, methods=("client_secret_basic",)):
    plain = anyio.run(case_of, patient_of(MANY[:6]).order("raw", "http://127.0.0.1:9"))
    return replace(plain, known=known or Known(), methods=methods)


def asked_of(case, answer=REFUSAL):
    """Ask a server that answers everything alike; which scopes it was asked for."""
    plan, asked = diagnose(case), []
    try:
        question = next(plan)
        while True:
            asked.append(question.scopes)
            trace = Trace("curl", answer.status, body=answer.description)
            question = plan.send(Experiment(question, answer, trace))
    except StopIteration:
        return asked


def test_the_last_try_is_a_lone_scope():
    assert asked_of(case()) == [MANY[:6], None, (MANY[0],)]


def test_where_no_method_is_named_the_other_one_is_tried_instead_of_no_scope():
    assert asked_of(case(methods=None)) == [MANY[:6], MANY[1:2], MANY[:1]]


def with_expectation(granted):
    plain = case()
    target = replace(plain.target, expect=Expectation(granted))
    return replace(plain, target=target)


def advertising(plain, *scopes):
    server = replace(plain.client.server, scopes_supported=scopes)
    return replace(plain, client=replace(plain.client, server=server))


LAST_NIGHT = Known(verdicts={Scope("orders.old"): Verdict.GRANTED})


@pytest.mark.parametrize(
    ("known", "lone"),
    [
        pytest.param(with_expectation((MANY[3],)), MANY[3], id="expected"),
        pytest.param(case(LAST_NIGHT), "orders.old", id="granted-last-night"),
        pytest.param(
            case(Known(verdicts={Scope(MANY[0]): Verdict.DENIED})), MANY[1], id="not-what-is-denied"
        ),
        pytest.param(advertising(case(), "other", MANY[2]), MANY[2], id="advertised-and-wanted"),
        pytest.param(advertising(case(LAST_NIGHT), MANY[2]), "orders.old", id="granted-goes-first"),
    ],
)
def test_the_lone_scope_is_the_likeliest_to_be_granted(known, lone):
    assert asked_of(known)[-1] == (lone,)


@pytest.mark.parametrize(("spent", "left"), [(0, 3), (1, 2), (2, 1), (3, 0), (7, 0)])
def test_failures_that_were_spent_today_count(spent, left):
    assert len(asked_of(case(Known(failures_spent=spent)))) == left


def test_a_plain_word_about_the_secret_spares_the_lone_scope():
    plain = Unauthenticated(401, "invalid_client", "Invalid client secret")
    assert asked_of(case(), plain) == [MANY[:6], None]


def test_a_server_that_refuses_scopes_to_others_otherwise_spares_it_too():
    refused = Refused(400, "invalid_scope", about=Subject.SCOPE)
    told = ToldToAnother(
        ClientName("other"), is_authenticated=True, scopes=(Scope("orders.other"),),
        is_canary=False, answer=refused,
    )  # fmt: skip
    assert asked_of(case(Known(told_to_others=(told,)))) == [MANY[:6], None]
    alike = replace(told, answer=REFUSAL)
    assert len(asked_of(case(Known(told_to_others=(told, alike))))) == 3
    invented = replace(told, is_canary=True)
    assert len(asked_of(case(Known(told_to_others=(invented,))))) == 3
    unproved = replace(told, is_authenticated=False)
    assert len(asked_of(case(Known(told_to_others=(unproved,))))) == 3
