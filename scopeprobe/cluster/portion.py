"""What one worker asks, a rate group as a rule, and what became of it there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from distributed import Future

from scopeprobe.audits.rounds import Unread
from scopeprobe.cluster.messages import GroupOutcome, PlanOutcome
from scopeprobe.cluster.remembered import Remembered
from scopeprobe.cluster.stations import StationOfWorker
from scopeprobe.cluster.task import KnownOfGroup
from scopeprobe.engine.build_queues import DEFAULT_CLIENT_SPACING, DEFAULT_SPACING
from scopeprobe.engine.client_queue import ClientQueue
from scopeprobe.engine.plan_runner import PlanRunner
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.engine.rate_limit import gap_of
from scopeprobe.engine.usage import Usage
from scopeprobe.model.answer import Issued
from scopeprobe.model.assignment import Assignment, Plan
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Client
from scopeprobe.model.journal import KnownFacts


def asks_nothing(_assignment: Assignment) -> Plan:
    """The plan of what is asked elsewhere."""
    yield from ()


@dataclass(eq=False)
class Portion:
    """Rate groups whose queues have, in the end, the facts and reasons that they have there."""

    name: str
    clients: tuple[Client, ...]
    groups: tuple[RateGroup, ...] = ()
    """One; more, or none yet, where metadata tells."""
    unread: Unread | None = None
    known: KnownOfGroup | None = None
    """What its worker began with."""
    future: Future[Any] | None = None
    actor: Any = None
    """On its worker."""
    station: StationOfWorker | None = None
    outcome: GroupOutcome | None = None
    workers_lost: int = 0
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def networks(self) -> frozenset[str]:
        """A worker has to be in all of them."""
        names = (client.server.connection.network for client in self.clients)
        return frozenset(filter(None, names))

    @property
    def queues(self) -> Iterator[ClientQueue]:
        return (queue for group in self.groups for queue in group.queues)

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        return tuple(plan.assignment for queue in self.queues for plan in queue.begun)

    @property
    def in_air(self) -> int:
        """How many requests it may have in the air."""
        return sum(group.in_flight for group in self.groups)

    @property
    def longest_gap(self) -> float:
        """Seconds after a request, after which no limit that is spaced forbids another."""
        limits = {queue.client.server.limits for queue in self.queues}
        gaps = (
            (
                gap_of(one.rates, DEFAULT_SPACING),
                gap_of(one.spendable_client_rates, DEFAULT_CLIENT_SPACING),
            )
            for one in limits
        )
        return max((max(two) for two in gaps), default=0.0)

    def begin(self, found: Remembered, known: KnownFacts, paused_until: float) -> KnownOfGroup:
        """What its worker, be it the first or a later one, begins with."""
        self.known = found.of(self.groups, self.known or known, paused_until)
        for assignment in self.assignments:
            found.forget(assignment)
        return self.known

    def count_what_was_found(self, found: Remembered) -> dict[str, Usage]:
        """What a lost worker spent, as far as it was heard: by the name of the server."""
        usage: dict[str, Usage] = {}
        for queue in self.queues:
            facts = [fact for plan in queue.begun for fact in found.facts_of(plan.assignment)]
            queue.requests += len(facts)
            spent = usage.setdefault(queue.client.server.name, Usage())
            spent.requests += len(facts)
            spent.tokens += sum(isinstance(fact.answer, Issued) for fact in facts)
        return usage

    def take_over(self, outcome: GroupOutcome, found: Remembered, known: KnownFacts) -> None:
        """Let all be here as it is on the worker."""
        queues = {queue.client.name: queue for queue in self.queues}
        for told in outcome.clients:
            queue = queues[told.client]
            plans = {plan.assignment.target.label: plan.assignment for plan in queue.begun}
            self._settle(queue, ((plans[one.audience], one) for one in told.plans), found, known)
            queue.closed_because = told.closed_because
            queue.requests += told.requests

    def give_up(self, reason: Reason, found: Remembered, known: KnownFacts) -> None:
        """Nobody says what became of it: it is what is in the journal."""
        for queue in self.queues:
            told = PlanOutcome("", reason, ())
            self._settle(queue, [(plan.assignment, told) for plan in queue.begun], found, known)
            queue.closed_because = reason

    def _settle(
        self,
        queue: ClientQueue,
        plans: Iterable[tuple[Assignment, PlanOutcome]],
        found: Remembered,
        known: KnownFacts,
    ) -> None:
        settled = []
        for assignment, told in plans:
            facts = (self.known or known).facts_of(assignment)
            plan = PlanRunner(assignment, asks_nothing, facts)
            for fact in (*found.facts_of(assignment), *told.unanswered):
                plan.take(fact)
            found.forget(assignment)
            plan.open_because = told.open_because
            settled.append(plan)
        queue.begun = settled
