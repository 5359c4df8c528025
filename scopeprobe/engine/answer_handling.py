"""What an answer does: to its client, to its rate group, and to the journal."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from scopeprobe.engine.client_queue import ClientQueue, Job
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.engine.retry import Failures, seconds_until_retry
from scopeprobe.engine.usage import Usage
from scopeprobe.model.answer import Answer, Fact, Issued, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Client
from scopeprobe.model.events import (
    ClientFinished,
    ClientLeftAlone,
    ClientStarted,
    EndpointLeftAlone,
    EndpointOutOfReach,
    EndpointThrottled,
    Observer,
    RequestAnswered,
    RequestRetried,
)
from scopeprobe.model.journal import Journal

FAILURES_FOR_EACH = 3
"""Failed authentications for each client that may fail, after which a server is left alone."""


@dataclass
class AnswerHandling:
    """Takes every answer to where it counts, in the order in which they come."""

    journal: Journal
    observer: Observer
    usage: dict[str, Usage]
    max_failed_clients: int
    settled: int = 0
    """Facts that are committed and count."""
    unsettled: int = 0
    """Facts that the journal has not committed yet."""
    _failed_clients: Counter[str] = field(default_factory=Counter)
    _started: set[int] = field(default_factory=set)
    """Queues that were begun and are not finished yet."""

    def note_start(self, queue: ClientQueue) -> None:
        """Tell of a client whose first request is sent."""
        if id(queue) not in self._started and queue.requests == 1:
            self._started.add(id(queue))
            client = queue.client
            candidates = sum(len(target.candidates) for target in client.targets)
            self.observer(ClientStarted(client.name, client.server.name, candidates))

    def note_failures(self, queue: ClientQueue) -> None:
        """Store what may be counted against a client by now, those in the air included."""
        registration = queue.guard.registration
        if registration.stored != (at_risk := registration.at_risk):
            registration.stored = at_risk
            self.journal.note_failures(registration.name, at_risk)

    def note(self, group: RateGroup, job: Job, answer: Answer) -> None:
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
        if isinstance(answer, Unanswered):
            self._settle(group, job, fact)
        else:
            self.unsettled += 1
            self.journal.put(job.plan.assignment, fact, partial(self._committed, group, job, fact))

    def _committed(self, group: RateGroup, job: Job, fact: Fact) -> None:
        self.unsettled -= 1
        self.settled += 1
        self._settle(group, job, fact)

    def _settle(self, group: RateGroup, job: Job, fact: Fact) -> None:
        """Once the fact is committed, it counts: a full wave makes the plan go on."""
        queue = job.queue
        queue.ask(job.plan, job.plan.take(fact))
        group.note_change(queue)
        if job.plan.is_finished:
            queue.advance()
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
        elif job.plan is not queue.begun[-1] and not queue.begun[-1].got_through:
            # They are good for another audience, and fail for everything that is asked of this.
            queue.close_target(Reason.AUTHENTICATION_UNPROVED)

    def _guard(self, group: RateGroup, job: Job, answer: Answer) -> None:
        """Count credential failures; leave the client, or its server, alone after so many."""
        guard, client = job.queue.guard, job.queue.client
        if job.sent is not None:
            is_repeated = isinstance(answer, Unanswered) and job.repeats_success
            guard.note(answer, job.sent, succeeded_before=is_repeated)
        if guard.leaves_alone and job.queue.closed_because is None:
            if isinstance(answer, Unanswered):
                job.queue.close(answer.reason)
            else:
                job.queue.close(Reason.CLIENT_LEFT_ALONE)
                self.observer(ClientLeftAlone(client.name, client.server.name, guard.failures))
                self._failed_clients[client.server.name] += 1
        if guard.failures and not guard.is_proved:
            self.look_at_failures(group, client.server.name)

    def look_at_failures(self, group: RateGroup, server: str) -> None:
        """
        Leave a server alone that rejected too many clients, or too often.

        What earlier invocations of the run may have caused counts as well: a server that locks
        addresses does not care which client failed, nor in which process.
        """
        queues = [queue for queue in group.queues if queue.client.server.name == server]
        registrations = {id(q.guard.registration): q.guard.registration for q in queues}
        failures = sum(one.failures for one in registrations.values())
        is_too_often = failures >= self.max_failed_clients * FAILURES_FOR_EACH
        is_news = any(queue.closed_because is None for queue in queues)
        if is_news and (is_too_often or self._failed_clients[server] >= self.max_failed_clients):
            for queue in queues:
                queue.close(Reason.ENDPOINT_LEFT_ALONE)
            group.refresh(queues)
            self.observer(EndpointLeftAlone(server, "too many clients rejected"))

    def _ask_again(self, group: RateGroup, job: Job, answer: Unanswered) -> bool:
        """Put a question without an answer back into the queue, while that may help."""
        job.met, job.fault = job.met.and_also(answer.reason, answer.status), answer
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
                detail=answer.description,
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
        retry_at = None if seconds is None else time.monotonic() + seconds
        if answer.reason is Reason.THROTTLED:
            if not self._pause(group, client, answer.wait) or retry_at is None:
                return None
            return max(group.paused_until, retry_at)
        if answer.status is not None:
            group.reached()
        if answer.reason is Reason.TLS_FAILURE:
            return group.failed_at_tls(retry_at)
        if answer.reason is Reason.UNREACHABLE and answer.status is None:
            return self._retry_unreached(group, job, answer, retry_at)
        return retry_at

    def _retry_unreached(
        self, group: RateGroup, job: Job, answer: Unanswered, retry_at: float | None
    ) -> float | None:
        """When a question is sent again whose server was not reached; None where it is not."""
        queue, server = job.queue, job.queue.client.server.name
        group.trouble = answer.description
        if not group.broke(retry_at):
            group.close(Reason.UNREACHABLE)
            self.observer(EndpointLeftAlone(server, answer.reason, answer.description))
            return None
        if retry_at is not None and not group.is_out_of_reach:
            return retry_at
        if not queue.retry_policy.waits_for_server:
            group.gave_up_a_request()
            return None
        if not group.put_off(queue, job.met.unreached):
            return None
        job.met = Failures()
        wait = round(max(group.paused_until - time.monotonic(), 0.0), 3)
        self.observer(EndpointOutOfReach(server, wait, answer.description))
        return group.paused_until

    def _pause(self, group: RateGroup, client: Client, wait: float | None) -> bool:
        """Pause the whole group after a throttle; False where that would take too long."""
        server = client.server.name
        self.usage[server].throttled += 1
        was_paused = group.is_paused
        seconds = group.throttled(wait)
        self.journal.note_pause(group.group, time.time() + group.paused_until - time.monotonic())
        if not was_paused:
            told = group.paused_until - time.monotonic()
            self.observer(EndpointThrottled(server, round(told, 3), wait is not None))
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
