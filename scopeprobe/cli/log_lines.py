"""One line of a log: for machines as JSON, for people as words."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from msgspec.structs import asdict

from scopeprobe.model.events import Event

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
_IN_WORDS = {
    "client_left_alone": "no more attempts",
    "endpoint_left_alone": "no more attempts",
    "endpoint_throttled": "throttled",
    "endpoint_out_of_reach": "out of reach",
}
"""What people read in the place of an event's code, which says more to programs."""
_NAMES = {DEBUG: "debug", INFO: "info", WARNING: "warning", ERROR: "error"}

_encode = json.JSONEncoder(ensure_ascii=False, default=repr).encode


class LogLine(NamedTuple):
    """
    What happened and when (epoch, seconds): time, level and event come first.

    Who writes the line takes the event apart: not the event loop, which was told of it.
    """

    at: float
    level: int
    event: str
    facts: Event | Mapping[str, object]

    def as_json(self) -> str:
        moment = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="microseconds")
        return _encode(self._members(moment.replace("+00:00", "Z"), self.event))

    def as_text(self) -> str:
        words = _IN_WORDS.get(self.event, self.event.replace("_", " "))
        members = self._members(time.strftime("%H:%M:%S", time.localtime(self.at)), words)
        line: str = _renderer()(None, "", members)
        return line

    def _members(self, timestamp: str, event: str) -> dict[str, object]:
        named = {"timestamp": timestamp, "level": _NAMES[self.level], "event": event}
        return {**named, **_fields(self.facts)}


def _fields(facts: Event | Mapping[str, object]) -> Mapping[str, object]:
    if isinstance(facts, Mapping):
        return facts
    fields = asdict(facts)
    if "scopes" in fields:
        fields["scopes"] = None if fields["scopes"] is None else " ".join(fields["scopes"])
    return fields


@cache
def _renderer() -> Any:  # noqa: ANN401 - structlog's own types
    import structlog.dev  # noqa: PLC0415 - JSON needs none of it

    return structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False)
