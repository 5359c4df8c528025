"""Carry one question to its answer, through all the requests of its exchange."""

from __future__ import annotations

import time
from asyncio import create_task, shield
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count

import anyio
from anyio import get_cancelled_exc_class

from scopeprobe.engine.lane import Job, Lane
from scopeprobe.engine.line import Line, backoff
from scopeprobe.engine.lines import quota_of
from scopeprobe.engine.transport import HeldBack, Transport
from scopeprobe.model.answer import Answer
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Client
from scopeprobe.model.http import Exchange, ExchangeCut, HttpRequest, HttpResponse, Purpose
from scopeprobe.model.journal import Journal
from scopeprobe.oauth.throttling import reported_quotas, requested_wait
from scopeprobe.oauth.token_response import access_token

_TOKEN_REQUESTS = {Purpose.TOKEN, Purpose.COMPARISON}
_PASSING = {Reason.UNREACHABLE, Reason.TIMED_OUT, Reason.MALFORMED_ANSWER}
LAST_MOMENT = 1.0
"""Seconds that an interrupted run gives to a token that is to be revoked."""


@dataclass(slots=True)
class Tally:
    """What was spent on one server."""

    requests: int = 0
    throttled: int = 0
    tokens: int = 0
    follow_ups: Counter[Purpose] = field(default_factory=Counter)
    """Introspection, rights and revocation calls: no token requests, no part of any budget."""
    started: float | None = None
    ended: float | None = None

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        if self.started is None or self.ended is None:
            return 0.0
        return self.ended - self.started


@dataclass(frozen=True, slots=True)
class Courier:
    """Drives exchanges. Every request of one keeps the pace of its line."""

    transport: Transport
    journal: Journal
    tallies: Mapping[str, Tally]
    budget_is_spent: Callable[[Lane], bool]
    stopped: Callable[[], Reason | None]
    """Why the run is to end, once it is."""

    async def carry_out(self, line: Line, job: Job) -> Answer | None:
        """Drive the exchange of one question; None where nothing was sent after all."""
        client = job.lane.client
        exchange = job.lane.open_exchange(job)
        try:
            request = next(exchange)
            response = await self._first(line, client, request, exchange)
        except HeldBack:
            job.lane.take_back(job, line.paused_until)
            self.tallies[client.server.name].requests -= 1
            return None
        self._note_token(client.server.name, request, response)
        try:
            while True:
                _heed_quotas(job.lane, response)
                response = await self._further(line, job, exchange.send(response))
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        except get_cancelled_exc_class():
            await self._wind_up(client, exchange)
            raise

    async def _first(
        self, line: Line, client: Client, request: HttpRequest, exchange: Exchange
    ) -> HttpResponse | Reason:
        """
        Send the first request of an exchange.

        Where tokens are to be given back, one that is in the air when the run is interrupted is
        waited for, a second at most.
        """
        sending = self.transport.send(client, request, lambda: not line.is_paused)
        if not client.server.gives_tokens_back:
            return await sending
        task = create_task(sending)
        try:
            return await shield(task)
        except get_cancelled_exc_class():
            with anyio.move_on_after(LAST_MOMENT, shield=True), suppress(HeldBack, StopIteration):
                exchange.send(await task)
                await self._wind_up(client, exchange)
            raise

    async def _further(self, line: Line, job: Job, request: HttpRequest) -> HttpResponse | Reason:
        """
        Send a further request of an exchange, on a permit of its own.

        A fault or a throttle repeats this step, and not the token request.
        """
        client, server = job.lane.client, job.lane.client.server
        for attempt in count(1):
            if request.purpose in _TOKEN_REQUESTS and self.budget_is_spent(job.lane):
                return Reason.BUDGET_SPENT
            if (reason := await self._permit(line, job.lane, request.purpose)) is not None:
                return reason
            response = await self.transport.send(client, request)
            self._note_token(server.name, request, response)
            is_over = attempt > server.retries or self.stopped() is not None
            if is_over or not _is_worth_repeating(request, response):
                return response
            if _status(response) == HTTPStatus.TOO_MANY_REQUESTS:
                if line.throttled(_wait(response)) is None:
                    return response
            else:
                await anyio.sleep(backoff(attempt))
        raise AssertionError

    async def _permit(self, line: Line, lane: Lane, purpose: Purpose) -> Reason | None:
        """Wait for a permit, and count it as what it is used for; or say why there is none."""
        is_token_request = purpose in _TOKEN_REQUESTS
        own = lane if is_token_request else None
        while (wait := line.admits_at(own) - time.monotonic()) > 0:
            if wait > LAST_MOMENT and (reason := self.stopped()) is not None:
                return reason
            if line.hangs(wait):
                return Reason.BUDGET_SPENT
            await anyio.sleep(min(wait, LAST_MOMENT))
        now = time.monotonic()
        line.gate.take(now)
        tally = self.tallies[lane.client.server.name]
        if not is_token_request:
            tally.follow_ups[purpose] += 1
            return None
        lane.gate.take(now)
        tally.requests += 1
        lane.requests += 1
        note_permits(self.journal, line, lane)
        return None

    def _note_token(
        self, server: str, request: HttpRequest, response: HttpResponse | Reason
    ) -> None:
        """Count a token, whatever is made of it afterwards."""
        if request.purpose in _TOKEN_REQUESTS and isinstance(response, HttpResponse):
            is_success = response.status == HTTPStatus.OK
            self.tallies[server].tokens += is_success and access_token(response) is not None

    async def _wind_up(self, client: Client, exchange: Exchange) -> None:
        """Let an exchange that is cut short give its token back; it has a second for that."""
        with (
            anyio.move_on_after(LAST_MOMENT, shield=True),
            suppress(ExchangeCut, StopIteration),
        ):
            response = await self.transport.send(client, exchange.throw(ExchangeCut()))
            exchange.send(response)


def note_permits(journal: Journal, line: Line, lane: Lane) -> None:
    """Remember the permits that a token request used up of quotas that outlast the run."""
    if line.gate.quotas:
        journal.note_sent(line.group, time.time())
    if lane.gate.quotas:
        journal.note_sent(quota_of(lane.client), time.time())


def _heed_quotas(lane: Lane, response: HttpResponse | Reason) -> None:
    if isinstance(response, HttpResponse) and response.status == HTTPStatus.OK:
        for quota in reported_quotas(response.headers, datetime.now(UTC)):
            lane.heed(quota, time.monotonic())


def _is_worth_repeating(request: HttpRequest, response: HttpResponse | Reason) -> bool:
    """A fault of a step that costs no token."""
    if request.purpose in _TOKEN_REQUESTS:
        return False
    if isinstance(response, Reason):
        return response in _PASSING
    return (
        response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or response.status == HTTPStatus.TOO_MANY_REQUESTS
    )


def _status(response: HttpResponse | Reason) -> int | None:
    return response.status if isinstance(response, HttpResponse) else None


def _wait(response: HttpResponse | Reason) -> float | None:
    if isinstance(response, Reason):
        return None
    return requested_wait(response.headers, "", datetime.now(UTC))
