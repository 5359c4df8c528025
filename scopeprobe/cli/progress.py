"""Progress on a terminal: requests done, rate, time left. An observer of the run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from scopeprobe.cli.streams import OpenTerminal
from scopeprobe.model.events import (
    ClientFinished,
    EndpointOutOfReach,
    EndpointThrottled,
    Event,
    RequestAnswered,
    RunStarted,
)


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:.1f}/s")


class ProgressBar:
    """One line on standard error, gone when the run is over."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _RateColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(file=cast("IO[str]", OpenTerminal(sys.stderr))),
            transient=True,
        )
        self._task = self._progress.add_task("requests", total=None)
        self._clients = 0
        self._finished = 0

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._clients = event.clients
                self._progress.update(self._task, total=event.requests_expected)
            case RequestAnswered():
                self._progress.advance(self._task)
            case ClientFinished():
                self._finished += 1
                self._describe(f"{self._finished}/{self._clients} clients")
            case EndpointThrottled():
                self._describe(f"{event.server} paused {event.wait_s:.0f} s")
            case EndpointOutOfReach():
                self._describe(f"{event.server} out of reach, tried again in {event.wait_s:.0f} s")
            case _:
                pass

    def _describe(self, text: str) -> None:
        self._progress.update(self._task, description=text)

    @contextmanager
    def running(self) -> Iterator[None]:
        with self._progress:
            yield
