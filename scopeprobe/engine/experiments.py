"""A diagnosis as a plan of the engine: its questions, and what was sent for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from scopeprobe.model.answer import Answer, Fact
from scopeprobe.model.assignment import Assignment, Plan
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import ClientName
from scopeprobe.model.events import Event, RequestRetried
from scopeprobe.model.experiment import Experiment, ExperimentPlan, Trace
from scopeprobe.model.fault import Fault
from scopeprobe.model.http import HttpRequest, HttpResponse, Purpose
from scopeprobe.model.question import Question
from scopeprobe.oauth.request_changes import changed
from scopeprobe.oauth.trace import trace_of


class ExplainedAssignment(Assignment):
    """What a diagnosis asks for, also where an audit would ask nothing: the cause may be there."""

    @property
    def unaskable_because(self) -> None:
        return None


@dataclass(slots=True)
class _Sending:
    """What was sent for one question so far."""

    trace: Trace = field(default_factory=lambda: Trace(""))
    requests: int = 0
    throttles: int = 0


class ExperimentRun:
    """
    Runs one diagnosis.

    Its queue asks by `strategy`. Beside that it watches what is sent, because an experiment is
    more than an answer: `note_response` and `observe` are told of it by the scheduler.
    """

    def __init__(
        self, assignment: Assignment, diagnosis: ExperimentPlan, now: Callable[[], datetime]
    ) -> None:
        self._assignment = assignment
        self._diagnosis = diagnosis
        self._now = now
        self._sendings: dict[Question, _Sending] = {}
        self._latest = _Sending()

    @property
    def client(self) -> ClientName:
        return self._assignment.client.name

    def strategy(self, _assignment: Assignment) -> Plan:
        """Ask one question a wave: each experiment decides which comes next."""
        try:
            question = next(self._diagnosis)
            while True:
                (answer,) = yield (question,)
                question = self._diagnosis.send(self._experiment(question, answer))
        except StopIteration:
            return

    def note_response(
        self, question: Question, request: HttpRequest, response: HttpResponse | Fault
    ) -> None:
        """Keep what may be shown of a token request; of several the last counts."""
        if not request.purpose.asks_for_token:
            return
        self._latest = self._sendings.setdefault(question, _Sending())
        self._latest.requests += 1
        if request.purpose is Purpose.TOKEN:
            client, _ = changed(self._assignment.client, self._assignment.target, question.change)
            told = response if isinstance(response, HttpResponse) else None
            self._latest.trace = trace_of(client, request, told, self._now())

    def observe(self, event: Event) -> None:
        """Count the throttles of the question that is being asked."""
        if isinstance(event, RequestRetried) and event.outcome == Reason.THROTTLED:
            self._latest.throttles += 1

    def log(self, facts: Iterable[Fact]) -> tuple[Experiment, ...]:
        """Everything that was asked, also what no wave of the diagnosis asked for."""
        return tuple(self._experiment(fact.question, fact.answer) for fact in facts)

    def _experiment(self, question: Question, answer: Answer) -> Experiment:
        sending = self._sendings.get(question, _Sending())
        return Experiment(question, answer, sending.trace, sending.throttles, sending.requests)


class ExperimentRuns:
    """Diagnoses of one run of the engine, one a client: each is told of what is sent for it."""

    def __init__(self, runs: Iterable[ExperimentRun]) -> None:
        self._runs = {run.client: run for run in runs}

    def strategy(self, assignment: Assignment) -> Plan:
        return self._runs[assignment.client.name].strategy(assignment)

    def note_response(
        self,
        assignment: Assignment,
        question: Question,
        request: HttpRequest,
        response: HttpResponse | Fault,
    ) -> None:
        self._runs[assignment.client.name].note_response(question, request, response)

    def observe(self, event: Event) -> None:
        if isinstance(event, RequestRetried):
            self._runs[event.client].observe(event)
