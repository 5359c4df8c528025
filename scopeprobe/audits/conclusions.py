"""What the answers of a run say: maps, doubts, and what the next run is to know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter

import msgspec

from scopeprobe.audits.behaviors import (
    Behaviors,
    begun,
    by_assignment,
    by_endpoint,
    endpoint_of,
    told_to,
)
from scopeprobe.engine.plan_runner import PlanRunner
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.model.answer import Fact, Issued
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import Cell, PermissionMap, Reason
from scopeprobe.model.client import ClientName, Registration
from scopeprobe.model.fault import Fault
from scopeprobe.model.journal import KnownFacts
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.exchange import TokenHandling
from scopeprobe.verdicts import accepted_sets, judge, shapes_in_doubt


@dataclass(frozen=True, slots=True)
class Conclusions:
    """Of what all clients of these rate groups were told."""

    groups: Sequence[RateGroup]
    known: KnownFacts
    """What earlier invocations of the run were told."""
    unusable: Mapping[str, Fault]
    """Servers that could not be asked, by name, and why."""
    behaviors: Behaviors
    token_handling: Mapping[str, TokenHandling]
    """What became of tokens, by token endpoint."""
    stopped_because: Reason | None
    """Why all that was left was not asked."""

    def maps(self) -> Iterator[PermissionMap]:
        """The maps, sorted by client; behavior comes from all clients (docs/design.md, "Terms")."""
        behaviors = {
            endpoint: self.behaviors.shown_to(map(told_to, plans))
            for endpoint, plans in by_endpoint(begun(self.groups)).items()
        }
        for name, plans in sorted(self._by_client().items()):
            cells: list[Cell] = []
            told = {id(plan): tuple(plan.told) for plan in plans}
            for plan in sorted(plans, key=_audience):
                because = plan.open_because or Reason.NOT_ASKED
                facts = told[id(plan)]
                elsewhere = (one for other in told.values() if other is not facts for one in other)
                behavior = behaviors[endpoint_of(plan.assignment)]
                judged = judge(plan.assignment, behavior, facts, because, elsewhere)
                if fault := self.unusable.get(plan.assignment.client.server.name):
                    judged = tuple(_told_of(cell, fault) for cell in judged)
                cells += judged
            yield PermissionMap(name, tuple(cells), _registration(chain(*told.values())))

    def doubts(self) -> Iterator[tuple[ClientName, Reason]]:
        """Clients that did not get to ask about a shape, and why: asking again may settle it."""
        plans = by_assignment(self.groups)
        for members in by_endpoint(begun(self.groups)).values():
            told = list(map(told_to, members))
            for assignment, _ in shapes_in_doubt(told, self.behaviors.shown_to(told)):
                queue, plan = plans[id(assignment)]
                reasons = (queue.closed_because, self.stopped_because, plan.open_because)
                yield assignment.client.name, next(filter(None, reasons), Reason.NOT_ASKED)

    def accepted_sets(
        self, maps: Iterable[PermissionMap]
    ) -> Iterator[tuple[Assignment, tuple[tuple[Scope, ...], ...]]]:
        """By client and target, the sets whose acceptance proves what the maps say is granted."""
        by_client = self._by_client()
        for permissions in maps:
            for plan in by_client[permissions.client]:
                label = plan.assignment.target.label
                cells = (cell for cell in permissions.cells if cell.audience == label)
                yield plan.assignment, accepted_sets(plan.told, cells)

    def last_successes(self) -> Iterator[tuple[Assignment, Question, bool]]:
        """By client and target, what succeeded, and whether it does not without scope."""
        for plan in begun(self.groups):
            if (success := plan.last_success) is not None:
                yield plan.assignment, success, plan.needs_scope

    def requests_by_client(self) -> dict[str, int]:
        """Of all invocations of the run."""
        return {
            queue.client.name: queue.requests
            + sum(len(self.known.facts_of(plan.assignment)) for plan in queue.begun)
            for group in self.groups
            for queue in group.queues
        }

    def servers_that_share_tokens(self) -> Iterator[str]:
        for plan in begun(self.groups):
            server = plan.assignment.client.server
            handling = self.token_handling.get(server.endpoints.token)
            if handling is not None and handling.shares_tokens:
                yield server.name

    def _by_client(self) -> dict[ClientName, list[PlanRunner]]:
        by_client: dict[ClientName, list[PlanRunner]] = {}
        for plan in begun(self.groups):
            by_client.setdefault(plan.assignment.client.name, []).append(plan)
        return by_client


def _told_of(cell: Cell, fault: Fault) -> Cell:
    """An open cell with what is known of why its server could not be asked."""
    if cell.reason is not fault.reason or not cell.is_open:
        return cell
    return msgspec.structs.replace(cell, error=fault.code, error_description=fault.words)


def _registration(facts: Iterable[Fact]) -> Registration | None:
    """What the last token of a client showed of the client's own end."""
    tokens = [(fact.received, fact.answer) for fact in facts if isinstance(fact.answer, Issued)]
    return max(tokens, key=itemgetter(0))[1].registration if tokens else None


def _audience(plan: PlanRunner) -> str:
    return plan.assignment.target.label
