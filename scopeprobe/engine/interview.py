"""Ask a diagnosis of one client: one request at a time, at the pace of its server."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import anyio

from scopeprobe.engine.build_queues import DEFAULT_CLIENT_SPACING, DEFAULT_SPACING
from scopeprobe.engine.http_client import HttpClient
from scopeprobe.engine.rate_limit import RateLimiter
from scopeprobe.engine.retry import EXPERIMENT, Failures, backoff, seconds_until_retry
from scopeprobe.model.answer import Answer, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Client, Target
from scopeprobe.model.experiment import Experiment, ExperimentPlan, Trace
from scopeprobe.model.http import Exchange, HttpRequest, HttpResponse, Purpose
from scopeprobe.model.question import Question, RequestChange
from scopeprobe.oauth.exchange import TokenHandling, exchanges
from scopeprobe.oauth.request_changes import changed
from scopeprobe.oauth.trace import trace_of

_TOKEN_REQUESTS = {Purpose.TOKEN, Purpose.COMPARISON}

Watcher = Callable[[int, Experiment], None]
"""Told of every experiment with its number, when its answer is read."""


def _wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class Interview:
    """Carries out what a diagnosis asks; what was answered is kept in `log`."""

    client: Client
    target: Target
    http: HttpClient
    max_pause: float = 60.0
    """Seconds: a server that asks for a longer pause is not waited for."""
    now: Callable[[], datetime] = _wall_clock
    watch: Watcher = lambda _number, _experiment: None
    log: list[Experiment] = field(default_factory=list)

    def __post_init__(self) -> None:
        server, start = self.client.server, time.monotonic()
        self._limiters = (
            RateLimiter(server.limits.rates, now=start, spacing=DEFAULT_SPACING),
            RateLimiter(
                server.limits.spendable_client_rates, now=start, spacing=DEFAULT_CLIENT_SPACING
            ),
        )
        self._desks: dict[RequestChange, Callable[[Question], Exchange]] = {}
        self._office = TokenHandling()
        self._sent = 0

    async def conduct(self, inquiry: ExperimentPlan) -> None:
        """Ask until the diagnosis has no more questions."""
        try:
            question = next(inquiry)
            while True:
                experiment = await self._experiment(question)
                self.log.append(experiment)
                self.watch(len(self.log), experiment)
                question = inquiry.send(experiment)
        except StopIteration:
            return

    async def _experiment(self, question: Question) -> Experiment:
        """Ask one question; after a fault once more, after a throttle when its pause is over."""
        met, before = Failures(), self._sent
        while True:
            answer, trace = await self._attempt(question)
            if not isinstance(answer, Unanswered):
                break
            also_met = met.and_also(answer.reason, answer.status)
            seconds = seconds_until_retry(EXPERIMENT, also_met, self.client.server.limits)
            if seconds is None:
                break
            if answer.reason is Reason.THROTTLED:
                seconds = answer.wait if answer.wait is not None else backoff(met.throttles + 2)
                if seconds > self.max_pause:
                    break
                for limiter in self._limiters:
                    limiter.slow_down()
            met = also_met
            await anyio.sleep(seconds)
        return Experiment(question, answer, trace, met.throttles, self._sent - before)

    async def _attempt(self, question: Question) -> tuple[Answer, Trace]:
        client, _ = changed(self.client, self.target, question.change)
        exchange = self._exchange_of(question)
        request = next(exchange)
        trace = Trace("")
        while True:
            response = await self._send(client, request)
            if request.purpose is Purpose.TOKEN:
                told = response if isinstance(response, HttpResponse) else None
                trace = trace_of(client, request, told, self.now())
            try:
                request = exchange.send(response)
            except StopIteration as end:
                answer: Answer = end.value
                return answer, trace

    async def _send(self, client: Client, request: HttpRequest) -> HttpResponse | Reason:
        if request.purpose in _TOKEN_REQUESTS:
            opens_at = max(limiter.opens_at() for limiter in self._limiters)
            await anyio.sleep(max(opens_at - time.monotonic(), 0.0))
            for limiter in self._limiters:
                limiter.take(time.monotonic())
            self._sent += 1
        return await self.http.send(client, request)

    def _exchange_of(self, question: Question) -> Exchange:
        change = question.change
        if change not in self._desks:
            client, target = changed(self.client, self.target, change)
            now = partial(self._shifted, change.clock_shift) if change.clock_shift else self.now
            self._desks[change] = exchanges(client, target, handling=self._office, now=now)
        return self._desks[change](question)

    def _shifted(self, seconds: float) -> datetime:
        return self.now() + timedelta(seconds=seconds)
