"""Carry one question to its answer, through all the requests of its exchange."""

from __future__ import annotations

import time
from asyncio import create_task, shield
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

import anyio
from anyio import get_cancelled_exc_class

from scopeprobe.engine.budgets import Share
from scopeprobe.engine.build_queues import quota_of
from scopeprobe.engine.client_queue import ClientQueue, Job
from scopeprobe.engine.http_client import HttpClient, NotSent
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.engine.retry import FOLLOW_UP, Failures, seconds_until_retry
from scopeprobe.engine.usage import Usage
from scopeprobe.model.answer import Answer
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Client
from scopeprobe.model.fault import Fault
from scopeprobe.model.http import Exchange, ExchangeCut, HttpRequest, HttpResponse, Purpose
from scopeprobe.model.journal import Journal
from scopeprobe.model.question import Question
from scopeprobe.oauth.throttling import reported_quotas, requested_wait
from scopeprobe.oauth.token_response import access_token

LAST_MOMENT = 1.0
"""Seconds that an interrupted run gives to a token that is to be revoked."""


OnResponse = Callable[[Assignment, Question, HttpRequest, HttpResponse | Fault], None]
"""Told of every request that was sent for a question, and of what came of it."""


def ignore_response(
    _assignment: Assignment,
    _question: Question,
    _request: HttpRequest,
    _response: HttpResponse | Fault,
) -> None:
    """Nothing is kept of a response beside its answer."""


@dataclass(frozen=True, slots=True)
class ExchangeRunner:
    """Drives exchanges. Each of their requests keeps the pace of its rate group."""

    http: HttpClient
    journal: Journal
    usage: Mapping[str, Usage]
    budget_is_spent: Callable[[ClientQueue], bool]
    stopped: Callable[[], Reason | None]
    """Why the run is to end, once it is."""
    on_response: OnResponse = ignore_response
    share: Share = field(default_factory=Share)

    async def carry_out(self, group: RateGroup, job: Job) -> Answer | None:
        """Drive the exchange of one question; None where nothing was sent after all."""
        client = job.queue.client
        exchange = job.queue.open_exchange(job)
        try:
            request = next(exchange)
            response = await self._first(group, client, request, exchange)
        except NotSent:
            job.queue.take_back(job, group.paused_until)
            self.usage[client.server.name].requests -= 1
            return None
        self._note_response(job, request, response)
        try:
            while True:
                _heed_quotas(job.queue, response)
                response = await self._further(group, job, exchange.send(response))
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        except get_cancelled_exc_class():
            await self._wind_up(client, exchange)
            raise

    async def _first(
        self, group: RateGroup, client: Client, request: HttpRequest, exchange: Exchange
    ) -> HttpResponse | Fault:
        """
        Send the first request of an exchange.

        Where tokens are to be given back, one that is in the air when the run is interrupted is
        waited for, a second at most.
        """
        sending = self.http.send(
            client, request, lambda: not group.is_paused and self.share.is_valid
        )
        if not client.server.gives_tokens_back:
            return await sending
        task = create_task(sending)
        try:
            return await shield(task)
        except get_cancelled_exc_class():
            with anyio.move_on_after(LAST_MOMENT, shield=True), suppress(NotSent, StopIteration):
                exchange.send(await task)
                await self._wind_up(client, exchange)
            raise

    async def _further(
        self, group: RateGroup, job: Job, request: HttpRequest
    ) -> HttpResponse | Fault:
        """
        Send a further request of an exchange, on a permit of its own.

        A fault or a throttle repeats this step, and not the token request.
        """
        client, server = job.queue.client, job.queue.client.server
        met = Failures()
        while True:
            if request.purpose.asks_for_token and self.budget_is_spent(job.queue):
                return Fault(Reason.BUDGET_SPENT)
            if (reason := await self._permit(group, job.queue, request.purpose)) is not None:
                return Fault(reason)
            response = await self.http.send(client, request)
            self._note_response(job, request, response)
            fault = _fault(response)
            if fault is None or request.purpose.asks_for_token or self.stopped() is not None:
                return response
            met = met.and_also(fault)
            seconds = seconds_until_retry(FOLLOW_UP, met, server.limits)
            if seconds is None:
                return response
            if fault is Reason.THROTTLED and group.throttled(_wait(response)) is None:
                return response
            await anyio.sleep(seconds)

    async def _permit(
        self, group: RateGroup, queue: ClientQueue, purpose: Purpose
    ) -> Reason | None:
        """Wait for a permit, and count it as what it is used for; or say why there is none."""
        is_token_request = purpose.asks_for_token
        own = queue if is_token_request else None
        while (wait := group.admits_at(own) - time.monotonic()) > 0:
            if wait > LAST_MOMENT and (reason := self.stopped()) is not None:
                return reason
            if group.exceeds_max_pause(wait):
                return group.cannot_wait_because
            await anyio.sleep(min(wait, LAST_MOMENT))
        now = time.monotonic()
        group.limiter.take(now)
        usage = self.usage[queue.client.server.name]
        if not is_token_request:
            usage.follow_ups[purpose] += 1
            return None
        queue.limiter.take(now)
        usage.requests += 1
        queue.requests += 1
        note_permits(self.journal, group, queue)
        return None

    def _note_response(
        self, job: Job, request: HttpRequest, response: HttpResponse | Fault
    ) -> None:
        """Count a token, whatever is made of it afterwards."""
        self.on_response(job.plan.assignment, job.question, request, response)
        if request.purpose.asks_for_token and isinstance(response, HttpResponse):
            is_success = response.status == HTTPStatus.OK
            if is_success and access_token(response) is not None:
                self.usage[job.queue.client.server.name].tokens += 1

    async def _wind_up(self, client: Client, exchange: Exchange) -> None:
        """Let an exchange that is cut short give its token back; it has a second for that."""
        with (
            anyio.move_on_after(LAST_MOMENT, shield=True),
            suppress(ExchangeCut, StopIteration),
        ):
            response = await self.http.send(client, exchange.throw(ExchangeCut()))
            exchange.send(response)


def note_permits(journal: Journal, group: RateGroup, queue: ClientQueue) -> None:
    """Remember the permits that a token request used up of quotas that outlast the run."""
    if group.limiter.quotas:
        journal.note_sent(group.group, time.time())
    if queue.limiter.quotas:
        journal.note_sent(quota_of(queue.client), time.time())


def _heed_quotas(queue: ClientQueue, response: HttpResponse | Fault) -> None:
    if isinstance(response, HttpResponse) and response.status == HTTPStatus.OK:
        for quota in reported_quotas(response.headers, datetime.now(UTC)):
            queue.heed(quota, time.monotonic())


def _fault(response: HttpResponse | Fault) -> Reason | None:
    """Why a step has no answer; None where it has one."""
    if isinstance(response, Fault):
        return response.reason
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Reason.THROTTLED
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Reason.SERVER_ERROR
    is_about_credentials = response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    return None if is_about_credentials else response.lost_because


def _wait(response: HttpResponse | Fault) -> float | None:
    if isinstance(response, Fault):
        return None
    return requested_wait(response.headers, "", datetime.now(UTC))
