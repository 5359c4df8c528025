"""Carry out one invocation: workers for every rate group, within the budgets."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio
from anyio.abc import TaskGroup

from scopeprobe.engine.air import Air
from scopeprobe.engine.answer_handling import AnswerHandling
from scopeprobe.engine.budgets import Budgets, Share
from scopeprobe.engine.client_queue import ClientQueue, Job
from scopeprobe.engine.exchange_runner import (
    ExchangeRunner,
    OnResponse,
    ignore_response,
    note_permits,
)
from scopeprobe.engine.http_client import HttpClient
from scopeprobe.engine.open_files import UNLIMITED, OpenFiles
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.engine.usage import Usage
from scopeprobe.errors import StoreError
from scopeprobe.model.cell import Reason
from scopeprobe.model.events import EndpointLeftAlone, Observer
from scopeprobe.model.journal import Journal

SECONDS_BETWEEN_LOOKS = 15.0
LOOKS_AT_A_STALL = 4
"""How often nothing may be seen to go on before a run is ended."""


class Stalled(RuntimeError):
    """A bug: requests are left, and nothing will ever send them."""


async def _no_further_round(_group: RateGroup) -> bool:
    return False


@dataclass
class Scheduler:
    """`run` returns when every rate group is over, or was told to `stop`."""

    http: HttpClient
    journal: Journal
    observer: Observer
    budgets: Budgets
    groups: Sequence[RateGroup]
    share: Share = field(default_factory=Share)
    """Of budgets that other engines spend too; all unless given."""
    late: Sequence[Callable[[], Awaitable[Sequence[RateGroup]]]] = ()
    """Bring further groups, once it is known where they are to be asked. `stop` cuts them short."""
    next_round: Callable[[RateGroup], Awaitable[bool]] = _no_further_round
    """Lays out what else is to be asked in a group that is over; False where nothing is."""
    usage: dict[str, Usage] = field(default_factory=dict)
    """By the name of the server."""
    on_response: OnResponse = ignore_response
    files: OpenFiles = UNLIMITED
    stopped_because: Reason | None = None
    _in_air: int = 0
    _thinking: int = 0
    """Groups whose next round is being laid out."""
    _waits: dict[object, anyio.CancelScope] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._air = Air(self.budgets.in_air, self.files.connections)
        self._exchange_runner = ExchangeRunner(
            self.http,
            self.journal,
            self.usage,
            self._budget_is_spent,
            lambda: self.stopped_because,
            self.on_response,
            self.share,
        )
        self._answers = AnswerHandling(
            self.journal, self.observer, self.usage, self.budgets.max_failed_clients
        )

    async def run(self) -> None:
        """Ask all there is to ask. Cancelling it keeps every answer that was received."""
        try:
            async with anyio.create_task_group() as watches:
                watches.start_soon(self._watch)
                if self.budgets.max_time is not None:
                    watches.start_soon(_after, self.budgets.max_time, self.stop, Reason.DEADLINE)
                async with anyio.create_task_group() as groups:
                    self._begin(watches, groups, self.groups)
                    for more in self.late:
                        groups.start_soon(self._begin_late, watches, groups, more)
                watches.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self.journal.flush()

    def _begin(self, watches: TaskGroup, tasks: TaskGroup, groups: Sequence[RateGroup]) -> None:
        for server, begins_in in _quiet_hours(groups):
            if begins_in > 0:
                watches.start_soon(_after, begins_in, self._leave_alone, server)
            else:
                self._leave_alone(server)
        self._air.groups += len(groups)
        for group in groups:
            for server in {queue.client.server.name for queue in group.queues}:
                self._answers.look_at_failures(group, server)
            tasks.start_soon(self._finish, group)

    async def _begin_late(
        self,
        watches: TaskGroup,
        tasks: TaskGroup,
        more: Callable[[], Awaitable[Sequence[RateGroup]]],
    ) -> None:
        if self.stopped_because is not None:
            return
        with anyio.CancelScope() as self._waits[more]:
            self._begin(watches, tasks, await more())
        del self._waits[more]

    @property
    def notices(self) -> Iterator[str]:
        """What deserves a look although nothing failed."""
        for group in self.groups:
            if group.is_throttled:
                until = time.time() + group.paused_until - time.monotonic()
                moment = f"{datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M} UTC"
                yield (
                    f"{group.group}: its server asked for a pause longer than --max-pause: no more"
                    f" attempts until {moment}, and its open cells are `throttled`"
                )
        if (shortage := self.files.shortage(self._air.wanted)) is not None:
            yield shortage

    def stop(self, reason: Reason) -> None:
        """Send nothing more; take the answers to what was sent."""
        if self.stopped_because is None:
            self.stopped_because = reason
        for wait in self._waits.values():
            wait.cancel()
        for group in self.groups:
            group.close(reason)

    def _leave_alone(self, server: str) -> None:
        """Its quiet hours have begun."""
        for group in self.groups:
            queues = [queue for queue in group.queues if queue.client.server.name == server]
            for queue in queues:
                queue.close(Reason.QUIET)
            group.refresh(queues)
        self.observer(EndpointLeftAlone(server, Reason.QUIET))

    async def _watch(self) -> None:
        """
        End a run that would never end: nothing is in the air or waits for a time that is known.

        Raises Stalled, since that is a bug; StoreError where a disk takes its time over answers.
        """
        idle_looks = 0
        before: object = None
        while True:
            await anyio.sleep(SECONDS_BETWEEN_LOOKS)
            now = self.requests, self._answers.settled
            idle_looks = 0 if self._goes_on or now != before else idle_looks + 1
            before = now
            if idle_looks == LOOKS_AT_A_STALL:
                if self._answers.unsettled:
                    seconds = SECONDS_BETWEEN_LOOKS * LOOKS_AT_A_STALL
                    raise StoreError(f"the answers of {seconds:.0f} s ago are not written yet")
                raise Stalled

    @property
    def _goes_on(self) -> bool:
        """Something is in the air, or thought about, or waits for a time or for metadata."""
        now = time.monotonic()
        if self._in_air or self._thinking or self._waits:
            return True
        times = (group.opens_at for group in self.groups if not group.is_over)
        return any(opens_at and opens_at > now for opens_at in times)

    @property
    def requests(self) -> int:
        return sum(usage.requests for usage in self.usage.values())

    @property
    def tokens(self) -> int:
        return sum(usage.tokens for usage in self.usage.values())

    async def _finish(self, group: RateGroup) -> None:
        """Serve a group, round after round: what was found out may leave more to ask."""
        while not group.is_over or await self._lay_out_next(group):
            async with anyio.create_task_group() as workers:
                for _ in range(min(group.in_flight, self.budgets.in_air)):
                    workers.start_soon(self._serve, group)

    async def _lay_out_next(self, group: RateGroup) -> bool:
        if self.stopped_because is not None:
            return False
        self._thinking += 1
        try:
            return await self.next_round(group)
        finally:
            self._thinking -= 1

    # -- one worker

    async def _serve(self, group: RateGroup) -> None:
        while (job := await self._turn(group)) is not None:
            if job.queue.guard.is_in_doubt:
                await self.journal.flush()
            answer = await self._exchange_runner.carry_out(group, job)
            self._air.leave(group.group, job.place)
            group.came_back(job)
            self._in_air -= 1
            if answer is not None:
                self._answers.note(group, job, answer)
            self._answers.note_failures(job.queue)
            group.note_change(job.queue)
            if self.budgets.max_tokens is not None:
                for other in self.groups:
                    other.refresh([])

    async def _turn(self, group: RateGroup) -> Job | None:
        """Wait for the group's next request; the slot is claimed at the moment of sending."""
        async with group.turn:
            while True:
                now = time.monotonic()
                opens_at = self._opens_at(group, now)
                if group.is_over:
                    return None
                if opens_at is None:
                    await group.change(None)
                elif opens_at <= now:
                    if (place := self._air.place_for(group.group)) is not None:
                        return self._claim(group, place, now)
                    place, now = await self._air.enter(group.group), time.monotonic()
                    if self._is_open(group, now):
                        return self._claim(group, place, now)
                    self._air.give_back(group.group, place)
                elif group.is_too_far(opens_at):
                    self._give_up(group)
                else:
                    await group.change(opens_at - now)

    def _give_up(self, group: RateGroup) -> None:
        reason = group.cannot_wait_because
        group.close(reason)
        if group.is_left_alone:
            for server in sorted({queue.client.server.name for queue in group.queues}):
                detail = "" if group.is_throttled else group.trouble
                self.observer(EndpointLeftAlone(server, reason, detail))

    def _opens_at(self, group: RateGroup, now: float) -> float | None:
        """
        When the group's next request may be sent; None while there is none, or no room.

        Stops the run where a budget is spent; brings forward whose time has come.
        """
        if self._is_spent:
            self.stop(Reason.BUDGET_SPENT)
        group.bring_forward(now)
        most = self.budgets.max_tokens
        has_room = most is None or self.tokens + self._in_air < most
        return group.opens_at if has_room and self._share_has_room else None

    @property
    def _share_has_room(self) -> bool:
        share = self.share
        return share.is_all or share.has_room(self.requests, self.tokens + self._in_air)

    @property
    def _is_spent(self) -> bool:
        """A budget of the whole run is used up."""
        most_requests, most_tokens = self.budgets.max_requests, self.budgets.max_tokens
        return (
            self.share.is_spent
            or (most_requests is not None and self.requests >= most_requests)
            or (most_tokens is not None and self.tokens >= most_tokens)
        )

    def _budget_is_spent(self, queue: ClientQueue) -> bool:
        """Whether no further token request may be sent, not even within an exchange."""
        most = self.budgets.max_requests
        is_spent = most is not None and self.requests >= most
        return queue.has_spent_its_budget or is_spent or self.requests >= self.share.requests

    def _is_open(self, group: RateGroup, now: float) -> bool:
        """Whether a request may still be sent: waiting for room took its time."""
        opens_at = self._opens_at(group, now)
        return opens_at is not None and opens_at <= now

    def _claim(self, group: RateGroup, place: int, now: float) -> Job:
        """Take the next request of a group that is open."""
        job = group.take(now)
        job.place = place
        queue, server = job.queue, job.queue.client.server
        self._answers.note_start(queue)
        if server.name not in self.usage:
            self.usage[server.name] = Usage(started=now)
        self.usage[server.name].requests += 1
        self._in_air += 1
        note_permits(self.journal, group, queue)
        self._answers.note_failures(queue)
        if queue.has_spent_its_budget:
            queue.close(Reason.BUDGET_SPENT)
            group.refresh([queue])
        return job


async def _after(seconds: float, do: Callable[..., None], *arguments: object) -> None:
    """Do something later, in a task: what it raises ends the run."""
    await anyio.sleep(seconds)
    do(*arguments)


def _quiet_hours(groups: Sequence[RateGroup]) -> Iterator[tuple[str, float]]:
    """Servers that want to be left alone for hours, and in how many seconds those begin."""
    now = datetime.now(UTC)
    for server in {queue.client.server for group in groups for queue in group.queues}:
        if server.limits.quiet is not None:
            yield server.name, server.limits.quiet.begins_in(now)
