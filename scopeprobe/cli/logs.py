"""Structured logs: constant event names, the facts as fields. An observer of the run."""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict

from scopeprobe.cli.streams import STANDARD_ERROR, say
from scopeprobe.errors import InputError
from scopeprobe.model.events import (
    EndpointOutOfReach,
    EndpointThrottled,
    Event,
    RequestAnswered,
    RunStarted,
)

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
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
_IN_WORDS = {
    "client_left_alone": "no more attempts",
    "endpoint_left_alone": "no more attempts",
    "endpoint_throttled": "throttled",
    "endpoint_out_of_reach": "out of reach",
}
"""What people read in the place of an event's code, which says more to programs."""
_NAMES = {DEBUG: "debug", INFO: "info", WARNING: "warning", ERROR: "error"}


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
        self._standard_error = _logger(STANDARD_ERROR, log_format.resolved(sys.stderr))
        self._is_for_people = log_format.resolved(sys.stderr) is LogFormat.CONSOLE
        self._told: set[tuple[str, str]] = set()
        self._file = None if file is None else _logger(file, LogFormat.JSON)

    def __call__(self, event: Event) -> None:
        level = _LEVELS.get(event.name, INFO)
        if self._is_for_people and isinstance(event, EndpointThrottled | EndpointOutOfReach):
            level = DEBUG if (event.name, event.server) in self._told else level
            self._told.add((event.name, event.server))
        self.log(level, event.name, **_fields(event))

    def log(self, level: int, name: str, **fields: object) -> None:
        if level >= self._level:
            self._standard_error.msg(name, level=_NAMES[level], **fields)
        self.record(level, name, **fields)

    def record(self, level: int, name: str, **fields: object) -> None:
        """Write to the log file alone: people are told otherwise."""
        if self._file is not None:
            self._file.msg(name, level=_NAMES[level], **fields)


class ProgressLog:
    """Where no terminal shows progress: one `progress` event every 30 seconds."""

    def __init__(self, logs: LogObserver) -> None:
        self._logs = logs
        self._expected = 0
        self._done = 0

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._expected = event.requests_expected
            case RequestAnswered():
                self._done += 1
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


class LogFile:
    """A file that lines are appended to, as long as that can be done: the run is worth more."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._is_lost = False

    def write(self, text: str) -> None:
        if self._is_lost:
            return
        content = text.encode(errors="replace")
        try:
            while content:
                content = content[os.write(self._descriptor, content) :]
        except OSError as error:
            self._is_lost = True
            say(
                f"notice: --log-file {self._path}: {error.strerror}; the run goes on, and nothing"
                " more is logged there"
            )

    def flush(self) -> None:
        """Nothing is held back."""


@contextmanager
def log_file(path: Path | None) -> Iterator[LogFile | None]:
    """Open the log file for appending, readable by its owner alone."""
    if path is None:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError([f"--log-file {path}: {error.strerror}"]) from error
    try:
        is_ours = os.fstat(descriptor).st_uid == os.geteuid()
        if is_ours and stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)
        yield LogFile(path, descriptor)
    finally:
        os.close(descriptor)


def _fields(event: Event) -> dict[str, object]:
    fields = asdict(event)
    if "scopes" in fields:
        fields["scopes"] = None if fields["scopes"] is None else " ".join(fields["scopes"])
    return fields


def _in_order(_logger: object, _method: str, fields: EventDict) -> EventDict:
    """Time, level and event come first."""
    first = {name: fields.pop(name) for name in ("timestamp", "level", "event")}
    return {**first, **fields}


def _in_words(_logger: object, _method: str, fields: EventDict) -> EventDict:
    name = fields["event"]
    return {**fields, "event": _IN_WORDS.get(name, name.replace("_", " "))}


def _logger(stream: Any, log_format: LogFormat) -> Any:  # noqa: ANN401 - structlog's own types
    renderer: Any
    words: tuple[Any, ...] = ()
    if log_format is LogFormat.JSON:
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        words = (_in_words,)
        stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
        renderer = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False)
    return structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[stamp, _in_order, *words, renderer],
        wrapper_class=structlog.BoundLogger,
    )
