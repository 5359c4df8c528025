"""Clients to whom a server says one thing, in a vendor's own words, whatever they ask."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio
from answers import VendorAnswer
from faults_to_explain import Patient, healthy
from reading import response_of

from scopeprobe.audits.explain import case_of
from scopeprobe.diagnosis import Explanation, diagnose, explain_log
from scopeprobe.model.experiment import Experiment
from scopeprobe.model.question import Question
from scopeprobe.oauth.request_changes import changed
from scopeprobe.oauth.token_request import request_writer
from scopeprobe.oauth.token_response import Reader
from scopeprobe.oauth.trace import trace_of


def explained(answer: VendorAnswer, *, only_for: tuple[str, ...] = ()) -> Explanation:
    """Explain a client that is answered so; `only_for`: a token is issued to other scopes."""
    patient: Patient = healthy("strict")
    patient.has_issuer = False
    patient.wanted = tuple(answer.asked)
    case = anyio.run(case_of, patient.order("raw", "http://127.0.0.1:9"))
    reader = Reader.of(case.client, case.target, ())
    log: list[Experiment] = []
    plan = diagnose(case)
    try:
        question = next(plan)
        while True:
            log.append(_experiment(case, reader, question, answer, only_for))
            question = plan.send(log[-1])
    except StopIteration:
        return explain_log(case, log)


def _experiment(case, reader, question: Question, told: VendorAnswer, only_for) -> Experiment:
    if only_for and not set(question.scopes or ()) & set(only_for):
        response = response_of(200, {"access_token": "opaque", "token_type": "Bearer"})
    else:
        response = response_of(told.status, told.sent(), told.headers)
    now = datetime.now(UTC)
    answer = reader.read(question, response, now)
    client, target = changed(case.client, case.target, question.change)
    trace = trace_of(client, request_writer(client, target)(question), response, now)
    return Experiment(question, answer, trace)
