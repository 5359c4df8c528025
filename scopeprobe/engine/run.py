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

from scopeprobe.engine.courier import Courier, Tally, note_permits
from scopeprobe.engine.lane import Job, Lane
from scopeprobe.engine.line import Line, backoff
from scopeprobe.engine.lines import Limits
from scopeprobe.engine.transport import Transport
from scopeprobe.model.answer import Answer, Fact, Issued, Unanswered
from scopeprobe.model.cell import Reason
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

_RETRIED = {
    Reason.UNREACHABLE,
    Reason.TIMED_OUT,
    Reason.SERVER_ERROR,
    Reason.MALFORMED_ANSWER,
}
_RETRIED_ONCE = {401, 403}
"""Statuses of an HTML page: a gateway's or a firewall's word is asked for once more, not more."""


@dataclass
class Engine:
    """One invocation. `run` returns when every line is over, or was told to `stop`."""

    transport: Transport
    journal: Journal
    observer: Observer
    limits: Limits
    lines: Sequence[Line]
    goes_on: Callable[[Line], bool]
    """Called with a line that is over: whether there is more to ask there now."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    """By the name of the server."""
    stopped_because: Reason | None = None
    _in_air: int = 0
    _failed_clients: Counter[str] = field(default_factory=Counter)
    _started: set[int] = field(default_factory=set)
    """Lanes that were begun and are not finished yet."""

    def __post_init__(self) -> None:
        self._air = anyio.Semaphore(self.limits.in_air, fast_acquire=True)
        self._courier = Courier(
            self.transport,
            self.journal,
            self.tallies,
            self._budget_is_spent,
            lambda: self.stopped_because,
        )

    async def run(self) -> None:
        """Ask all there is to ask. Cancelling it keeps every answer that was received."""
        loop, alarms = get_running_loop(), []
        if self.limits.max_time is not None:
            alarms.append(loop.call_later(self.limits.max_time, self.stop, Reason.DEADLINE))
        for server, begins_in in self._quiet_hours():
            if begins_in > 0:
                alarms.append(loop.call_later(begins_in, self._leave_alone, server))
            else:
                self._leave_alone(server)
        try:
            async with anyio.create_task_group() as lines:
                for line in self.lines:
                    lines.start_soon(self._finish, line)
        finally:
            for alarm in alarms:
                alarm.cancel()
            with anyio.CancelScope(shield=True):
                await self.journal.flush()

    def stop(self, reason: Reason) -> None:
        """Send nothing more; hear what is in the air."""
        if self.stopped_because is None:
            self.stopped_because = reason
        for line in self.lines:
            line.close(reason)

    def _quiet_hours(self) -> Iterator[tuple[str, float]]:
        """Servers that want to be left alone for hours, and in how many seconds those begin."""
        now = datetime.now(UTC)
        servers = {lane.client.server for line in self.lines for lane in line.lanes}
        for server in servers:
            if server.quiet is not None:
                yield server.name, server.quiet.begins_in(now)

    def _leave_alone(self, server: str) -> None:
        """Its quiet hours have begun."""
        for line in self.lines:
            lanes = [lane for lane in line.lanes if lane.client.server.name == server]
            for lane in lanes:
                lane.close(Reason.QUIET)
            line.refresh(lanes)
        self.observer(EndpointLeftAlone(server, Reason.QUIET))

    @property
    def requests(self) -> int:
        return sum(tally.requests for tally in self.tallies.values())

    @property
    def tokens(self) -> int:
        return sum(tally.tokens for tally in self.tallies.values())

    async def _finish(self, line: Line) -> None:
        """Serve a line, round after round: what was found out may leave more to ask."""
        while not line.is_over or (self.stopped_because is None and self.goes_on(line)):
            async with anyio.create_task_group() as workers:
                for _ in range(min(line.in_flight, self.limits.in_air)):
                    workers.start_soon(self._serve, line)

    # -- one worker

    async def _serve(self, line: Line) -> None:
        while (job := await self._turn(line)) is not None:
            answer = await self._courier.carry_out(line, job)
            self._air.release()
            line.came_back(job)
            self._in_air -= 1
            if answer is not None:
                self._note(line, job, answer)
            line.refresh(job.lane.peers)
            if self.limits.max_tokens is not None:
                for other in self.lines:
                    other.refresh([])

    async def _turn(self, line: Line) -> Job | None:
        """Wait for the line's next request; the slot is claimed at the moment of sending."""
        async with line.turnstile:
            while not line.is_over:
                opens_at = line.opens_at() if self._may_send() else None
                if opens_at is None:
                    await line.change(None)
                elif line.is_too_far(opens_at):
                    line.close(Reason.BUDGET_SPENT)
                elif (delay := opens_at - time.monotonic()) > 0:
                    await line.change(delay)
                else:
                    await self._air.acquire()
                    if (job := self._claim(line)) is not None:
                        return job
                    self._air.release()
        return None

    def _may_send(self) -> bool:
        """Whether the budgets leave room; a spent one stops the run."""
        most_tokens = self.limits.max_tokens
        if self.limits.max_requests is not None and self.requests >= self.limits.max_requests:
            self.stop(Reason.BUDGET_SPENT)
        if most_tokens is not None and self.tokens >= most_tokens:
            self.stop(Reason.BUDGET_SPENT)
        return most_tokens is None or self.tokens + self._in_air < most_tokens

    def _budget_is_spent(self, lane: Lane) -> bool:
        """Whether no further token request may be sent, not even within an exchange."""
        most = self.limits.max_requests
        return lane.has_spent_its_budget or (most is not None and self.requests >= most)

    def _claim(self, line: Line) -> Job | None:
        """Take the next request if the line is still open: waiting for room took its time."""
        now = time.monotonic()
        opens_at = line.opens_at() if self._may_send() else None
        if opens_at is None or opens_at > now:
            return None
        job = line.take(now)
        lane, server = job.lane, job.lane.client.server
        if id(lane) not in self._started and lane.requests == 1:
            self._started.add(id(lane))
            candidates = sum(len(target.candidates) for target in lane.client.targets)
            self.observer(ClientStarted(lane.client.name, server.name, candidates))
        tally = self.tallies.setdefault(server.name, Tally(started=now))
        tally.requests += 1
        self._in_air += 1
        note_permits(self.journal, line, lane)
        if lane.has_spent_its_budget:
            lane.close(Reason.BUDGET_SPENT)
            line.refresh([lane])
        return job

    # -- what an answer does

    def _note(self, line: Line, job: Job, answer: Answer) -> None:
        """On receipt, before anything else of this client is sent."""
        tally = self.tallies[job.lane.client.server.name]
        tally.ended = time.monotonic()
        self._tell(job, answer, tally.ended)
        self._guard(line, job, answer)
        if isinstance(answer, Unanswered):
            if self._ask_again(line, job, answer):
                return
        else:
            line.answered()
        if job.is_reassurance:
            self._reassured(job, answer)
        fact = Fact(job.question, answer, job.sent_tick, job.conversation.tick())
        settle = partial(self._settle, line, job, fact)
        if isinstance(answer, Unanswered):
            settle()
        else:
            self.journal.put(job.conversation.assignment, fact, settle)

    def _settle(self, line: Line, job: Job, fact: Fact) -> None:
        """Once the fact is committed, it counts: a full wave makes the plan go on."""
        lane = job.lane
        lane.ask(job.conversation, job.conversation.take(fact))
        line.refresh(lane.peers)
        if lane.is_finished and id(lane) in self._started:
            self._started.discard(id(lane))
            client = lane.client
            self.observer(ClientFinished(client.name, client.server.name, lane.requests))

    def _reassured(self, job: Job, answer: Answer) -> None:
        """A request that had succeeded was repeated, because the credentials were in doubt."""
        lane = job.lane
        if isinstance(answer, Unanswered):
            lane.close(answer.reason)
        elif not isinstance(answer, Issued):
            lane.close(Reason.CLIENT_LEFT_ALONE)
        elif job.conversation is not lane.heard[-1]:
            # They are good for another audience, and fail for everything that is asked of this.
            lane.close_target(Reason.AUTHENTICATION_UNPROVED)

    def _guard(self, line: Line, job: Job, answer: Answer) -> None:
        """Count credential failures; leave the client, or its server, alone after so many."""
        guard, client = job.lane.guard, job.lane.client
        guard.note(job.question, answer)
        if not guard.leaves_alone or job.lane.closed_because is not None:
            return
        job.lane.close(Reason.CLIENT_LEFT_ALONE)
        self.observer(ClientLeftAlone(client.name, client.server.name, guard.failures))
        self._failed_clients[client.server.name] += 1
        if self._failed_clients[client.server.name] == self.limits.max_failed_clients:
            for lane in line.lanes:
                if lane.client.server.name == client.server.name:
                    lane.close(Reason.ENDPOINT_LEFT_ALONE)
            line.refresh(line.lanes)
            self.observer(EndpointLeftAlone(client.server.name, "too many clients rejected"))

    def _ask_again(self, line: Line, job: Job, answer: Unanswered) -> bool:
        """Put a question without an answer back into the line, while that may help."""
        if answer.reason is Reason.THROTTLED:
            not_before = self._throttled(line, job, answer)
        else:
            not_before = self._broke(line, job, answer)
        if not_before is None or job.lane.closed_because is not None:
            return False
        job.lane.ask_later(job, not_before)
        self.observer(
            RequestRetried(
                client=job.lane.client.name,
                server=job.lane.client.server.name,
                scopes=job.question.scopes,
                status=answer.status,
                outcome=answer.reason,
                attempt=job.attempt,
                wait_s=round(max(not_before - time.monotonic(), 0.0), 3),
            )
        )
        return True

    def _throttled(self, line: Line, job: Job, answer: Unanswered) -> float | None:
        """Pause the whole line. A throttle uses up no retry, but no run hangs for hours either."""
        server = job.lane.client.server.name
        self.tallies[server].throttled += 1
        was_paused = line.is_paused
        seconds = line.throttled(answer.wait)
        self.journal.note_pause(line.group, time.time() + line.paused_until - time.monotonic())
        if not was_paused:
            wait = line.paused_until - time.monotonic()
            self.observer(EndpointThrottled(server, round(wait, 3)))
        if seconds is None:
            line.close(Reason.THROTTLED)
            self.observer(EndpointLeftAlone(server, Reason.THROTTLED))
            return None
        return line.paused_until

    def _broke(self, line: Line, job: Job, answer: Unanswered) -> float | None:
        """When to try again after a fault, or None where it is not worth it."""
        server = job.lane.client.server
        if answer.reason is Reason.UNREACHABLE and not line.broke():
            line.close(Reason.ENDPOINT_LEFT_ALONE)
            self.observer(EndpointLeftAlone(server.name, answer.reason))
            return None
        job.faults += 1
        retries = server.retries if answer.reason in _RETRIED and line.is_worth_retrying else 0
        if answer.reason is Reason.MALFORMED_ANSWER and answer.status in _RETRIED_ONCE:
            retries = min(retries, 1)
        if answer.reason is Reason.TIMED_OUT and not job.lane.guard.is_proven:
            # Who answers wrong credentials late counts them all the same.
            retries = min(retries, server.max_auth_failures - 1)
        if job.faults > retries:
            line.gave_up_a_request()
            return None
        return time.monotonic() + backoff(job.faults)

    def _tell(self, job: Job, answer: Answer, now: float) -> None:
        outcome, status = _outcome(answer)
        self.observer(
            RequestAnswered(
                client=job.lane.client.name,
                server=job.lane.client.server.name,
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
