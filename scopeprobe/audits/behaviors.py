"""What servers are like, so far as their clients of this run were told."""

from __future__ import annotations

from collections.abc import Iterable

from scopeprobe.engine.client_queue import ClientQueue
from scopeprobe.engine.plan_runner import PlanRunner
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.behavior import NOTHING_KNOWN, ServerBehavior
from scopeprobe.verdicts import ToldClient, learn_behavior


class Behaviors:
    """Those of servers, by endpoint: worked out anew where a client was told more since."""

    def __init__(self) -> None:
        self._learned: dict[str, tuple[list[ToldClient], ServerBehavior]] = {}
        """What the clients had been told when it was last learned from, and what that taught."""

    def shown_to(self, told: Iterable[ToldClient]) -> ServerBehavior:
        """What the clients of one server were shown together."""
        told = list(told)
        endpoint = endpoint_of(told[0][0])
        before, behavior = self._learned.get(endpoint, ([], NOTHING_KNOWN))
        if list(map(_identity, told)) != list(map(_identity, before)):
            behavior = learn_behavior(told)
            self._learned[endpoint] = told, behavior
        return behavior


def _identity(told: ToldClient) -> tuple[int, int]:
    return id(told[0]), id(told[1])


def endpoint_of(assignment: Assignment) -> str:
    server = assignment.client.server
    return server.endpoints.token or server.endpoints.issuer


def begun(groups: Iterable[RateGroup]) -> list[PlanRunner]:
    return [plan for group in groups for queue in group.queues for plan in queue.begun]


def by_assignment(groups: Iterable[RateGroup]) -> dict[int, tuple[ClientQueue, PlanRunner]]:
    """By the identity of its assignment, every plan that was begun, and whose it is."""
    return {
        id(plan.assignment): (queue, plan)
        for group in groups
        for queue in group.queues
        for plan in queue.begun
    }


def by_endpoint(plans: Iterable[PlanRunner]) -> dict[str, list[PlanRunner]]:
    endpoints: dict[str, list[PlanRunner]] = {}
    for plan in plans:
        endpoints.setdefault(endpoint_of(plan.assignment), []).append(plan)
    return endpoints


def told_to(plan: PlanRunner) -> ToldClient:
    return plan.assignment, plan.told
