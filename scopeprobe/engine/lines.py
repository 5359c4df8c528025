"""Sort assignments into lines: one a rate group, and in it a lane for every client."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from scopeprobe.engine.conversation import Conversation
from scopeprobe.engine.guard import CredentialGuard, Endpoint
from scopeprobe.engine.lane import Lane
from scopeprobe.engine.line import Line
from scopeprobe.engine.pace import Gate
from scopeprobe.model.clients import Client, Rate
from scopeprobe.model.memory import Memory
from scopeprobe.model.plans import Assignment, Strategy
from scopeprobe.oauth.exchange import exchanges

DEFAULT_SPACING, DEFAULT_CLIENT_SPACING = Rate(5, 1), Rate(2, 1)


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of one invocation; None sets no bound."""

    max_requests: int | None = None
    max_requests_per_client: int | None = None
    max_tokens: int | None = None
    max_time: float | None = None
    """Seconds after which nothing more is sent."""
    max_pause: float = 900.0
    """Seconds: a longer pause ends a server's open cells instead of hanging the run."""
    max_failed_clients: int = 20
    """Clients of one server that fail to authenticate, after which it is left alone."""
    in_air: int = 256
    """Requests in flight to all servers together."""


def lines_for(
    assignments: Iterable[Assignment],
    strategy: Strategy,
    *,
    memory: Memory,
    limits: Limits,
    tries: Callable[[Client], int],
    clock: Callable[[], float] = time.monotonic,
) -> list[Line]:
    """Lay out a run. `tries` says how many failed authentications a client may start with."""
    builder = _Builder(strategy, memory, limits, tries, clock, defaultdict(Endpoint))
    by_group = sorted(assignments, key=lambda assignment: assignment.client.server.group)
    return [
        builder.line(group, list(members))
        for group, members in groupby(by_group, lambda assignment: assignment.client.server.group)
    ]


@dataclass(frozen=True, slots=True)
class _Builder:
    strategy: Strategy
    memory: Memory
    limits: Limits
    tries: Callable[[Client], int]
    clock: Callable[[], float]
    endpoints: defaultdict[str, Endpoint]

    def line(self, group: str, members: Sequence[Assignment]) -> Line:
        """Where servers of one group differ, the stricter holds."""
        clients = {assignment.client.name: assignment.client for assignment in members}
        servers = {client.server.name: client.server for client in clients.values()}.values()
        rates = {rate for server in servers for rate in server.rates}
        allowance = self.memory.allowance(group)
        return Line(
            group,
            [
                self.lane(client, [member for member in members if member.client is client])
                for client in clients.values()
            ],
            gate=self.gate(
                sorted(rates, key=str),
                DEFAULT_SPACING,
                group,
                burst=min(server.burst for server in servers),
            ),
            in_flight=min(server.in_flight for server in servers),
            max_pause=self.limits.max_pause,
            clock=self.clock,
            paused_until=self.on_the_clock(allowance.paused_until),
        )

    def lane(self, client: Client, members: Sequence[Assignment]) -> Lane:
        conversations = (
            Conversation(member, self.strategy, self.memory.facts_of(member)) for member in members
        )
        return Lane(
            client,
            conversations,
            {member.target: exchanges(client, member.target) for member in members},
            gate=self.gate(client.server.client_rates, DEFAULT_CLIENT_SPACING, quota_of(client)),
            guard=CredentialGuard(
                self.endpoints[client.server.token_endpoint],
                tries=self.tries(client),
                limit=client.server.max_auth_failures,
                canary=client.canary,
            ),
            most_requests=self.limits.max_requests_per_client,
        )

    def gate(self, rates: Sequence[Rate], spacing: Rate, quota: str, burst: int = 1) -> Gate:
        spent = map(self.on_the_clock, self.memory.allowance(quota).spent_at)
        return Gate(rates, now=self.clock(), spacing=spacing, burst=burst, spent=spent)

    def on_the_clock(self, wall: float) -> float:
        """A wall time (epoch) as a reading of the run's own clock."""
        return wall - time.time() + self.clock()


def quota_of(client: Client) -> str:
    """The name under which a client's own quota is remembered."""
    return f"{client.server.group} {client.client_id}"
