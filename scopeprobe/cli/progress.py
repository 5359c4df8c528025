"""Progress on a terminal: a line for each server that is asked, paused or given up."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, cast

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from scopeprobe.cli.streams import OpenTerminal, inert
from scopeprobe.model.events import (
    ClientFinished,
    EndpointLeftAlone,
    EndpointOutOfReach,
    EndpointThrottled,
    Event,
    RequestAnswered,
    RequestRetried,
    RunStarted,
)
from scopeprobe.reports.names import Names
from scopeprobe.reports.plan import FleetPlan, duration
from scopeprobe.reports.texts import counted

MOST_SERVERS = 8
"""Lines; servers that are paused or away go first, and those that are finished have none."""
ENOUGH_TO_MEASURE = 20
"""Requests after which a server's own pace is believed."""
LONG_PAUSE = 60.0
"""Seconds from which on people are told the time at which it ends."""


@dataclass(slots=True)
class ServerProgress:
    """One server of a run: how far it is, and what it waits for."""

    name: str
    expected: int = 0
    seconds: float = 0.0
    """What its rates allow all of that to take."""
    clients: int = 0
    done: int = 0
    finished: int = 0
    """Clients of which nothing more is asked."""
    began: float | None = None
    paused_until: float = 0.0
    because: str = ""
    """Why it is paused."""
    given_up: str = ""

    @property
    def is_over(self) -> bool:
        return bool(self.given_up) or 0 < self.clients <= self.finished

    def seconds_left(self, now: float) -> float:
        """By its rates, or by its own pace where that is slower; a pause comes on top."""
        if self.is_over:
            return 0.0
        each = self.seconds / self.expected if self.expected else 0.0
        if self.began is not None and self.done >= ENOUGH_TO_MEASURE:
            each = max(each, (now - self.began) / self.done)
        return max(self.expected - self.done, 0) * each + max(self.paused_until - now, 0.0)

    def state(self, now: float, clock: datetime) -> str:
        left = self.paused_until - now
        if self.given_up:
            return f"given up: {self.given_up}"
        if left <= 0:
            return "asking" if self.began is not None else "not asked yet"
        if left < LONG_PAUSE:
            return f"paused {left:.0f} s: {self.because}"
        return f"paused until {clock + timedelta(seconds=left):%H:%M}: {self.because}"


class ProgressBar:
    """A few lines on standard error, gone when the run is over. An observer of the run."""

    def __init__(
        self,
        plan: FleetPlan | None,
        strategy: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`plan`: what was expected before; None: nothing was."""
        self._clock = clock
        self._servers: dict[str, ServerProgress] = {}
        for one in () if plan is None else plan.servers:
            cost = one.strategies.get(strategy) or one.strategies["adaptive"]
            self._servers[one.name] = ServerProgress(
                one.name, cost.requests_expected, cost.minutes * 60, one.clients
            )
        self._clients = 0
        self._expected = 0

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._clients, self._expected = event.clients, event.requests_expected
            case RequestAnswered():
                self._answered(self._server(event.server), is_reached=event.status is not None)
            case RequestRetried(status=None):
                self._pause(event.server, event.wait_s, event.detail or event.outcome)
            case ClientFinished():
                self._server(event.server).finished += 1
            case EndpointThrottled():
                asks = "the server asks for that" if event.asked_by_server else "throttled"
                self._pause(event.server, event.wait_s, asks)
            case EndpointOutOfReach():
                self._pause(event.server, event.wait_s, event.detail or "out of reach")
            case EndpointLeftAlone():
                self._server(event.server).given_up = event.detail or event.reason.replace("_", " ")
            case _:
                pass

    def _server(self, name: str) -> ServerProgress:
        return self._servers.setdefault(name, ServerProgress(name))

    def _answered(self, server: ServerProgress, *, is_reached: bool) -> None:
        server.done += 1
        if is_reached:
            server.paused_until = 0.0
        if server.began is None:
            server.began = self._clock()

    def _pause(self, name: str, seconds: float, because: str) -> None:
        server = self._server(name)
        server.paused_until, server.because = self._clock() + seconds, because

    def table(self) -> Table:
        """What is shown now."""
        now, clock = self._clock(), datetime.now().astimezone()
        servers = list(self._servers.values())
        busy = sorted(
            (one for one in servers if one.given_up or not one.is_over),
            key=lambda one: not (one.given_up or one.paused_until > now),
        )
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column()
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for _ in range(2):
            table.add_column(justify="right", no_wrap=True)
        names = Names(inert(one.name) for one in servers)
        for one in busy[:MOST_SERVERS]:
            amount = f"{one.done:,}/{one.expected:,}" if one.expected else f"{one.done:,}"
            is_waiting = one.given_up or one.paused_until > now
            table.add_row(
                names.cell(inert(one.name)),
                Text(inert(one.state(now, clock)), "yellow" if is_waiting else ""),
                amount,
                "" if one.is_over else _left(one.seconds_left(now)),
            )
        table.add_row(*self._whole(servers, len(busy) - MOST_SERVERS, now), style="bold")
        return table

    def _whole(
        self, servers: list[ServerProgress], hidden: int, now: float
    ) -> tuple[str, str, str, str]:
        finished = sum(one.finished for one in servers)
        more = f"and {counted(hidden, 'server')} more; " if hidden > 0 else ""
        done = sum(one.done for one in servers)
        left = max((one.seconds_left(now) for one in servers), default=0.0)
        clients = f"{more}{finished} of {counted(self._clients, 'client')}"
        return "in all", clients, f"{done:,}/{self._expected:,}", _left(left)

    @contextmanager
    def running(self) -> Iterator[None]:
        console = Console(file=cast("IO[str]", OpenTerminal(sys.stderr)))
        with Live(get_renderable=self.table, console=console, transient=True):
            yield


def _left(seconds: float) -> str:
    return f"{duration(seconds / 60)} left"
