"""One client of a rate group: what it has to ask, and when it may."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count

from scopeprobe.engine.lockout import LockoutGuard, Sent
from scopeprobe.engine.plan_runner import PlanRunner
from scopeprobe.engine.rate_limit import RateLimiter
from scopeprobe.engine.retry import NOTHING_MET, QUESTION, Failures, RetryPolicy
from scopeprobe.model.answer import Unanswered
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Client
from scopeprobe.model.http import Exchange
from scopeprobe.model.question import Question
from scopeprobe.oauth.throttling import ReportedQuota

OpenExchange = Callable[[Question], Exchange]


@dataclass(slots=True, eq=False)
class Job:
    """One question on its way to an answer, through all its attempts."""

    not_before: float
    number: int
    question: Question
    plan: PlanRunner
    queue: ClientQueue = field(repr=False)
    wave: int
    attempt: int = 0
    """How often it was sent."""
    met: Failures = NOTHING_MET
    """What its attempts met instead of an answer."""
    fault: Unanswered | None = None
    """What the last of them met."""
    is_reassurance: bool = False
    """It repeats a success outside of the plan; unless that succeeds again, nothing follows."""
    place: int = 0
    """Where it is in the air."""
    sent: Sent | None = None
    """What the guard calls its last attempt."""
    sent_tick: int = 0
    sent_at: float = 0.0

    @property
    def repeats_success(self) -> bool:
        """The same request was answered with a token before."""
        return self.is_reassurance or self.plan.has_succeeded_with(self.question)


class ClientQueue:
    """
    All assignments of one client, one after the other.

    Until its first success one request is in the air. Once it is left alone, nothing more is sent;
    the answers to what was sent before still count.
    """

    def __init__(
        self,
        client: Client,
        plans: Iterable[PlanRunner],
        exchanges: Mapping[str, OpenExchange],
        *,
        limiter: RateLimiter,
        guard: LockoutGuard,
        most_requests: int | None,
        retry_policy: RetryPolicy = QUESTION,
        is_held: bool = False,
    ) -> None:
        self.client = client
        self.limiter = limiter
        self.guard = guard
        self.retry_policy = retry_policy
        self.begun: list[PlanRunner] = []
        """Plans of this invocation, in the order in which they were begun."""
        self.peers: list[ClientQueue] = [self]
        """Queues with the same `client_id`, this one among them."""
        self.is_held = is_held
        """It waits for what other clients of its server find out first."""
        self.in_air = 0
        self.requests = 0
        self.resting_until = 0.0
        """When the quota is filled up again of which the server said that it is nearly spent."""
        self.closed_because: Reason | None = None
        self._waiting = deque(plans)
        self.left_to_ask = sum(plan.left_to_ask for plan in self._waiting)
        """About how many requests: one for each candidate that nothing is known of."""
        self._exchanges = exchanges
        self._most_requests = most_requests
        self.has_not_begun = False
        """Its first plan is not asked yet for its first questions: it holds nothing until then."""
        self._pending: list[tuple[float, int, Job]] = []
        """By the time before which they are not sent, then in the order of the questions."""
        self._reassurance: Job | None = None
        self._numbers = count()

    @property
    def is_finished(self) -> bool:
        """Nothing is left to be asked, and nothing is in the air."""
        if self.in_air or self._pending:
            return False
        return (self.is_held or not self._waiting) and self._is_idle

    @property
    def _is_idle(self) -> bool:
        return not self.begun or self.begun[-1].is_finished

    def advance(self) -> None:
        """
        Do what needs no answer from outside.

        Go on to the next assignment once the present one is done, close where the credentials
        must not be tried again, and make a success ready to be repeated where they are in doubt.
        """
        while self._waiting and self._is_idle and not self.is_held:
            plan = self._waiting.popleft()
            self.begun.append(plan)
            if self._may_begin_later(plan):
                self.has_not_begun = True
            else:
                self.ask(plan, plan.start())
        if (self._pending or self.has_not_begun) and self.guard.leaves_alone:
            self.close(Reason.CLIENT_LEFT_ALONE)
        if not self._is_in_doubt:
            self._reassurance = None
        elif self._reassurance is None and not self.guard.in_air:
            self._reassurance = self._reassuring_job()

    def _may_begin_later(self, plan: PlanRunner) -> bool:
        """It is sure to ask something, whatever is answered to others meanwhile."""
        is_sure = bool(plan.assignment.candidates) and not (plan.facts or plan.is_finished)
        return is_sure and len(self.begun) == len(self.peers) == 1

    def begin(self) -> None:
        """Ask for the first questions: its turn has come."""
        self.has_not_begun = False
        self.ask(self.begun[0], self.begun[0].start())

    def release(self, prepare: Callable[[Assignment], PlanRunner]) -> None:
        """Begin at last, with assignments that know what was found out meanwhile."""
        self.is_held = False
        self._waiting = deque(prepare(plan.assignment) for plan in self._waiting)

    def go_on(self, earlier: PlanRunner, later: PlanRunner) -> None:
        """Ask further for a target whose plan was over."""
        if self.closed_because is None:
            self.begun.remove(earlier)
            self._waiting.append(later)

    def ask(self, plan: PlanRunner, questions: list[Question]) -> None:
        wave = self.guard.next_wave()
        for question in questions:
            self._put(Job(0.0, next(self._numbers), question, plan, self, wave))

    def ask_later(self, job: Job, not_before: float) -> None:
        """Ask once more."""
        job.not_before = not_before
        if self.closed_because is not None:
            return
        self.left_to_ask += 1
        if job.is_reassurance:
            self._reassurance = job
        else:
            self._put(job)

    def _put(self, job: Job) -> None:
        heapq.heappush(self._pending, (job.not_before, job.number, job))

    def ready_at(self) -> float | None:
        """When this client may send its next request; None while it may not or has none."""
        if not (self._pending or self.has_not_begun) or not self.guard.admits:
            return None
        if self._is_in_doubt and self._reassurance is None:
            return None
        if self._reassurance is not None and self.guard.in_air:
            return None
        not_before = 0.0 if self.has_not_begun else self._next_job.not_before
        return max(self.limiter.opens_at(), self.resting_until, not_before)

    @property
    def _is_in_doubt(self) -> bool:
        """The credentials may be wrong by now, so a request that succeeded before comes first."""
        if not self._pending:
            return False
        job = self._pending[0][-1]
        is_unproved = job.plan.goes_on and not self.guard.is_proved
        is_doubted = is_unproved or self.guard.wants_reassurance
        return is_doubted and not job.plan.has_succeeded_with(job.question)

    def _reassuring_job(self) -> Job | None:
        """A request of this client that succeeded; None while its answer is still being written."""
        for plan in reversed(self.begun):
            if plan.has_succeeded:
                question, wave = plan.reassurance(), self.guard.next_wave()
                return Job(0.0, 0, question, plan, self, wave, is_reassurance=True)
        return None

    @property
    def _next_job(self) -> Job:
        return self._reassurance or self._pending[0][-1]

    def take(self, now: float) -> Job:
        """The next request, at a time when this client may send."""
        job = self._next_job
        if job.is_reassurance:
            self._reassurance = None
        else:
            heapq.heappop(self._pending)
        self.limiter.take(now)
        job.attempt += 1
        job.sent_at, job.sent_tick = now, job.plan.tick()
        self.in_air += 1
        job.sent = self.guard.send(job.wave)
        self.requests += 1
        self.left_to_ask -= 1
        return job

    def came_back(self, job: Job) -> None:
        """A request of this client is in the air no more."""
        self.in_air -= 1
        if job.sent is not None:
            self.guard.came_back(job.sent)

    def take_back(self, job: Job, not_before: float) -> None:
        """The request was not sent after all."""
        job.attempt -= 1
        self.requests -= 1
        self.ask_later(job, not_before)

    def heed(self, quota: ReportedQuota, now: float) -> None:
        """Leave the reserve of a quota to production: ask again when it is filled up."""
        if quota.remaining <= quota.limit * self.client.server.limits.reserve:
            self.resting_until = max(self.resting_until, now + quota.seconds)

    @property
    def has_spent_its_budget(self) -> bool:
        return self._most_requests is not None and self.requests >= self._most_requests

    def open_exchange(self, job: Job) -> Exchange:
        return self._exchanges[job.plan.assignment.target.label](job.question)

    def close_target(self, reason: Reason) -> None:
        """Ask nothing more for the present assignment; go on with the next."""
        self._pending.clear()
        self.begun[-1].close(reason)

    def close(self, reason: Reason) -> None:
        """Ask nothing more for this client; every cell without an answer gets the reason."""
        if self.closed_because is None:
            self.closed_because = reason
        for _, _, job in self._pending:
            if job.fault is not None and job.fault.reason is reason:
                job.plan.give_up(job.question, job.fault)
        self._pending.clear()
        self._reassurance, self.has_not_begun = None, False
        while self._waiting:
            self.begun.append(self._waiting.popleft())
        for plan in self.begun:
            plan.close(self.closed_because)
