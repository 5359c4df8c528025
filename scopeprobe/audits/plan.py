"""Estimate what an audit would take: requests, tokens, time, and what limits it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

from scopeprobe.audits.assignments import PreviousMaps, assignments_of
from scopeprobe.audits.rounds import PILOTS
from scopeprobe.engine.budgets import Budgets
from scopeprobe.engine.build_queues import DEFAULT_CLIENT_SPACING, DEFAULT_SPACING, quota_of
from scopeprobe.engine.rate_limit import gap_of, is_spaced
from scopeprobe.inputs import Fleet
from scopeprobe.model.assignment import Assignment, Proof
from scopeprobe.model.client import Client
from scopeprobe.model.journal import NOTHING_USED, Allowance
from scopeprobe.model.rate import Rate
from scopeprobe.model.server import Server
from scopeprobe.reports.plan import Cost, FleetPlan, ServerPlan
from scopeprobe.store import StoredRuns
from scopeprobe.strategies import STRATEGIES
from scopeprobe.strategies.estimates import Estimate, total

Allowances: TypeAlias = Mapping[str, Allowance]


@dataclass(frozen=True, slots=True)
class _Wait:
    """Seconds, and the rate or quota that makes one wait."""

    seconds: float
    on: str
    is_quota: bool = False


def plan(fleet: Fleet, limits: Budgets, out: Path, proof: Proof = Proof.SAFE) -> FleetPlan:
    """
    Estimate every strategy, with what the runs of `out` left: maps, and quotas spent.

    Raises InputError where the folder's database cannot be used.
    """
    with StoredRuns.read_if_any(out) as store:
        previous_maps = PreviousMaps() if store is None else PreviousMaps.before(math.inf, store)
        spent: Allowances = {} if store is None else store.allowances()
        names = [
            name for name, entry in STRATEGIES.items() if previous_maps.maps or not entry.needs_maps
        ]
        assignments = list(assignments_of(fleet, previous_maps, proof))
        by_server = sorted(assignments, key=lambda a: a.client.server.name)
        servers = []
        for name, members in groupby(by_server, lambda a: a.client.server.name):
            asked = list(members)
            servers.append(
                ServerPlan(
                    name=name,
                    clients=len({assignment.client.name for assignment in asked}),
                    candidates=sum(len(assignment.candidates) for assignment in asked),
                    strategies={s: _cost(s, asked, limits, spent) for s in names},
                )
            )
        return FleetPlan(tuple(servers), {s: _cost(s, assignments, limits, spent) for s in names})


def _cost(
    strategy: str, assignments: Sequence[Assignment], limits: Budgets, spent: Allowances
) -> Cost:
    entry = STRATEGIES[strategy]
    by_client: dict[Client, list[Estimate]] = {}
    for assignment in assignments:
        by_client.setdefault(assignment.client, []).append(entry.estimate(assignment))
    needs = {client: total(estimates) for client, estimates in by_client.items()}
    whole = total(needs.values())
    waits = [
        *_waits_of_groups(needs, spent),
        *_waits_of_clients(needs, spent, in_rounds=entry.learns),
    ]
    longest = max(waits, key=lambda wait: (wait.is_quota, wait.seconds), default=_Wait(0.0, ""))
    seconds = max((wait.seconds for wait in waits), default=0.0)
    budgets = _budgets_spent(needs, whole, limits, seconds)
    return Cost(
        requests_expected=round(whole.requests_expected),
        requests_at_most=whole.requests_at_most,
        tokens_at_most=whole.tokens_at_most,
        minutes=round(seconds / 60, 1),
        binds=next(budgets, longest.on),
    )


def _budgets_spent(
    needs: Mapping[Client, Estimate], whole: Estimate, limits: Budgets, seconds: float
) -> Iterator[str]:
    """The budgets that would end the run before all is asked."""
    if limits.max_requests is not None and whole.requests_expected > limits.max_requests:
        yield f"--max-requests {limits.max_requests}"
    if limits.max_tokens is not None and whole.tokens_at_most > limits.max_tokens:
        yield f"--max-tokens {limits.max_tokens}"
    most = limits.max_requests_per_client
    if most is not None and any(need.requests_expected > most for need in needs.values()):
        yield f"--max-requests-per-client {most}"
    if limits.max_time is not None and seconds > limits.max_time:
        yield f"--max-time {limits.max_time:g}s"


def _waits_of_groups(needs: Mapping[Client, Estimate], spent: Allowances) -> Iterator[_Wait]:
    """The wait of each rate group: its servers share their permits."""
    groups: dict[str, list[Client]] = {}
    for client in needs:
        groups.setdefault(client.server.group, []).append(client)
    for group, clients in groups.items():
        rates = {rate for server in _servers(clients) for rate in server.limits.rates}
        requests = sum(needs[client].requests_expected for client in clients)
        used = spent.get(group, NOTHING_USED)
        yield from _waits(requests, sorted(rates, key=str), DEFAULT_SPACING, used, "")


def _waits_of_clients(
    needs: Mapping[Client, Estimate], spent: Allowances, *, in_rounds: bool
) -> Iterator[_Wait]:
    """The wait of the clients of each server: side by side, or the others after the pilots."""
    by_server: dict[str, list[_Wait]] = {}
    for client, need in needs.items():
        rates = client.server.limits.spendable_client_rates
        allowance = spent.get(quota_of(client), NOTHING_USED)
        waits = list(
            _waits(
                need.requests_expected, rates, DEFAULT_CLIENT_SPACING, allowance, " for one client"
            )
        )
        endpoints = client.server.endpoints
        by_server.setdefault(endpoints.token or endpoints.issuer, []).append(
            max(waits, key=lambda wait: wait.seconds)
        )
    for waits in by_server.values():
        first = PILOTS if in_rounds else len(waits)
        longest = max(waits, key=lambda wait: (wait.is_quota, wait.seconds))
        seconds = sum(
            max((wait.seconds for wait in part), default=0.0)
            for part in (waits[:first], waits[first:])
        )
        yield _Wait(seconds, longest.on, longest.is_quota)


def _waits(
    requests: float, rates: Sequence[Rate], spacing: Rate, allowance: Allowance, whose: str
) -> Iterator[_Wait]:
    """The waits between requests by the strictest rate, and until quotas are free again."""
    now = time.time()
    gap = gap_of(rates, spacing)
    spaced = [rate for rate in rates if is_spaced(rate)] or [spacing]
    strictest = max(spaced, key=lambda rate: rate.seconds / rate.count)
    pause = max(allowance.paused_until - now, 0.0)
    yield _Wait(pause + max(requests - 1, 0.0) * gap, f"{strictest}{whose}")
    for quota in rates:
        if is_spaced(quota):
            continue
        used = sum(at > now - quota.seconds for at in allowance.spent_at)
        beyond = math.ceil(requests) - max(quota.count - used, 0)
        if beyond > 0:
            windows = math.ceil(beyond / quota.count)
            yield _Wait(windows * quota.seconds, f"{quota}{whose}", is_quota=True)


def _servers(clients: Iterable[Client]) -> list[Server]:
    return list({client.server.name: client.server for client in clients}.values())
