"""A rate group on its worker: the same rounds as on one machine, and what became of it."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence

from scopeprobe.audits.rounds import Rounds
from scopeprobe.audits.signals import Interruption
from scopeprobe.cluster.messages import (
    ClientOutcome,
    Failure,
    GroupOutcome,
    PlanOutcome,
    TokensOutcome,
)
from scopeprobe.cluster.stream_journal import NobodyListens, StreamJournal
from scopeprobe.cluster.task import Orders, with_credentials
from scopeprobe.engine.budgets import Share
from scopeprobe.engine.plan_runner import PlanRunner
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.errors import InputError, cause_of, describe
from scopeprobe.model.answer import Unanswered
from scopeprobe.model.client import Client, ClientName
from scopeprobe.model.events import Observer


class GroupRun:
    """
    Asks what is to be asked in a rate group, from its first question to its last.

    It is made on the event loop that asks, and so is all called but what says otherwise.
    """

    def __init__(
        self,
        orders: Orders,
        clients: Mapping[ClientName, Client],
        journal: StreamJournal,
        observer: Observer,
        share: Share,
    ) -> None:
        self.journal = journal
        self.share = share
        self._observer = observer
        self._interruption = Interruption()
        self._rounds = Rounds(orders.strategy, orders.known, orders.limits, share)
        assignments = (with_credentials(one, clients) for one in orders.assignments)
        self._groups = self._rounds.add(assignments, orders.unusable)

    @property
    def spent(self) -> tuple[int, int]:
        """Requests and tokens so far; from any thread."""
        usage = list(self._rounds.usage.values())
        return sum(one.requests for one in usage), sum(one.tokens for one in usage)

    def interrupt(self) -> None:
        """Let it end at once, as Ctrl-C does on one machine; from any thread."""
        self._interruption.come(signal.SIGINT)

    def look_again(self) -> None:
        """The share of a budget has grown."""
        for group in self._groups:
            group.refresh([])

    async def ask(self) -> GroupOutcome | Failure | None:
        """What became of it; None where there is nobody to tell."""
        try:
            await self._rounds.ask(self.journal, self._observer, self._interruption)
        except Exception as error:  # noqa: BLE001 - it ends the run, which is somewhere else
            is_gone = isinstance(cause_of(error), NobodyListens)
            return None if is_gone else failure_of(error)
        return _outcome(self._rounds, self._groups)


def failure_of(error: BaseException) -> Failure:
    """What to say of what went wrong on a worker."""
    cause = cause_of(error)
    if isinstance(cause, InputError):
        return Failure(cause.messages, is_input_error=True)
    return Failure((describe(cause),), is_input_error=False)


def _outcome(rounds: Rounds, groups: Sequence[RateGroup]) -> GroupOutcome:
    return GroupOutcome(
        clients=tuple(
            ClientOutcome(
                queue.client.name,
                queue.closed_because,
                queue.requests,
                tuple(map(_plan_outcome, queue.begun)),
            )
            for group in groups
            for queue in group.queues
        ),
        usage=rounds.usage,
        tokens={
            endpoint: TokensOutcome(one.left_alive, one.shares_tokens)
            for endpoint, one in rounds.token_handling.items()
        },
        stopped_because=rounds.stopped_because,
        notices=rounds.notices,
    )


def _plan_outcome(plan: PlanRunner) -> PlanOutcome:
    unanswered = (fact for fact in plan.facts.values() if isinstance(fact.answer, Unanswered))
    return PlanOutcome(plan.assignment.target.label, plan.open_because, tuple(unanswered))
