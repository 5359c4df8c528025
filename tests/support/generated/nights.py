"""Generated servers, audited as a user would, night after night."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest.mock import patch

import anyio
from generated.servers import Case
from generated.truth import name_fault
from generated.wire import SECRET, Failures, Heard, Host, serving
from harness import Entry, write_inputs

from scopeprobe.audits.audit import Result, audit
from scopeprobe.audits.order import Audit, Resume
from scopeprobe.engine.budgets import Budgets
from scopeprobe.inputs import Fleet, Overrides, read_clients
from scopeprobe.model.provider import Verify

STRATEGIES = ("each", "adaptive", "recheck")
INTERRUPTED = {("each", 1), ("adaptive", 0), ("adaptive", 2), ("recheck", 1)}
"""Audits that stop twice in the middle, and are gone on with: strategy and night."""
SHARE_OF_CELLS = 0.4
"""How many requests an interrupted audit sends, of its cells."""
FAST = 'rate = "9000/s"\nclient_rate = "9000/s"\nin_flight = 8\n'
MOST_FAILURES = 3
"""Failed authentications in a row, the default of `--max-auth-failures`."""


@dataclass(frozen=True)
class Audited:
    """A cell as one audit judged it."""

    case: Case
    strategy: str
    night: int
    client: int
    audience: int
    scope: str
    verdict: str
    reason: str
    was_withheld: bool
    """In this audit, a client with good credentials was seen to be withheld a scope."""

    @property
    def fault(self) -> str:
        """What is wrong with the verdict; empty where it is honest."""
        server, cell = self.case.nights[self.night], (self.client, self.audience, self.scope)
        return name_fault(server, cell, self.verdict, was_withheld=self.was_withheld)

    @property
    def is_false(self) -> bool:
        return self.verdict != "unknown" and self.fault.startswith("false")

    def __str__(self) -> str:
        place = f"c{self.client}/{self.audience} {self.scope}"
        return f"{place}: {self.verdict} {self.reason}" + (
            f" <-- {self.fault}" if self.fault else ""
        )


@dataclass
class Found:
    """What audits of generated servers came to."""

    cells: list[Audited] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    """By strategy."""
    failures: dict[Case, Failures] = field(default_factory=dict)
    """By case, those of the client that had most of them."""
    heard: dict[tuple[str, str, int], list[Heard]] = field(default_factory=dict)
    """By case, strategy and night, all requests."""


@contextmanager
def without_long_waits() -> Iterator[None]:
    """Back-off of a moment: how long is waited after a fault proves nothing here."""
    with patch.multiple("scopeprobe.engine.retry", FIRST_BACKOFF=0.002, LONGEST_BACKOFF=0.01):
        yield


def audited(cases: Sequence[Case], folder: Path, strategies: Iterable[str] = STRATEGIES) -> Found:
    """Audit all servers at once: by each strategy, over all nights, some audits interrupted."""
    with without_long_waits():
        return anyio.run(_audited, cases, folder, tuple(strategies))


async def _audited(cases: Sequence[Case], folder: Path, strategies: Iterable[str]) -> Found:
    found = Found()
    async with serving(cases) as (url, hosts):
        for number, group in enumerate(_groups(cases)):
            fleet = _fleet_of(group, url, folder)
            grouped = [hosts[case.name] for case in group]
            for strategy in strategies:
                order = Audit(fleet, folder / f"{number}-{strategy}", strategy=strategy, fail_on=())
                for night in range(len(group[0].nights)):
                    await _night(found, grouped, order, night)
        found.failures = {host.case: host.worst for host in hosts.values()}
    return found


def _groups(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """Servers that share an audit: tokens of all of them are introspected, or of none."""
    groups: dict[tuple[bool, int], list[Case]] = {}
    for case in cases:
        kind = case.manner.place == "introspection", len(case.nights)
        groups.setdefault(kind, []).append(case)
    yield from groups.values()


def _fleet_of(cases: Sequence[Case], url: str, folder: Path) -> Fleet:
    """What an inputs file of these servers says."""
    (clients_file,), environment = write_inputs(folder, *_inputs(cases, url))
    introspects = cases[0].manner.place == "introspection"
    verify = Verify.INTROSPECT if introspects else None
    return read_clients([clients_file], overrides=Overrides(verify=verify), environment=environment)


async def _night(found: Found, hosts: Sequence[Host], order: Audit, night: int) -> None:
    """One audit; where it is to be interrupted, it is stopped twice and gone on with."""
    for host in hosts:
        host.begin(night, order.strategy)
    if (order.strategy, night) in INTERRUPTED:
        most = int(SHARE_OF_CELLS * sum(host.case.cells for host in hosts)) + 1
        for _ in range(2):
            await audit(replace(order, limits=Budgets(max_requests=most)))
            order = replace(order, resume=Resume.MUST)
    result = await audit(order)
    assert result.stopped_by is None
    found.cells += _judged(hosts, result, order.strategy, night)
    for host in hosts:
        found.heard[host.case.name, order.strategy, night] = list(host.heard)
        found.requests[order.strategy] += len(host.heard)


def _inputs(cases: Sequence[Case], url: str) -> tuple[dict[str, str], list[Entry]]:
    """The servers and the clients of an inputs file."""
    servers, entries = {}, []
    for case in cases:
        first = case.nights[0]
        settings = f'token_endpoint = "{url}/{case.name}/token"\nrate_group = "{case.name}"\n{FAST}'
        if first.manner.place == "introspection":
            settings += f'introspection_endpoint = "{url}/{case.name}/introspect"\n'
        servers[case.name] = f"{settings}scopes = {list(first.candidates)}\n"
        targets = ""
        if first.manner.audiences > 1:
            names = [f"https://api.example/{n}" for n in range(first.manner.audiences)]
            targets = "".join(f'[[clients.targets]]\naudience = "{name}"\n' for name in names)
        entries += [
            Entry(case.client_name(n), case.name, secret=SECRET, extra=targets)
            for n in range(len(first.clients))
        ]
    return servers, entries


def _judged(hosts: Sequence[Host], result: Result, strategy: str, night: int) -> Iterator[Audited]:
    by_client = {
        host.case.client_name(n): (host.case, n, host.has_withheld)
        for host in hosts
        for n in range(len(host.server.clients))
    }
    for cell in result.cells:
        case, client, was_withheld = by_client[cell.client]
        if cell.scope in case.nights[night].candidates:
            yield Audited(
                case,
                strategy,
                night,
                client,
                audience=int(cell.audience[-1]) if cell.audience else 0,
                scope=cell.scope,
                verdict=cell.verdict.value,
                reason=cell.reason.value,
                was_withheld=was_withheld,
            )
