"""One rate group: its pace, its pauses, and which of its clients sends next."""

from __future__ import annotations

import heapq
import math
from asyncio import Future, Lock, get_running_loop
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scopeprobe.engine.client_queue import ClientQueue, Job
from scopeprobe.engine.outage import Outage
from scopeprobe.engine.plan_runner import PlanRunner
from scopeprobe.engine.rate_limit import RateLimiter
from scopeprobe.engine.retry import backoff
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import Reason
from scopeprobe.oauth.throttling import LONGEST_WAIT

MISTAKEN_PAUSE = 20 * 3600.0
"""Seconds for which a server is left alone that asks for a pause beyond all reason: until the next
night, which sees whether it meant that."""


@dataclass(slots=True)
class _Throttles:
    """In a row, with no answer between them."""

    since: float
    pauses: int = 0


class RateGroup:
    """
    The clients of one rate group, each at its own pace, all together at the group's.

    A throttle or a connection fault pauses all of them at once. No other group ever waits for it.
    """

    def __init__(
        self,
        group: str,
        queues: Sequence[ClientQueue],
        *,
        limiter: RateLimiter,
        in_flight: int,
        max_pause: float,
        clock: Callable[[], float],
        paused_until: float = 0.0,
    ) -> None:
        self.group = group
        self.limiter = limiter
        self.in_flight = in_flight
        self.queues = queues
        self.paused_until = paused_until
        self._max_pause = max_pause
        self._clock = clock
        self._waiting: list[tuple[float, int]] = []
        self._ready: list[tuple[int, float, int]] = []
        """Clients that may send, in their order of precedence."""
        self._put_off: Counter[int] = Counter()
        self._positions = {id(queue): position for position, queue in enumerate(queues)}
        self._offered: dict[int, float] = {}
        self._changed: dict[int, None] = {}
        """Positions of clients that are to be looked at on the next turn."""
        self._unfinished = set(range(len(queues)))
        self._issuing: set[str] = set()
        """Servers that issued a token to one of their clients, by name."""
        self._in_air = 0
        self.turn = Lock()
        """Held by the worker that waits for the next request; the others wait behind it."""
        self._throttled: _Throttles | None = None
        self._outage: Outage | None = None
        self.trouble = ""
        """What stood in the way when its server was last out of reach."""
        self._fails_at_tls = False
        """A request used up its retries on TLS failures, and nothing was answered since."""
        self._waiter: Future[None] | None = None
        peers: defaultdict[int, list[ClientQueue]] = defaultdict(list)
        for queue in queues:
            peers[id(queue.guard.registration)].append(queue)
            queue.peers = peers[id(queue.guard.registration)]
        self.refresh(queues)

    # -- turns

    @property
    def is_over(self) -> bool:
        return not self._unfinished

    def refresh(self, queues: Sequence[ClientQueue]) -> None:
        """Look again at clients of which anything changed."""
        for queue in queues:
            self._look_at(self._positions[id(queue)])
        self._wake()

    def note_change(self, queue: ClientQueue) -> None:
        """Have a client looked at on the next turn, and all with the same `client_id`."""
        for peer in queue.peers:
            self._changed[self._positions[id(peer)]] = None
        self._wake()

    def _look_at(self, position: int) -> None:
        queue = self.queues[position]
        queue.advance()
        if queue.is_finished:
            self._unfinished.discard(position)
        if queue.guard.is_proved:
            self._issuing.add(queue.client.server.name)
        ready_at = queue.ready_at()
        if ready_at is None:
            self._offered.pop(position, None)
        elif self._offered.get(position) != ready_at:
            self._offered[position] = ready_at
            heapq.heappush(self._waiting, (ready_at, position))

    def release(self, queue: ClientQueue, prepare: Callable[[Assignment], PlanRunner]) -> None:
        """Let a client begin that was held back."""
        queue.release(prepare)
        if not queue.is_finished:
            self._unfinished.add(self._positions[id(queue)])
        self.refresh([queue])

    def go_on(self, queue: ClientQueue, earlier: PlanRunner, later: PlanRunner) -> None:
        """Let a client that was finished ask further."""
        queue.go_on(earlier, later)
        self._unfinished.add(self._positions[id(queue)])
        self.refresh([queue])

    @property
    def opens_at(self) -> float | None:
        """When the next request may leave; None while there is none. Bring forward before."""
        if self.is_out_of_reach and self._in_air:
            return None
        if self._ready:
            ready_at = self._offered[self._ready[0][-1]]
        elif self._waiting:
            ready_at = self._waiting[0][0]
        else:
            return None
        return max(ready_at, self.limiter.opens_at(), self.paused_until)

    def admits_at(self, queue: ClientQueue | None) -> float:
        """When a further step of an exchange may be taken; at a client's own pace too, if given."""
        own = queue.limiter.opens_at() if queue is not None else 0.0
        return max(self.limiter.opens_at(), self.paused_until, own)

    def bring_forward(self, now: float) -> None:
        """Look at what changed, and make every client ready whose time has come."""
        while self._changed:
            position = next(iter(self._changed))
            del self._changed[position]
            self._look_at(position)
        while self._waiting and (self._waiting[0][0] <= now or self._is_stale(*self._waiting[0])):
            ready_at, position = heapq.heappop(self._waiting)
            if not self._is_stale(ready_at, position):
                heapq.heappush(self._ready, self._precedence(position))
        while self._ready:
            position = self._ready[0][-1]
            if not self._offered.get(position, math.inf) <= now:
                heapq.heappop(self._ready)
            elif self.queues[position].has_not_begun:
                self.queues[position].begin()
                self._look_at(position)
            else:
                return

    def _precedence(self, position: int) -> tuple[int, float, int]:
        """
        Who goes first of those that may send.

        Whoever has most left to ask, so that all are finished together: the last one alone could
        not keep up the rate. Of those that have about as much left, within a factor of two, the
        first of the file: who needs few requests is finished, and its facts are packed, before the
        next one begins. The first of the file, until a server has issued a token and in an
        outage: where it rejects or answers nobody, that is found out with the first few. Those that
        were put off take turns: it may be one client's requests that are hung up on.
        """
        queue = self.queues[position]
        is_well = self._outage is None and queue.client.server.name in self._issuing
        left = queue.left_to_ask.bit_length() if is_well else math.inf
        return self._put_off[position], -left, position

    def _is_stale(self, ready_at: float, position: int) -> bool:
        return self._offered.get(position) != ready_at

    def take(self, now: float) -> Job:
        """The next request, at a time when the group is open."""
        *_, position = heapq.heappop(self._ready)
        self._offered.pop(position)
        queue = self.queues[position]
        job = queue.take(now)
        self.limiter.take(now)
        self._in_air += 1
        self.note_change(queue)
        return job

    async def change(self, timeout: float | None) -> None:
        """Wait until something about the group changes, or for `timeout` seconds."""
        loop = get_running_loop()
        self._waiter = waiter = loop.create_future()
        timer = None if timeout is None else loop.call_later(timeout, self._wake)
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def is_paused(self) -> bool:
        return self._clock() < self.paused_until

    def is_too_far(self, opens_at: float) -> bool:
        """
        Whether that is longer than anything is waited for.

        Clients whose answer is still to come, or to be written, may have something to ask sooner.
        """
        if not self.exceeds_max_pause(opens_at - self._clock()):
            return False
        return self._unfinished <= self._offered.keys()

    @property
    def is_left_alone(self) -> bool:
        """It is paused for longer than anything is waited for."""
        return self.exceeds_max_pause(self.paused_until - self._clock())

    @property
    def is_throttled(self) -> bool:
        """It is left alone because its server asked for that, and not because it is away."""
        return self.is_left_alone and self._outage is None

    @property
    def cannot_wait_because(self) -> Reason:
        """Why nothing more is asked where the next request is too far off."""
        if not self.is_left_alone:
            return Reason.BUDGET_SPENT
        return Reason.THROTTLED if self._outage is None else Reason.UNREACHABLE

    def exceeds_max_pause(self, seconds: float) -> bool:
        """Whether a wait is longer than any that is put up with."""
        return seconds > self._max_pause

    # -- what comes back

    def came_back(self, job: Job) -> None:
        self._in_air -= 1
        job.queue.came_back(job)

    def answered(self) -> None:
        """The server gave an answer: whatever trouble there was is over."""
        self._throttled = None
        self.limiter.speed_up()
        self.reached()

    def reached(self) -> None:
        """The server said something, be it that it cannot: connections are made again."""
        self._fails_at_tls = False
        if self._outage is not None:
            self._outage = None
            self._put_off.clear()
            self._reorder()

    def _reorder(self) -> None:
        self._ready = sorted(self._precedence(position) for *_, position in self._ready)

    def throttled(self, wait: float | None) -> float | None:
        """
        Pause for as long as the server asks, and at least for a growing moment.

        Returns the seconds, or None where the pause is longer than `max_pause`.
        """
        now = self._clock()
        trouble = self._throttled = self._throttled or _Throttles(now)
        if now >= self.paused_until:
            trouble.pauses += 1
            self.limiter.slow_down()
        seconds = max(wait or 0.0, backoff(trouble.pauses))
        kept = MISTAKEN_PAUSE if seconds >= LONGEST_WAIT else seconds
        self.paused_until = max(self.paused_until, now + kept)
        too_long = seconds > self._max_pause or now - trouble.since > self._max_pause
        return None if too_long else seconds

    def broke(self, retry_at: float | None) -> bool:
        """
        Note a connection fault: pause, and after many of them try only now and then.

        Returns False when the group has to be given up.
        """
        now = self._clock()
        if self._outage is None:
            self._outage = Outage(now, self._max_pause)
            self._reorder()
        outage = self._outage
        outage.faults += 1
        if now >= self.paused_until:
            self.paused_until = outage.pause(now, retry_at)
        return not outage.is_for_good(now)

    def failed_at_tls(self, retry_at: float | None) -> float | None:
        """
        Pause until a request is sent again whose handshake failed; None where it is not.

        What used up the retries of one client is tried once for each of the others.
        """
        self._fails_at_tls |= retry_at is None
        if self._fails_at_tls or retry_at is None:
            return None
        self.paused_until = max(self.paused_until, retry_at)
        return retry_at

    @property
    def is_out_of_reach(self) -> bool:
        """
        A request used up its retries on connection faults, and nothing was answered since.

        Connection faults are retried for a group, not for each of its clients anew: a server that
        is not there is found out with the first client's retries.
        """
        return self._outage is not None and self._outage.is_certain

    def gave_up_a_request(self) -> None:
        """All retries of a request were used up on connection faults."""
        if self._outage is not None:
            self._outage.is_certain = True

    def put_off(self, queue: ClientQueue, faults: int) -> bool:
        """
        Whether a client is to wait with the group until the outage is over, and not give up.

        Not where the group was answered between the `faults` that its request met: then they are
        about that request.
        """
        if self._outage is None or self._outage.faults < faults:
            return False
        self._outage.is_certain = True
        self._put_off[self._positions[id(queue)]] += 1
        return True

    def close(self, reason: Reason) -> None:
        """Ask nothing more in this group."""
        for queue in self.queues:
            queue.close(reason)
        self.refresh(self.queues)
