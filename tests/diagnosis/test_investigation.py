"""The plan and its conclusions against servers that answer anything at all."""

import hashlib
from dataclasses import replace
from functools import cache

from faults_to_explain import healthy
from hypothesis import given, settings
from hypothesis import strategies as st

from scopeprobe.diagnosis import Case, Known, OtherEndpoint, codes, diagnose, explain_log
from scopeprobe.diagnosis.outcomes import is_failure
from scopeprobe.diagnosis.theories import theories
from scopeprobe.model.answer import (
    GrantNotAllowed,
    Issued,
    Refused,
    Subject,
    TooLarge,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.cell import Reason
from scopeprobe.model.experiment import Experiment, Trace
from scopeprobe.model.scope_names import Scope

WANTED = tuple(map(Scope, ("a.read", "a.write", "b.read", "b.write", "c.raed")))
BODIES = (
    "",
    "{}",
    "<html>",
    "invalid_dpop_proof",
    "No audience parameter",
    "resource indicator is missing",
    "supports client authentication method 'client_secret_post', but method",
)
ANSWERS = st.one_of(
    st.builds(Issued, listed=st.sampled_from([None, (), ("a.read",), WANTED])),
    st.builds(
        Refused,
        status=st.just(400),
        error=st.sampled_from(["invalid_scope", "invalid_request", "access_denied"]),
        about=st.sampled_from(Subject),
        named=st.sampled_from([(), ("a.read",), WANTED]),
    ),
    st.builds(Unauthenticated, status=st.just(401), unknown_client=st.booleans()),
    st.builds(GrantNotAllowed, status=st.just(400)),
    st.builds(TooLarge, status=st.just(413)),
    st.builds(
        Unanswered,
        reason=st.sampled_from([Reason.THROTTLED, Reason.SERVER_ERROR, Reason.UNREACHABLE,
                                Reason.MALFORMED_ANSWER, Reason.REDIRECTED, Reason.TLS_FAILURE]),
        status=st.sampled_from([None, 401, 404, 503]),
    ),
)  # fmt: skip


@cache
def case_of():
    patient = healthy("strict")
    patient.wanted, patient.candidates = WANTED, ("c.read", *WANTED)
    patient.secret, patient.has_issuer = "50%+1 ", False
    client = patient.order("corp", "http://127.0.0.1:9").client
    endpoint = OtherEndpoint("http://127.0.0.1:9/other", "so says a test")
    methods = ("client_secret_basic", "client_secret_post")
    return Case(client, client.targets[0], WANTED, (endpoint,), methods, most_requests=25)


def asked_of(case, answers, bodies):
    """Ask a server whose answer depends on the question alone, as far as one can tell."""
    log, plan = [], diagnose(case)
    try:
        question = next(plan)
        while True:
            number = int(hashlib.sha256(repr(question).encode()).hexdigest(), 16)
            answer = answers[number % len(answers)]
            body = bodies[number % len(bodies)]
            status = getattr(answer, "status", 200)
            log.append(Experiment(question, answer, Trace("curl", status, (), body, 45.0)))
            question = plan.send(log[-1])
    except StopIteration:
        return log


@settings(max_examples=150)
@given(
    st.lists(ANSWERS, min_size=1, max_size=6),
    st.lists(st.sampled_from(BODIES), min_size=1),
    st.integers(0, 3),
)
def test_whatever_a_server_answers_the_budgets_hold_and_something_is_concluded(
    answers, bodies, spent
):
    case = replace(case_of(), known=Known(failures_spent=spent))
    log = asked_of(case, answers, bodies)
    explanation = explain_log(case, log)
    assert (spent < 3) <= len(log) <= case.most_requests
    never_accepted = not any(isinstance(e.answer, Issued) for e in log)
    assert not never_accepted or sum(map(is_failure, log)) <= 3 - spent
    assert explanation.outcome in {"working", "explained", "not_explained"}
    assert explanation.causes or explanation.outcome != "explained"
    fallen = {one.theory for one in explanation.ruled_out}
    left = {one.theory for one in explanation.not_tested}
    named = {cause.code for cause in explanation.causes}
    held = {name for name, one in theories().items() if named & set(one.causes)}
    assert not (fallen & left)
    assert not (held & (fallen | left))
    assert not log or fallen | left | held == set(theories())
    assert bool(explanation.next_test) <= (explanation.outcome != "explained")
    assert {cause.code for cause in explanation.causes} <= set(codes())
    assert all(0 < cause.confidence <= 1 and cause.evidence for cause in explanation.causes)
    assert len({e.question for e in log}) == len(log)
