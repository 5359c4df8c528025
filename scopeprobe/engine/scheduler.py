"""Carry a run out: workers at every line, answers to the journal, limits kept."""

from __future__ import annotations

import time
from asyncio import get_running_loop
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import anyio

from scopeprobe.engine.budgets import Budgets
from scopeprobe.engine.client_queue import ClientQueue, Job
from scopeprobe.engine.exchange_runner import (
    ExchangeRunner,
    OnResponse,
    Usage,
    ignore_response,
    note_permits,
)
from scopeprobe.engine.http_client import HttpClient
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.engine.retry import seconds_until_retry
from scopeprobe.model.answer import Answer, Fact, Issued, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Client
from scopeprobe.model.events import (
    ClientFinished,
    ClientLeftAlone,
    ClientStarted,
    EndpointLeftAlone,
    EndpointThrottled,
    Observer,
    RequestAnswered,
    RequestRetried,
)
from scopeprobe.model.journal import Journal


@dataclass
class Scheduler:
    """One invocation. `run` returns when every line is over, or was told to `stop`."""

    http: HttpClient
    journal: Journal
    observer: Observer
    budgets: Budgets
    groups: Sequence[RateGroup]
    goes_on: Callable[[RateGroup], bool]
    """Called with a line that is over: whether there is more to ask there now."""
    usage: dict[str, Usage] = field(default_factory=dict)
    """By the name of the server."""
    on_response: OnResponse = ignore_response
    stopped_because: Reason | None = None
    _in_air: int = 0
    _failed_clients: Counter[str] = field(default_factory=Counter)
    _started: set[int] = field(default_factory=set)
    """Lanes that were begun and are not finished yet."""

    def __post_init__(self) -> None:
        self._air = anyio.Semaphore(self.budgets.in_air, fast_acquire=True)
        self._exchange_runner = ExchangeRunner(
            self.http,
            self.journal,
            self.usage,
            self._budget_is_spent,
            lambda: self.stopped_because,
            self.on_response,
        )

    async def run(self) -> None:
        """Ask all there is to ask. Cancelling it keeps every answer that was received."""
        loop, alarms = get_running_loop(), []
        if self.budgets.max_time is not None:
            alarms.append(loop.call_later(self.budgets.max_time, self.stop, Reason.DEADLINE))
        for server, begins_in in self._quiet_hours():
            if begins_in > 0:
                alarms.append(loop.call_later(begins_in, self._leave_alone, server))
            else:
                self._leave_alone(server)
        try:
            async with anyio.create_task_group() as groups:
                for group in self.groups:
                    groups.start_soon(self._finish, group)
        finally:
            for alarm in alarms:
                alarm.cancel()
            with anyio.CancelScope(shield=True):
                await self.journal.flush()

    def stop(self, reason: Reason) -> None:
        """Send nothing more; hear what is in the air."""
        if self.stopped_because is None:
            self.stopped_because = reason
        for group in self.groups:
            group.close(reason)

    def _quiet_hours(self) -> Iterator[tuple[str, float]]:
        """Servers that want to be left alone for hours, and in how many seconds those begin."""
        now = datetime.now(UTC)
        servers = {queue.client.server for group in self.groups for queue in group.queues}
        for server in servers:
            if server.limits.quiet is not None:
                yield server.name, server.limits.quiet.begins_in(now)

    def _leave_alone(self, server: str) -> None:
        """Its quiet hours have begun."""
        for group in self.groups:
            queues = [queue for queue in group.queues if queue.client.server.name == server]
            for queue in queues:
                queue.close(Reason.QUIET)
            group.refresh(queues)
        self.observer(EndpointLeftAlone(server, Reason.QUIET))

    @property
    def requests(self) -> int:
        return sum(usage.requests for usage in self.usage.values())

    @property
    def tokens(self) -> int:
        return sum(usage.tokens for usage in self.usage.values())

    async def _finish(self, group: RateGroup) -> None:
        """Serve a line, round after round: what was found out may leave more to ask."""
        while not group.is_over or (self.stopped_because is None and self.goes_on(group)):
            async with anyio.create_task_group() as workers:
                for _ in range(min(group.in_flight, self.budgets.in_air)):
                    workers.start_soon(self._serve, group)

    # -- one worker

    async def _serve(self, group: RateGroup) -> None:
        while (job := await self._turn(group)) is not None:
            answer = await self._exchange_runner.carry_out(group, job)
            self._air.release()
            group.came_back(job)
            self._in_air -= 1
            if answer is not None:
                self._note(group, job, answer)
            group.refresh(job.queue.peers)
            if self.budgets.max_tokens is not None:
                for other in self.groups:
                    other.refresh([])

    async def _turn(self, group: RateGroup) -> Job | None:
        """Wait for the line's next request; the slot is claimed at the moment of sending."""
        async with group.turnstile:
            while not group.is_over:
                opens_at = group.opens_at() if self._may_send() else None
                if opens_at is None:
                    await group.change(None)
                elif group.is_too_far(opens_at):
                    group.give_up_waiting(Reason.BUDGET_SPENT)
                elif (delay := opens_at - time.monotonic()) > 0:
                    await group.change(delay)
                else:
                    await self._air.acquire()
                    if (job := self._claim(group)) is not None:
                        return job
                    self._air.release()
        return None

    def _may_send(self) -> bool:
        """Whether the budgets leave room; a spent one stops the run."""
        most_tokens = self.budgets.max_tokens
        if self.budgets.max_requests is not None and self.requests >= self.budgets.max_requests:
            self.stop(Reason.BUDGET_SPENT)
        if most_tokens is not None and self.tokens >= most_tokens:
            self.stop(Reason.BUDGET_SPENT)
        return most_tokens is None or self.tokens + self._in_air < most_tokens

    def _budget_is_spent(self, queue: ClientQueue) -> bool:
        """Whether no further token request may be sent, not even within an exchange."""
        most = self.budgets.max_requests
        return queue.has_spent_its_budget or (most is not None and self.requests >= most)

    def _claim(self, group: RateGroup) -> Job | None:
        """Take the next request if the line is still open: waiting for room took its time."""
        now = time.monotonic()
        opens_at = group.opens_at() if self._may_send() else None
        if opens_at is None or opens_at > now:
            return None
        job = group.take(now)
        queue, server = job.queue, job.queue.client.server
        if id(queue) not in self._started and queue.requests == 1:
            self._started.add(id(queue))
            candidates = sum(len(target.candidates) for target in queue.client.targets)
            self.observer(ClientStarted(queue.client.name, server.name, candidates))
        usage = self.usage.setdefault(server.name, Usage(started=now))
        usage.requests += 1
        self._in_air += 1
        note_permits(self.journal, group, queue)
        if queue.has_spent_its_budget:
            queue.close(Reason.BUDGET_SPENT)
            group.refresh([queue])
        return job

    # -- what an answer does

    def _note(self, group: RateGroup, job: Job, answer: Answer) -> None:
        """On receipt, before anything else of this client is sent."""
        usage = self.usage[job.queue.client.server.name]
        usage.ended = time.monotonic()
        self._tell(job, answer, usage.ended)
        self._guard(group, job, answer)
        if isinstance(answer, Unanswered):
            if self._ask_again(group, job, answer):
                return
        else:
            group.answered()
        if job.is_reassurance:
            self._reassured(job, answer)
        fact = Fact(job.question, answer, job.sent_tick, job.plan.tick())
        settle = partial(self._settle, group, job, fact)
        if isinstance(answer, Unanswered):
            settle()
        else:
            self.journal.put(job.plan.assignment, fact, settle)

    def _settle(self, group: RateGroup, job: Job, fact: Fact) -> None:
        """Once the fact is committed, it counts: a full wave makes the plan go on."""
        queue = job.queue
        queue.ask(job.plan, job.plan.take(fact))
        group.refresh(queue.peers)
        if queue.is_finished and id(queue) in self._started:
            self._started.discard(id(queue))
            client = queue.client
            self.observer(ClientFinished(client.name, client.server.name, queue.requests))

    def _reassured(self, job: Job, answer: Answer) -> None:
        """A request that had succeeded was repeated, because the credentials were in doubt."""
        queue = job.queue
        if isinstance(answer, Unanswered):
            queue.close(answer.reason)
        elif not isinstance(answer, Issued):
            queue.close(Reason.CLIENT_LEFT_ALONE)
        elif job.plan is not queue.heard[-1]:
            # They are good for another audience, and fail for everything that is asked of this.
            queue.close_target(Reason.AUTHENTICATION_UNPROVED)

    def _guard(self, group: RateGroup, job: Job, answer: Answer) -> None:
        """Count credential failures; leave the client, or its server, alone after so many."""
        guard, client = job.queue.guard, job.queue.client
        guard.note(job.question, answer, job.sent)
        if not guard.leaves_alone or job.queue.closed_because is not None:
            return
        job.queue.close(Reason.CLIENT_LEFT_ALONE)
        self.observer(ClientLeftAlone(client.name, client.server.name, guard.failures))
        self._failed_clients[client.server.name] += 1
        if self._failed_clients[client.server.name] == self.budgets.max_failed_clients:
            for queue in group.queues:
                if queue.client.server.name == client.server.name:
                    queue.close(Reason.ENDPOINT_LEFT_ALONE)
            group.refresh(group.queues)
            self.observer(EndpointLeftAlone(client.server.name, "too many clients rejected"))

    def _ask_again(self, group: RateGroup, job: Job, answer: Unanswered) -> bool:
        """Put a question without an answer back into the queue, while that may help."""
        job.met = job.met.and_also(answer.reason, answer.status)
        not_before = self._retry_at(group, job, answer)
        if not_before is None or job.queue.closed_because is not None:
            return False
        job.queue.ask_later(job, not_before)
        self.observer(
            RequestRetried(
                client=job.queue.client.name,
                server=job.queue.client.server.name,
                scopes=job.question.scopes,
                status=answer.status,
                outcome=answer.reason,
                attempt=job.attempt,
                wait_s=round(max(not_before - time.monotonic(), 0.0), 3),
            )
        )
        return True

    def _retry_at(self, group: RateGroup, job: Job, answer: Unanswered) -> float | None:
        """When a question is sent again; None where it is not."""
        client = job.queue.client
        seconds = seconds_until_retry(
            job.queue.retry_policy,
            job.met,
            client.server.limits,
            is_proved=job.queue.guard.is_proved,
        )
        if answer.reason is Reason.THROTTLED:
            if not self._pause(group, client, answer.wait) or seconds is None:
                return None
            return max(group.paused_until, time.monotonic() + seconds)
        if answer.reason is Reason.UNREACHABLE and not group.broke():
            group.close(Reason.ENDPOINT_LEFT_ALONE)
            self.observer(EndpointLeftAlone(client.server.name, answer.reason))
            return None
        if seconds is None or not group.is_worth_retrying:
            group.gave_up_a_request()
            return None
        return time.monotonic() + seconds

    def _pause(self, group: RateGroup, client: Client, wait: float | None) -> bool:
        """Pause the whole group after a throttle; False where that would take too long."""
        server = client.server.name
        self.usage[server].throttled += 1
        was_paused = group.is_paused
        seconds = group.throttled(wait)
        self.journal.note_pause(group.group, time.time() + group.paused_until - time.monotonic())
        if not was_paused:
            told = group.paused_until - time.monotonic()
            self.observer(EndpointThrottled(server, round(told, 3)))
        if seconds is None:
            group.close(Reason.THROTTLED)
            self.observer(EndpointLeftAlone(server, Reason.THROTTLED))
        return seconds is not None

    def _tell(self, job: Job, answer: Answer, now: float) -> None:
        outcome, status = _outcome(answer)
        self.observer(
            RequestAnswered(
                client=job.queue.client.name,
                server=job.queue.client.server.name,
                scopes=job.question.scopes,
                status=status,
                outcome=outcome,
                attempt=job.attempt,
                elapsed_ms=round((now - job.sent_at) * 1000, 1),
            )
        )


def _outcome(answer: Answer) -> tuple[str, int | None]:
    match answer:
        case Issued():
            return "issued", 200
        case Unanswered(reason=reason, status=status):
            return reason, status
        case _:
            return str(answer.__struct_config__.tag), answer.status
