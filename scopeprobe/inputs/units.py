"""Rates, durations and hours as people write them: `300/min`, `15s`, `22:00-02:00`."""

from __future__ import annotations

import math
import re
from datetime import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scopeprobe.model.quiet_hours import QuietHours
from scopeprobe.model.rate import Rate, parse_rate

DURATION = re.compile(r"(?P<amount>[0-9]{1,9}(?:\.[0-9]{1,9})?)(?P<unit>ms|s|m|h)")
HOURS = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)(?: ([A-Za-z0-9_+/-]{1,64}))?")
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def parse_rates(value: object) -> tuple[Rate, ...]:
    """Read one rate, or a list of rates that all hold."""
    match value:
        case [_, *_]:
            return tuple(map(parse_rate, value))
        case []:
            raise ValueError("must name at least one rate, such as 5/s")
        case _:
            return (parse_rate(value),)


def parse_duration(value: object) -> float:
    """Read seconds: `500ms`, `15s`, `2m`, `2h`, or a number of seconds."""
    match value:
        case str() if written := DURATION.fullmatch(value):
            seconds = float(written["amount"]) * SECONDS[written["unit"]]
        case int() | float() if not isinstance(value, bool):
            seconds = float(value)
        case _:
            seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError("must be a duration: 500ms, 15s, 2m, 2h, or a number of seconds above 0")
    return seconds


def parse_quiet(value: object) -> QuietHours:
    """Read `22:00-02:00 Europe/Berlin`; without a time zone it is UTC."""
    written = HOURS.fullmatch(value) if isinstance(value, str) else None
    if written is None:
        raise ValueError("must be hours and a time zone, such as 22:00-02:00 Europe/Berlin")
    start, end, zone = written.groups()
    try:
        quiet = QuietHours(time.fromisoformat(start), time.fromisoformat(end), zone or "UTC")
        ZoneInfo(quiet.zone)
    except ZoneInfoNotFoundError:
        raise ValueError("names no time zone that is known, such as Europe/Berlin") from None
    except ValueError:
        raise ValueError("must be times of a day, from 00:00 to 23:59") from None
    if quiet.start == quiet.end:
        raise ValueError("begins when it ends")
    return quiet
