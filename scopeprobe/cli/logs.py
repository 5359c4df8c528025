"""Structured logs: constant event names, the facts as fields. An observer of the run."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TextIO

from scopeprobe.cli.log_file import LogFile
from scopeprobe.cli.log_lines import DEBUG, INFO, WARNING, LogLine
from scopeprobe.cli.streams import say
from scopeprobe.model.events import (
    EndpointOutOfReach,
    EndpointThrottled,
    Event,
    RequestAnswered,
    RunStarted,
)

SECONDS_BETWEEN_PROGRESS = 30.0

_LEVELS = {
    "client_started": DEBUG,
    "request_answered": DEBUG,
    "request_retried": DEBUG,
    "endpoint_throttled": WARNING,
    "endpoint_out_of_reach": WARNING,
    "endpoint_left_alone": WARNING,
    "client_left_alone": WARNING,
}


class LogFormat(StrEnum):
    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"

    def resolved(self, stream: TextIO) -> LogFormat:
        """What `auto` means for a stream: `console` on a terminal, `json` elsewhere."""
        if self is not LogFormat.AUTO:
            return self
        return LogFormat.CONSOLE if stream.isatty() else LogFormat.JSON


class LogObserver:
    """
    Writes events from a level up to standard error, and all of them to the log file.

    People are told once that a server throttles or is away, and in the end how often it did.
    """

    def __init__(self, log_format: LogFormat, level: int, file: LogFile | None) -> None:
        self._level = level
        self._is_for_people = log_format.resolved(sys.stderr) is LogFormat.CONSOLE
        self._told: set[tuple[str, str]] = set()
        self._file = file

    def __call__(self, event: Event) -> None:
        level = _LEVELS.get(event.name, INFO)
        if self._is_for_people and isinstance(event, EndpointThrottled | EndpointOutOfReach):
            level = DEBUG if (event.name, event.server) in self._told else level
            self._told.add((event.name, event.server))
        self._write(LogLine(time.time(), level, event.name, event))

    def log(self, level: int, name: str, **fields: object) -> None:
        self._write(LogLine(time.time(), level, name, fields))

    def record(self, level: int, name: str, **fields: object) -> None:
        """Write to the log file alone: people are told otherwise."""
        if self._file is not None:
            self._file.put(LogLine(time.time(), level, name, fields))

    def _write(self, line: LogLine) -> None:
        if line.level >= self._level:
            say(line.as_text() if self._is_for_people else line.as_json())
        if self._file is not None:
            self._file.put(line)


class ProgressLog:
    """Where no terminal shows progress: one `progress` event every 30 seconds."""

    def __init__(self, logs: LogObserver) -> None:
        self._logs = logs
        self._expected = 0
        self._done = 0

    def __call__(self, event: Event) -> None:
        match event:
            case RequestAnswered():
                self._done += 1
            case RunStarted():
                self._expected = event.requests_expected
            case _:
                pass

    @contextmanager
    def running(self) -> Iterator[None]:
        over = threading.Event()

        def tick() -> None:
            while not over.wait(SECONDS_BETWEEN_PROGRESS):
                self._logs.log(INFO, "progress", done=self._done, expected=self._expected)

        thread = threading.Thread(target=tick, name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
