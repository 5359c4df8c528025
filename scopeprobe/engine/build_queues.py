"""Sort assignments into rate groups, and in each into a queue for every client."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import groupby

from scopeprobe.engine.budgets import Budgets
from scopeprobe.engine.client_queue import ClientQueue, OpenExchange
from scopeprobe.engine.lockout import Counts, LockoutGuard, Registration
from scopeprobe.engine.plan_runner import PlanRunner
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.engine.rate_limit import RateLimiter
from scopeprobe.engine.retry import QUESTION, RetryPolicy
from scopeprobe.model.assignment import Assignment, Strategy
from scopeprobe.model.client import Client, ClientName, Target
from scopeprobe.model.failed_authentication import may_be_failed_authentication
from scopeprobe.model.journal import KnownFacts
from scopeprobe.model.question import AS_CONFIGURED, RequestChange
from scopeprobe.model.rate import Rate
from scopeprobe.oauth.assertions import Clock, wall_clock
from scopeprobe.oauth.exchange import TokenHandling, exchanges
from scopeprobe.oauth.request_changes import changed

DEFAULT_SPACING, DEFAULT_CLIENT_SPACING = Rate(5, 1), Rate(2, 1)


def build_queues(
    assignments: Iterable[Assignment],
    strategy: Strategy,
    *,
    known: KnownFacts,
    budgets: Budgets,
    token_handling: dict[str, TokenHandling],
    held: Collection[ClientName] = (),
    retry_policy: RetryPolicy = QUESTION,
    counts: Counts = may_be_failed_authentication,
    clock: Callable[[], float] = time.monotonic,
    now: Clock = wall_clock,
) -> list[RateGroup]:
    """
    Return the rate groups of a run.

    `token_handling` is filled with what becomes of tokens, by token endpoint.

    The clients that are `held` begin once they are released.
    """
    assignments = list(assignments)
    clients = {assignment.client.name: assignment for assignment in assignments}
    guards = _guards(clients.values(), known, counts)
    builder = _Builder(
        strategy, known, budgets, guards, token_handling, held, retry_policy, clock, now
    )
    groups: dict[str, str] = {}

    def group_of(assignment: Assignment) -> str:
        """Servers that name one endpoint share a group, whatever groups they name."""
        server = assignment.client.server
        return groups.setdefault(server.endpoints.token, server.group)

    by_group = sorted(assignments, key=group_of)
    return [builder.group(group, list(members)) for group, members in groupby(by_group, group_of)]


@dataclass(frozen=True, slots=True)
class _Builder:
    strategy: Strategy
    known: KnownFacts
    budgets: Budgets
    guards: Mapping[ClientName, LockoutGuard]
    token_handling: dict[str, TokenHandling]
    held: Collection[ClientName]
    retry_policy: RetryPolicy
    clock: Callable[[], float]
    now: Clock

    def handling_of(self, client: Client) -> TokenHandling:
        return self.token_handling.setdefault(client.server.endpoints.token, TokenHandling())

    def group(self, group: str, members: Sequence[Assignment]) -> RateGroup:
        """Where servers of one group differ, the stricter holds."""
        clients = {assignment.client.name: assignment.client for assignment in members}
        servers = {client.server.name: client.server for client in clients.values()}.values()
        rates = {rate for server in servers for rate in server.limits.rates}
        allowance = self.known.allowance(group)
        return RateGroup(
            group,
            [
                self.queue(client, [member for member in members if member.client is client])
                for client in clients.values()
            ],
            limiter=self.limiter(
                sorted(rates, key=str),
                DEFAULT_SPACING,
                group,
                burst=min(server.limits.burst for server in servers),
            ),
            in_flight=min(server.limits.in_flight for server in servers),
            max_pause=self.budgets.max_pause,
            clock=self.clock,
            paused_until=self.on_the_clock(allowance.paused_until),
        )

    def queue(self, client: Client, members: Sequence[Assignment]) -> ClientQueue:
        plans = (
            PlanRunner(member, self.strategy, self.known.facts_of(member)) for member in members
        )
        return ClientQueue(
            client,
            plans,
            {member.target.label: self.exchanges(client, member.target) for member in members},
            limiter=self.limiter(
                client.server.limits.spendable_client_rates,
                DEFAULT_CLIENT_SPACING,
                quota_of(client),
            ),
            guard=self.guards[client.name],
            most_requests=self.budgets.max_requests_per_client,
            retry_policy=self.retry_policy,
            is_held=client.name in self.held,
        )

    def exchanges(self, client: Client, target: Target) -> OpenExchange:
        """Return what opens exchanges; changed questions are those of a changed client."""
        handling = self.handling_of(client)

        @cache
        def opener(change: RequestChange) -> OpenExchange:
            now, shift = self.now, timedelta(seconds=change.clock_shift)
            return exchanges(
                *changed(client, target, change),
                handling=handling,
                now=(lambda: now() + shift) if shift else now,
            )

        @cache
        def usual() -> OpenExchange:
            return opener(AS_CONFIGURED)

        return lambda question: (
            usual() if question.change is AS_CONFIGURED else opener(question.change)
        )(question)

    def limiter(
        self, rates: Sequence[Rate], spacing: Rate, quota: str, burst: int = 1
    ) -> RateLimiter:
        spent = map(self.on_the_clock, self.known.allowance(quota).spent_at)
        return RateLimiter(rates, now=self.clock(), spacing=spacing, burst=burst, spent=spent)

    def on_the_clock(self, wall: float) -> float:
        """A wall time (epoch) as a reading of the run's own clock."""
        return wall - time.time() + self.clock()


def _guards(
    entries: Iterable[Assignment], known: KnownFacts, counts: Counts
) -> dict[ClientName, LockoutGuard]:
    """
    Who watches over each client's credentials.

    Entries with the same credentials share a guard. Entries that give one client several secrets
    share its tries: a server counts failures by `client_id`. A client whose credentials were
    accepted for nothing last night gets one try.
    """
    secrets: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    entries = list(entries)
    for entry in entries:
        secrets[_registered_at(entry.client)].add(_revealed(entry.client))
    registrations = dict(zip(secrets, _registrations(secrets, known), strict=True))
    guards: dict[tuple[str, str, str], LockoutGuard] = {}
    found = {}
    for entry in entries:
        place, secret = _registered_at(entry.client), _revealed(entry.client)
        limit = entry.client.server.limits.max_auth_failures
        tries = 1 if entry.was_unauthenticated else max(limit // len(secrets[place]), 1)
        if len(secrets[place]) == 1:
            tries -= registrations[place].remembered
        if (*place, secret) not in guards:
            guards[*place, secret] = LockoutGuard(
                registrations[place], tries=tries, limit=limit, counts=counts
            )
        found[entry.client.name] = guards[*place, secret]
    return found


def _registrations(places: Iterable[tuple[str, str]], known: KnownFacts) -> Iterator[Registration]:
    """With what is remembered of them: without the query of the URL, which may hold a key."""
    names: Counter[str] = Counter()
    for endpoint, client_id in places:
        name = registration_of(endpoint, client_id)
        names[name] += 1
        name = name if names[name] == 1 else f"{name} {names[name]}"
        failures = known.failures_of(name)
        yield Registration(name, remembered=failures, stored=failures)


def registration_of(endpoint: str, client_id: str) -> str:
    """The name under which failed authentications are remembered."""
    return f"{endpoint.partition('?')[0]} {client_id}"


def _registered_at(client: Client) -> tuple[str, str]:
    """What an authorization server knows a client by: its token endpoint, and `client_id`."""
    return client.server.endpoints.token, client.client_id


def _revealed(client: Client) -> str:
    return client.secret.reveal() if client.secret else ""


def quota_of(client: Client) -> str:
    """The name under which a client's own quota is remembered."""
    return f"{client.server.group} {client.client_id}"
