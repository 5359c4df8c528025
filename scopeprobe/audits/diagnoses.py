"""Diagnoses of several clients, asked for in one run of the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

import anyio

from scopeprobe.audits.cases import Explain
from scopeprobe.audits.explain_journal import (
    ExplainJournal,
    UsedBefore,
    allowances_in,
    registration_of_case,
    stored_in,
)
from scopeprobe.audits.known import StoredKnowledge
from scopeprobe.audits.off_the_loop import off_the_loop
from scopeprobe.audits.signals import end_what_is_endless
from scopeprobe.diagnosis import Case, explain_log, read_texts
from scopeprobe.diagnosis.outcomes import failures_in, is_past_credentials
from scopeprobe.engine.budgets import Budgets
from scopeprobe.engine.build_queues import build_queues
from scopeprobe.engine.client_queue import ClientQueue
from scopeprobe.engine.experiments import ExperimentRun, ExperimentRuns, ExplainedAssignment
from scopeprobe.engine.http_client import connect
from scopeprobe.engine.retry import EXPERIMENT
from scopeprobe.engine.scheduler import Scheduler
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import ClientName
from scopeprobe.model.experiment import Experiment, ExperimentPlan
from scopeprobe.model.failed_authentication import may_count_in_a_diagnosis
from scopeprobe.reports.explanations import Explained, NotExplained
from scopeprobe.reports.texts import counted, listed


@dataclass(frozen=True, slots=True)
class Explanations:
    """What was found out about each target, and about which nothing could be."""

    explained: tuple[Explained, ...]
    not_explained: tuple[NotExplained, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Every target works or is explained."""
        outcomes = {one.explanation.outcome for one in self.explained}
        return "not_explained" not in outcomes and not self.not_explained


@dataclass(slots=True)
class _Diagnosis:
    """One target while it is explained."""

    case: Case
    run: ExperimentRun
    assignment: ExplainedAssignment
    log: tuple[Experiment, ...] = ()
    because: str = ""
    """Why nothing was asked."""
    told_to: str = ""
    """The run whose answers are all that is known; empty where something was asked."""

    @classmethod
    def of(
        cls, case: Case, plan: Callable[[Case], ExperimentPlan], now: Callable[[], datetime]
    ) -> Self:
        assignment = ExplainedAssignment(case.client, case.target)
        return cls(case, ExperimentRun(assignment, plan(case), now), assignment)

    @property
    def place(self) -> tuple[str, str]:
        return self.case.client.name, self.case.target.label

    @property
    def may_be_remembered(self) -> bool:
        """Nothing may be asked for it, because of what was asked before."""
        return not self.log and self.case.known.failures_spent >= self.case.most_failures

    @property
    def is_rejected(self) -> bool:
        """Its credentials were not accepted for anything."""
        return bool(failures_in(self.log)) and not any(map(is_past_credentials, self.log))


class Diagnoses:
    """
    Diagnoses that share one engine: queues of clients in the rate groups of their servers.

    The first targets of all clients are explained, then the second ones, and so on: what a client
    is told for one target says nothing against another, but that its credentials are rejected.
    """

    def __init__(
        self, order: Explain, cases: Sequence[Case], plan: Callable[[Case], ExperimentPlan]
    ) -> None:
        self._order = order
        self._plan = plan
        self._cases = cases
        self._journal = ExplainJournal(order.out, order.now().timestamp())
        self._done: dict[ClientName, list[_Diagnosis]] = {case.client.name: [] for case in cases}

    async def explanations(self) -> Explanations:
        """Ask, and conclude."""
        await off_the_loop(read_texts)
        waiting = list(self._cases)
        try:
            while waiting:
                first = {case.client.name: case for case in reversed(waiting)}
                waiting = [case for case in waiting if case is not first[case.client.name]]
                await self._explain(list(first.values())[::-1])
        finally:
            await self._journal.close()
        done = [one for name in self._done for one in self._done[name]]
        explained = await off_the_loop(_concluded, done, self._order)
        left = [one for one in done if not one.log]
        return Explanations(
            tuple(explained),
            tuple(NotExplained(*one.place, one.because) for one in left),
            (*self._about_the_folder(), *_notices([one for one in done if one.log])),
        )

    def _about_the_folder(self) -> Iterator[str]:
        if self._journal.has_made_folder:
            yield f"{self._order.out}: was made, to remember failed authentications until tomorrow"

    async def _explain(self, cases: Iterable[Case]) -> None:
        """Explain one target of each client."""
        asked = []
        for case in cases:
            spent = self._journal.failures_of(registration_of_case(case), case.known.failures_spent)
            known = replace(case.known, failures_spent=spent)
            one = _Diagnosis.of(replace(case, known=known), self._plan, self._order.now)
            one.because = _why_not(one.case, self._done[case.client.name])
            self._done[case.client.name].append(one)
            if not one.because:
                asked.append(one)
        await self._ask(asked)

    async def _ask(self, diagnoses: Sequence[_Diagnosis]) -> None:
        order, budgets = self._order, Budgets(max_pause=self._order.max_pause)
        runs = ExperimentRuns([one.run for one in diagnoses])
        before = await off_the_loop(allowances_in, order.out)
        groups = build_queues(
            [one.assignment for one in diagnoses],
            runs.strategy,
            known=UsedBefore(before, self._journal, [one.case for one in diagnoses]),
            budgets=budgets,
            token_handling={},
            retry_policy=EXPERIMENT,
            counts=may_count_in_a_diagnosis,
            now=order.now,
        )
        async with (
            connect([one.case.client for one in diagnoses]) as http,
            anyio.create_task_group() as watches,
        ):
            watches.start_soon(end_what_is_endless)
            await Scheduler(
                http=http,
                journal=self._journal,
                observer=runs.observe,
                budgets=budgets,
                groups=groups,
                on_response=runs.note_response,
            ).run()
            watches.cancel_scope.cancel()
        queues = {queue.client.name: queue for group in groups for queue in group.queues}
        for one in diagnoses:
            queue = queues[one.case.client.name]
            facts = (fact for plan in queue.begun for fact in plan.facts.values())
            one.log = one.run.log(facts)
            one.because = _why_nothing_was_asked(one.case, queue, order)


def _concluded(done: Iterable[_Diagnosis], order: Explain) -> list[Explained]:
    """What the answers prove; where nothing may be asked any more, those of an audit of the day."""
    with stored_in(order.out) as store:
        knowledge = None if store is None else StoredKnowledge(store, order.now())
        explained = []
        for one in done:
            case = one.case
            if knowledge is not None and one.may_be_remembered:
                one.told_to, one.log = knowledge.told(case.client, case.target)
            if one.log:
                granted = None if store is None else store.ever_granted(case.client.name)
                explained.append(Explained(case, explain_log(case, one.log), granted))
        return explained


def _notices(done: Iterable[_Diagnosis]) -> tuple[str, ...]:
    """Say where the last failed authentication of the day was spent, for all clients at once."""
    clients: dict[str, list[str]] = {}
    for one in done:
        spent = one.case.known.failures_spent + len(failures_in(one.log))
        if one.told_to:
            text = f"{one.because}. What is said rests on what run {one.told_to} was told"
            clients.setdefault(text, []).append(one.case.client.name)
        elif one.is_rejected and spent >= one.case.most_failures:
            clients.setdefault(_spent(spent), []).append(one.case.client.name)
    return tuple(f"{listed(names)}: {text}" for text, names in clients.items())


def _why_not(case: Case, earlier: Iterable[_Diagnosis]) -> str:
    """Why nothing may be asked for a target; empty where nothing forbids it."""
    for other in earlier:
        if other.is_rejected:
            where = f" for {other.case.target.label}" if other.case.target.label else ""
            return f"its credentials are rejected{where}: mend that first"
    spent = case.known.failures_spent
    return _spent(spent) if spent >= case.most_failures else ""


def _spent(failures: int) -> str:
    return (
        f"{counted(failures, 'request')} in a row may have failed to authenticate today, and one"
        " more might"
        " lock the client: nothing more is asked of it until tomorrow (UTC)."
        f" `--max-auth-failures {failures + 1}` allows one more, as when it was mended meanwhile"
    )


def _why_nothing_was_asked(case: Case, queue: ClientQueue, order: Explain) -> str:
    if queue.closed_because is Reason.CLIENT_LEFT_ALONE:
        return _spent(queue.guard.failures)
    if queue.closed_because is Reason.ENDPOINT_LEFT_ALONE:
        return (
            f"{case.client.server.name} gets no more attempts: it could not be reached again and"
            " again, or rejected too many clients"
        )
    return (
        f"nothing can be asked of {case.client.server.name} within {order.max_pause:g} s, so says"
        f" {order.out}: its quota is used up, or it asked for a pause"
    )
