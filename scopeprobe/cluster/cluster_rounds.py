"""A run that the workers of a cluster ask: each rate group is asked by one of them."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from secrets import token_hex
from signal import Signals
from typing import Any, TypeVar

import anyio
from distributed import Client

from scopeprobe.audits.rounds import Rounds, Unread
from scopeprobe.audits.signals import Interruption
from scopeprobe.cluster.messages import (
    Failure,
    GroupOutcome,
    Message,
    SentShare,
    received_event,
)
from scopeprobe.cluster.placement import Placement, WorkerLost
from scopeprobe.cluster.portion import Portion, asks_nothing
from scopeprobe.cluster.remembered import Remembered
from scopeprobe.cluster.shared_budget import SharedBudget
from scopeprobe.cluster.stations import StationOfWorker, Stations
from scopeprobe.cluster.task import Orders, Prepared
from scopeprobe.engine.budgets import Budgets
from scopeprobe.engine.build_queues import build_queues
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.engine.usage import Usage
from scopeprobe.errors import InputError
from scopeprobe.inputs import Fleet
from scopeprobe.model.assignment import Assignment, Strategy
from scopeprobe.model.cell import Reason
from scopeprobe.model.events import Observer
from scopeprobe.model.fault import Fault
from scopeprobe.model.journal import KnownFacts, RunJournal
from scopeprobe.oauth.exchange import TokenHandling
from scopeprobe.store import SqliteJournal

R = TypeVar("R")

MOST_WORKERS_LOST = 3
"""By one rate group, after which it is left: they may be lost because of it."""
PATIENCE = 5.0
"""Seconds for which an interrupted run waits to hear what its workers know."""


class WorkerFailed(RuntimeError):
    """A bug, on a worker."""


class ClusterRounds(Rounds):
    """
    Lays out the rate groups, has each asked by a worker, and keeps what came of it.

    A worker that is lost is followed by another once it cannot be asking any more. That one begins
    with all that was heard of it: facts, used quotas, pauses, and failed authentications, of which
    all that it may have had in the air are counted.
    """

    def __init__(
        self,
        strategy: Strategy,
        known: KnownFacts,
        budgets: Budgets,
        *,
        client: Client,
        fleet: Fleet,
    ) -> None:
        super().__init__(strategy, known, budgets)
        audit = token_hex(8)
        self._placement = Placement(client, audit, fleet, budgets.max_pause)
        self._stations = Stations(client, audit, self._take)
        self._portions: dict[str, Portion] = {}
        self._found = Remembered(known)
        self._budget = SharedBudget(budgets)
        self._refusals: list[str] = []
        self._ends_at = math.inf

    def add(
        self, assignments: Iterable[Assignment], unusable: Mapping[str, Fault]
    ) -> Sequence[RateGroup]:
        groups = build_queues(
            assignments,
            asks_nothing,
            known=self._known,
            budgets=self._budgets,
            token_handling=self.token_handling,
        )
        self._groups += groups
        self._unusable |= unusable
        for queue in (queue for group in groups for queue in group.queues):
            if fault := unusable.get(queue.client.server.name):
                queue.closed_because = fault.reason
                for plan in queue.begun:
                    plan.open_because = fault.reason
        return groups

    async def ask(
        self,
        journal: RunJournal,
        observer: Observer,
        interruption: Interruption,
        late: Iterable[Unread] = (),
    ) -> Signals | None:
        assert isinstance(journal, SqliteJournal)  # noqa: S101 - rows go to no other
        if self._budgets.max_time is not None:
            self._ends_at = time.monotonic() + self._budgets.max_time
        self._journal, self._observer = journal, observer
        self._lay_out(late)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(journal.failure)
                tasks.start_soon(self._stations.serve)
                stopped_by = await interruption.unless_it_comes(self._see_all_through)
                if stopped_by is not None:
                    self.stopped_because = Reason.INTERRUPTED
                    await self._hear_the_last()
                tasks.cancel_scope.cancel()
        finally:
            for portion in self._portions.values():
                self._settle(portion)
        if self._refusals:
            raise InputError(dict.fromkeys(self._refusals))
        return stopped_by

    def _lay_out(self, late: Iterable[Unread]) -> None:
        for group in self._groups:
            clients = tuple(queue.client for queue in group.queues)
            self._portions[group.group] = Portion(group.group, clients, (group,))
        for unread in late:
            clients = unread.part.clients
            name = f"{clients[0].server.group} (metadata)"
            self._portions[name] = Portion(name, clients, unread=unread)

    # -- a portion, from its first worker to its last

    async def _see_all_through(self) -> None:
        """Prepare all that have a place, and begin when nothing is missing for any of them."""
        portions = [one for one in self._portions.values() if self._is_to_be_asked(one)]
        prepared: dict[str, Prepared] = {}

        async def prepare(portion: Portion) -> None:
            if (one := await self._prepare(portion)) is not None:
                prepared[portion.name] = one

        async with anyio.create_task_group() as tasks:
            for portion in portions:
                if await self._placement.workers_for(portion):
                    tasks.start_soon(prepare, portion)
        if self._refusals:
            return
        async with anyio.create_task_group() as tasks:
            for portion in portions:
                tasks.start_soon(self._see_through, portion, prepared.get(portion.name))

    @staticmethod
    def _is_to_be_asked(portion: Portion) -> bool:
        queues = tuple(portion.queues)
        return not queues or any(queue.closed_because is None for queue in queues)

    async def _see_through(self, portion: Portion, prepared: Prepared | None) -> None:
        """Have it asked by one worker after the other, until one tells what became of it."""
        while not portion.is_over.is_set():
            prepared = prepared or await self._prepare(portion)
            if prepared is None or self._refusals:
                break
            try:
                await self._have_it_asked(portion, self._stations[prepared.station])
            except InputError as refusal:
                self._refuse(refusal.messages)
            if not portion.is_over.is_set():
                self._lose(portion)
            prepared = None
        self._placement.let_go(portion)

    async def _prepare(self, portion: Portion) -> Prepared | None:
        """Give it to a worker that has all it takes; None where there is none, which is said."""
        while portion.workers_lost < MOST_WORKERS_LOST:
            patience = min(self._budgets.max_pause, self._seconds_left)
            try:
                prepared = await self._placement.prepare(portion, patience)
            except WorkerLost:
                portion.workers_lost += 1
                self._placement.lose(portion)
                continue
            except InputError as refusal:
                self._refuse(refusal.messages)
                return None
            if prepared is None:
                self._leave_unplaced(portion)
            elif prepared.problems:
                self._refuse(prepared.problems)
            else:
                self._notice(*prepared.notices)
                return prepared
            return None
        words = f"{portion.name}: {MOST_WORKERS_LOST} workers were lost while they asked it"
        self._give_up(portion, Reason.INTERRUPTED, words)
        return None

    def _leave_unplaced(self, portion: Portion) -> None:
        reason = Reason.UNREACHABLE if self._seconds_left > 0 else Reason.DEADLINE
        where = f" is in {', '.join(sorted(portion.networks))}" if portion.networks else " came"
        self._give_up(portion, reason, f"{portion.name}: no worker of the cluster{where}")

    def _give_up(self, portion: Portion, reason: Reason, words: str) -> None:
        self._notice(f"{words}; its open cells are `{reason}`")
        portion.give_up(reason, self._found, self._known)
        portion.is_over.set()

    async def _have_it_asked(self, portion: Portion, station: StationOfWorker) -> None:
        """
        Have it asked until it is over, or its worker asks nothing any more.

        Raises InputError where metadata is not what it has to be.
        """
        portion.station = station
        try:
            if portion.unread is not None:
                read = await _unless_lost(station, self._placement.read(portion))
                if read.read is None:
                    raise InputError(read.problems)
                if not portion.groups:
                    portion.groups = tuple(portion.unread.lay_out(read.read))
            if not self._is_to_be_asked(portion):
                portion.is_over.set()
                return
            orders = self._orders(portion)
            if not station.lost.is_set():
                await _unless_lost(station, self._placement.begin(portion, orders))
                await _unless_lost(station, portion.is_over.wait())
        except WorkerLost:
            await station.lost.wait()

    def _orders(self, portion: Portion) -> Orders:
        is_first = portion.workers_lost == 0
        paused_until = 0.0 if is_first else time.time() + portion.longest_gap
        share = self._budget.open(portion.name, len(self._portions), portion.in_air)
        is_endless = self._seconds_left == math.inf
        return Orders(
            run=self._journal.run,
            assignments=portion.assignments,
            unusable=self._unusable,
            strategy=self._strategy,
            limits=replace(
                self._budgets,
                max_requests=None,
                max_tokens=None,
                max_time=None if is_endless else max(self._seconds_left, 0.0),
            ),
            known=portion.begin(self._found, self._known, paused_until),
            requests=share.requests,
            tokens=share.tokens,
        )

    @property
    def _seconds_left(self) -> float:
        return self._ends_at - time.monotonic()

    def _lose(self, portion: Portion) -> None:
        """Its worker asks nothing any more; what it had in the air, nobody knows."""
        portion.workers_lost += 1
        portion.station = None
        self._budget.lose(portion.name)
        self._placement.lose(portion)
        for server, spent in portion.count_what_was_found(self._found).items():
            usage = self.usage.setdefault(server, Usage())
            usage.requests += spent.requests
            usage.tokens += spent.tokens

    def _refuse(self, words: Iterable[str]) -> None:
        """End the run with a complaint about the inputs; what is under way ends first."""
        self._refusals += words
        self._stations.interrupt()

    def _notice(self, *words: str) -> None:
        self.notices = tuple(dict.fromkeys((*self.notices, *words)))

    # -- what is heard

    def _take(self, station: StationOfWorker, message: Message) -> None:
        """Have the rows of a message committed, and count what is over after that."""
        for event in message.events:
            self._observer(received_event(event))
        for row in message.rows:
            self._found.note(row)
        self._journal.take(message.rows, partial(self._committed, station, message))
        if message.spent:
            self._tell_shares(self._budget.shares_after(message.spent))

    def _committed(self, station: StationOfWorker, message: Message) -> None:
        self._stations.committed(station, message.number)
        for name, outcome in message.over.items():
            self._note_outcome(self._portions[name], outcome)

    def _note_outcome(self, portion: Portion, outcome: GroupOutcome | Failure) -> None:
        if isinstance(outcome, Failure):
            if not outcome.is_input_error:
                raise WorkerFailed(*outcome.words)
            self._refuse(outcome.words)
        else:
            portion.outcome = outcome
            spent = outcome.usage.values()
            requests = sum(one.requests for one in spent)
            tokens = sum(one.tokens for one in spent)
            self._tell_shares(self._budget.close(portion.name, requests, tokens))
        portion.is_over.set()

    def _tell_shares(self, shares: Mapping[str, SentShare]) -> None:
        for name, share in shares.items():
            station = self._portions[name].station
            if station is not None:
                self._stations.share(station, {name: share})

    async def _hear_the_last(self) -> None:
        """Let all workers end, and hear what they know; nobody waits long for one."""
        self._stations.interrupt()
        with anyio.move_on_after(PATIENCE):
            for portion in self._portions.values():
                if portion.station is not None:
                    with suppress(WorkerLost):
                        await _unless_lost(portion.station, portion.is_over.wait())

    # -- what became of it

    def _settle(self, portion: Portion) -> None:
        self._placement.let_go(portion)
        outcome, portion.outcome = portion.outcome, None
        if outcome is None:
            if not portion.is_over.is_set():
                reason = self.stopped_because or Reason.NOT_ASKED
                portion.give_up(reason, self._found, self._known)
            return
        portion.take_over(outcome, self._found, self._known)
        self._notice(*outcome.notices)
        self.stopped_because = self.stopped_because or outcome.stopped_because
        for server, spent in outcome.usage.items():
            self._add_usage(self.usage.setdefault(server, Usage()), spent)
        for endpoint, told in outcome.tokens.items():
            handling = self.token_handling.setdefault(endpoint, TokenHandling())
            handling.left_alive += told.left_alive
            handling.shares_tokens |= told.shares_tokens

    @staticmethod
    def _add_usage(usage: Usage, spent: Usage) -> None:
        usage.requests += spent.requests
        usage.throttled += spent.throttled
        usage.tokens += spent.tokens
        usage.follow_ups += spent.follow_ups
        usage.started, usage.ended = 0.0, max(usage.seconds, spent.seconds)


async def _unless_lost(station: StationOfWorker, work: Coroutine[Any, Any, R]) -> R:
    """Do what takes its worker. Raises WorkerLost."""
    tasks = asyncio.create_task(work), asyncio.create_task(station.lost.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            raise WorkerLost
        return tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
