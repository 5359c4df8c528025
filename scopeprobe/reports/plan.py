"""What an audit would take, for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scopeprobe.reports.names import Names
from scopeprobe.reports.texts import counted, json_text

_HOURS, _DAYS = 120, 2880
"""Minutes from which on a time is given in hours, and in days."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one strategy takes."""

    requests_expected: int
    requests_at_most: int
    tokens_at_most: int
    minutes: float
    """At the given rates, and with the waits that quotas impose."""
    binds: str
    """The budget that would end it, or else the quota or the rate that it waits for."""


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """What the clients of one server take, by strategy."""

    name: str
    clients: int
    candidates: int
    strategies: Mapping[str, Cost]


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What a fleet takes. `recheck` is there where a finished run can be proved again."""

    servers: tuple[ServerPlan, ...]
    total: Mapping[str, Cost]

    def cost_of(self, strategy: str) -> Cost:
        """A recheck without anything to prove again is `adaptive`."""
        return self.total.get(strategy) or self.total["adaptive"]


def plan_json(plan: FleetPlan) -> str:
    members = {
        "version": 1,
        "servers": [
            {
                "name": server.name,
                "clients": server.clients,
                "candidates": server.candidates,
                "strategies": server.strategies,
            }
            for server in plan.servers
        ],
        "total": {"strategies": plan.total},
    }
    return json_text(members)


def plan_table(plan: FleetPlan) -> RenderableType:
    """Every server and strategy, in 80 columns."""
    table = Table(box=None, pad_edge=False)
    table.add_column("server")
    table.add_column("strategy", no_wrap=True)
    for name in ("requests", "at most", "tokens", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("limited by", overflow="fold")
    names = Names(server.name for server in plan.servers)
    for server in plan.servers:
        for strategy, cost in server.strategies.items():
            table.add_row(names.cell(server.name), *map(Text, (strategy, *_cells(cost))))
    if len(plan.servers) > 1:
        for strategy, cost in plan.total.items():
            table.add_row(*map(Text, ("in all", strategy, *_cells(cost))), style="bold")
    sizes = [
        f"{server.name}: {counted(server.clients, 'client', ',')},"
        f" {counted(server.candidates, 'candidate', ',')}"
        for server in plan.servers
    ]
    return Group(*map(Text, sizes), "", table)


def plan_line(strategy: str, cost: Cost) -> str:
    """The same in one line, before an audit begins."""
    return (
        f"{strategy}: about {counted(cost.requests_expected, 'request', ',')},"
        f" {cost.requests_at_most:,} at most,"
        f" {duration(cost.minutes)} ({cost.binds})"
    )


def _cells(cost: Cost) -> tuple[str, ...]:
    return (
        f"{cost.requests_expected:,}",
        f"{cost.requests_at_most:,}",
        f"{cost.tokens_at_most:,}",
        duration(cost.minutes),
        cost.binds,
    )


def duration(minutes: float) -> str:
    if minutes < 1:
        return "< 1 min"
    if minutes < _HOURS:
        return f"{minutes:.0f} min"
    if minutes < _DAYS:
        return f"{minutes / 60:.1f} h"
    return f"{minutes / 1440:.1f} days"
