"""Ask in rounds: the part of an audit that knows the engine."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import anyio

from scopeprobe.audits.behaviors import (
    Behaviors,
    begun,
    by_assignment,
    by_endpoint,
    endpoint_of,
    told_to,
)
from scopeprobe.audits.conclusions import Conclusions
from scopeprobe.audits.discover import resolve_by
from scopeprobe.audits.off_the_loop import off_the_loop
from scopeprobe.audits.signals import Interruption, end_what_is_endless
from scopeprobe.engine.budgets import Budgets, Share
from scopeprobe.engine.build_queues import build_queues
from scopeprobe.engine.client_queue import ClientQueue
from scopeprobe.engine.http_client import connect
from scopeprobe.engine.plan_runner import PlanRunner
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.engine.scheduler import Scheduler
from scopeprobe.engine.usage import Usage
from scopeprobe.errors import InputError
from scopeprobe.inputs import Fleet
from scopeprobe.model.assignment import Assignment, Strategy
from scopeprobe.model.behavior import NOTHING_KNOWN, ServerBehavior
from scopeprobe.model.cell import Cell, Reason, Verdict
from scopeprobe.model.client import Client, ClientName
from scopeprobe.model.events import Observer
from scopeprobe.model.fault import Fault
from scopeprobe.model.journal import KnownFacts, RunJournal
from scopeprobe.oauth.exchange import TokenHandling
from scopeprobe.strategies import LEARNING
from scopeprobe.verdicts import (
    ToldClient,
    earlier_client,
    judge,
    shapes_in_doubt,
)

PILOTS = 5
"""Clients of a server that are asked before anything is known of it."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Clients who cannot be asked before the metadata of their servers is read."""

    part: Fleet
    lay_out: Callable[[Fleet], Sequence[RateGroup]]
    """Adds their rate groups, told of the part as metadata completed it."""


class Rounds:
    """
    One invocation of a run, a rate group at a time.

    Where a strategy learns from other clients, the first five of a server begin, in the order of
    the file, so that equal nights ask equal questions; then all others, with what those taught;
    then once more those whose cells are open although more is known now. At last, names that were
    granted are tried for their shapes.
    """

    def __init__(
        self, strategy: Strategy, known: KnownFacts, budgets: Budgets, share: Share | None = None
    ) -> None:
        """`share`: of budgets that others spend too."""
        self.usage: dict[str, Usage] = {}
        """What was spent, by the name of the server."""
        self.token_handling: dict[str, TokenHandling] = {}
        """What became of tokens, by token endpoint."""
        self.stopped_because: Reason | None = None
        """Why all that was left was not asked."""
        self.notices: tuple[str, ...] = ()
        """What deserves a look although nothing failed."""
        self._strategy = strategy
        self._known = known
        self._budgets = budgets
        self._share = share or Share()
        self._groups: list[RateGroup] = []
        self._unusable: dict[str, Fault] = {}
        self._further: dict[int, Iterator[Callable[[RateGroup], Awaitable[None]]]] = {}
        """By the identity of its rate group, what lays out the rounds that are still to come."""
        self._behaviors = Behaviors()

    def add(
        self, assignments: Iterable[Assignment], unusable: Mapping[str, Fault]
    ) -> Sequence[RateGroup]:
        """
        Lay out what is to be asked first, and return the new rate groups.

        :param assignments: all of their servers: no other has its rate group.
        :param unusable: the servers among them that cannot be asked, by name, and why.
        """
        assignments = list(assignments)
        self._unusable |= unusable
        held = _behind_the_pilots(assignments) if self._strategy in LEARNING else set()
        groups = build_queues(
            assignments,
            self._strategy,
            known=self._known,
            budgets=self._budgets,
            token_handling=self.token_handling,
            held=held,
        )
        self._groups += groups
        for group in groups:
            self._further[id(group)] = iter(
                (
                    self._release,
                    self._ask_once_more,
                    self._look_for_shapes,  # the first clients that may have one,
                    self._look_for_shapes,  # and where those have, the others
                )
            )
            for queue in group.queues:
                if fault := unusable.get(queue.client.server.name):
                    queue.close(fault.reason)
            group.refresh(group.queues)
        return groups

    async def ask(
        self,
        journal: RunJournal,
        observer: Observer,
        interruption: Interruption,
        late: Iterable[Unread] = (),
    ) -> signal.Signals | None:
        """
        Ask what is not known yet. Returns the signal that ended it early, if one did.

        Whatever fails in a task, the journal or a callback ends all that goes on, and is raised.
        :param late: what can be asked once its metadata was read. Raises InputError where laying
            one of them out does: what is under way ends first.
        """
        async with connect(self._reachable(self._groups)) as http:

            async def groups_of(unread: Unread) -> Sequence[RateGroup]:
                patience = self._budgets.max_pause
                try:
                    groups = unread.lay_out(await resolve_by(http, unread.part, patience))
                except InputError as refusal:
                    refusals.append(refusal)
                    engine.stop(Reason.NOT_ASKED)
                    return ()
                await http.admit(self._reachable(groups))
                return groups

            refusals: list[InputError] = []
            engine = Scheduler(
                http=http,
                journal=journal,
                observer=observer,
                budgets=self._budgets,
                groups=self._groups,
                share=self._share,
                late=[partial(groups_of, unread) for unread in late],
                next_round=self._lay_out_next,
                usage=self.usage,
                files=http.files,
            )
            ended = False
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(journal.failure)
                    tasks.start_soon(end_what_is_endless)
                    stopped_by = await interruption.unless_it_comes(engine.run)
                    tasks.cancel_scope.cancel()
                ended = stopped_by is None
            finally:
                if not ended:
                    engine.stop(Reason.INTERRUPTED)
                self.stopped_because = engine.stopped_because
                self.notices = tuple(engine.notices)
            if refusals:
                raise refusals[0]
            return stopped_by

    @staticmethod
    def _reachable(groups: Iterable[RateGroup]) -> Iterator[Client]:
        queues = (queue for group in groups for queue in group.queues)
        return (queue.client for queue in queues if queue.closed_because is None)

    # -- the rounds of a rate group. Thinking takes its time, so it is done off the loop.

    async def _lay_out_next(self, group: RateGroup) -> bool:
        """Lay out rounds until one has something to ask; False where none is left."""
        for lay_out in self._further[id(group)]:
            await lay_out(group)
            if not group.is_over:
                return True
        return False

    async def _release(self, group: RateGroup) -> None:
        """Let all others begin, with what the pilots taught."""
        held = [queue for queue in group.queues if queue.is_held]
        if not held:
            return
        behaviors = await off_the_loop(self._with_earlier_clients, group)

        def prepare(assignment: Assignment) -> PlanRunner:
            behavior = behaviors.get(endpoint_of(assignment), NOTHING_KNOWN)
            return self._plan_runner(replace(assignment, behavior=behavior))

        for queue in held:
            if queue.closed_because is None:
                group.release(queue, prepare)

    async def _ask_once_more(self, group: RateGroup) -> None:
        """Clients with open cells are asked again where more is known of their server by now."""
        if self._strategy not in LEARNING:
            return
        for queue, plan, behavior in await off_the_loop(self._that_know_less, group):
            if queue.closed_because is None:
                further = replace(plan.assignment, behavior=behavior, is_first=True)
                group.go_on(queue, plan, plan.further(further, self._strategy))

    def _that_know_less(
        self, group: RateGroup
    ) -> list[tuple[ClientQueue, PlanRunner, ServerBehavior]]:
        """Plans with open cells that know less of their server than is known by now, and that."""
        behaviors = {
            endpoint: self._behaviors.shown_to(map(_told_what_it_asked, plans))
            for endpoint, plans in by_endpoint(begun([group])).items()
        }
        found = []
        for queue in group.queues:
            for plan in queue.begun:
                known = plan.assignment.behavior
                behavior = behaviors[endpoint_of(plan.assignment)]
                flags = replace(behavior, earlier_clients=known.earlier_clients)
                if flags != known and self._has_open_cells(plan, behavior):
                    found.append((queue, plan, flags))
        return found

    async def _look_for_shapes(self, group: RateGroup) -> None:
        """Go on where the granted scopes of a server have a prefix that may be granted whole."""
        plans = by_assignment([group])

        def can_ask(assignment: Assignment) -> bool:
            return plans[id(assignment)][0].closed_because is None

        for members in by_endpoint(begun([group])).values():
            told = list(map(told_to, members))
            behavior = await off_the_loop(self._behaviors.shown_to, told)
            doubts = shapes_in_doubt(told, behavior, can_ask)
            for assignment, further in await off_the_loop(list, doubts):
                if can_ask(assignment):
                    queue, plan = plans[id(assignment)]
                    group.go_on(queue, plan, plan.further(further, self._strategy))

    def _plan_runner(self, assignment: Assignment) -> PlanRunner:
        return PlanRunner(assignment, self._strategy, self._known.facts_of(assignment))

    def _with_earlier_clients(self, group: RateGroup) -> dict[str, ServerBehavior]:
        """By endpoint, what its clients taught so far, and what they were found to have."""
        behaviors = {}
        for endpoint, plans in by_endpoint(begun([group])).items():
            behavior = self._behaviors.shown_to(map(_told_what_it_asked, plans))
            earlier_clients = (
                earlier_client(plan.assignment, self._cells(plan, behavior)) for plan in plans
            )
            behaviors[endpoint] = replace(behavior, earlier_clients=tuple(earlier_clients))
        return behaviors

    def _has_open_cells(self, plan: PlanRunner, behavior: ServerBehavior) -> bool:
        return any(f.verdict is Verdict.UNKNOWN for f in self._cells(plan, behavior))

    def _cells(self, plan: PlanRunner, behavior: ServerBehavior) -> tuple[Cell, ...]:
        because = plan.open_because or Reason.NOT_ASKED
        return judge(plan.assignment, behavior, plan.told_what_it_asked, because)

    def conclusions(self) -> Conclusions:
        """What the answers say, once no more is asked."""
        return Conclusions(
            self._groups,
            self._known,
            self._unusable,
            self._behaviors,
            self.token_handling,
            self.stopped_because,
        )


def _behind_the_pilots(assignments: Iterable[Assignment]) -> set[ClientName]:
    """All clients but the first few of every server."""
    servers: dict[str, dict[ClientName, None]] = {}
    for assignment in assignments:
        servers.setdefault(endpoint_of(assignment), {})[assignment.client.name] = None
    return {name for names in servers.values() for name in list(names)[PILOTS:]}


def _told_what_it_asked(plan: PlanRunner) -> ToldClient:
    return plan.assignment, plan.told_what_it_asked
