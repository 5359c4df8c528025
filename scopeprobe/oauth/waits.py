"""How long a server asks to be left alone, wherever it says so."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 30 * 86400.0
"""Seconds. A server that asks for more has a mistake in it."""

_EPOCH = 1_000_000_000
_EPOCH_MILLISECONDS = 1_000_000_000_000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SENTENCE = re.compile(
    r"(?:in|after|for|wait|within) (\d{1,9}) ?(s|m|h|d)(?:ec|in|our|ay|rs?\b|s?\b)", re.IGNORECASE
)


def wait_asked_for(headers: Mapping[str, str], text: str, now: datetime) -> float | None:
    """
    Seconds to wait, or None where the server names none.

    `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3), `RateLimit` with `t=`, and
    `*-Reset` headers as delta or epoch; at last the sentence ("Try again in 420 seconds").
    """
    found = _retry_after(headers.get("Retry-After", ""), now)
    if found is None:
        found = _reset(headers, now)
    if found is None and (said := _SENTENCE.search(text)):
        found = float(said[1]) * _UNITS[said[2].lower()]
    return None if found is None else min(max(found, 0.0), LONGEST_WAIT)


def _retry_after(value: str, now: datetime) -> float | None:
    if (seconds := _number(value)) is not None:
        return seconds
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return (date - now).total_seconds()


def _reset(headers: Mapping[str, str], now: datetime) -> float | None:
    if structured := re.search(r";\s*t=(\d{1,9})\b", headers.get("RateLimit", "")):
        return float(structured[1])
    for name in ("X-RateLimit-Reset", "X-Rate-Limit-Reset", "RateLimit-Reset"):
        if (value := _number(headers.get(name, ""))) is None:
            continue
        if value >= _EPOCH_MILLISECONDS:
            value /= 1000
        return value - now.timestamp() if value >= _EPOCH else value
    return None


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
