"""Read from an answer how long the server wants us to wait, and what is left of its quotas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from scopeprobe.oauth.error_texts import pattern_of

LONGEST_WAIT = 30 * 86400.0
"""Seconds. Whatever asks for more is taken for a mistake of the server."""

_LONGEST_HEADER = 4096
_EPOCH = 1_000_000_000
_EPOCH_MILLISECONDS = 1_000_000_000_000
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
_SPAN = (
    r"\[?(?P<number>\d{1,9}(?:\.\d{1,9})?|an?\b|one\b)\]?[ -]?"
    r"(?P<unit>ms|milli(?:second)?s?|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?)"
    r"(?![a-z_])"
)
"""A span of time: `420 seconds`, `[5] seconds`, `2min`, `an hour`."""
_NEXT_SPAN = re.compile(rf"(?:\s|,|\band\b)*{_SPAN}", re.IGNORECASE)
_UNITS = {"ms": 0.001, "mil": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LABEL = re.compile(r"retry[-_ ]?after\W{0,3}[:=]\W{0,3}(\d{1,9})(?!\w|[.:/-]\d)", re.IGNORECASE)
_QUOTAS = ("Auth0-Client-Quota-Limit", "Auth0-Organization-Quota-Limit")
_RESETS = (
    "X-RateLimit-Reset",
    "X-Rate-Limit-Reset",
    "RateLimit-Reset",
    "inin-ratelimit-reset",
)
_FAMILIES = ("X-RateLimit-", "X-Rate-Limit-", "RateLimit-")


@dataclass(frozen=True, slots=True)
class ReportedQuota:
    """What a server says is left of one of its quotas."""

    limit: int
    remaining: int
    seconds: float
    """Until it is filled up again."""


@dataclass(frozen=True, slots=True)
class _Bucket:
    """One member of a list of quotas; what it does not tell is None."""

    name: str
    limit: float | None
    remaining: float | None
    reset: float | None
    window: float | None


def requested_wait(headers: Mapping[str, str], text: str, now: datetime) -> float | None:
    """
    Seconds to wait, or None where the server names none.

    In this order: `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3), the spent ones
    of several quotas (`RateLimit`, Auth0), `*-Reset` headers as delta or epoch, the sentence ("Try
    again in 420 seconds"), and the window of a `RateLimit-Policy`. Dates are relative to the
    answer's own `Date`: the clocks may differ.
    """
    at = _their_now(headers, now)
    for found in (
        _until(headers, "Retry-After", at),
        _until(headers, "X-Retry-After", at),
        _quota_reset(headers),
        *(_until(headers, name, at) for name in _RESETS),
        _told_in(text),
        _window(headers),
    ):
        if found is not None:
            return min(max(found, 0.0), LONGEST_WAIT)
    return None


def _tell_of_quotas(headers: Mapping[str, str]) -> bool:
    """Whether there is anything to be read of quotas: in most answers there is nothing."""
    names = "\n".join(headers).lower()
    return "ratelimit" in names or "rate-limit" in names or "quota" in names


def reported_quotas(
    headers: Mapping[str, str], now: datetime | None = None
) -> tuple[ReportedQuota, ...]:
    """
    The quotas of which an answer, be it a success, tells limit, remainder and reset.

    A reset at a point in time is only understood where `Date` or `now` say what time it is.
    """
    if not _tell_of_quotas(headers):
        return ()
    return tuple(dict.fromkeys(_quotas(headers, now)))


def _quotas(headers: Mapping[str, str], now: datetime | None) -> Iterator[ReportedQuota]:
    policies = {bucket.name: bucket for bucket in _buckets(headers, "RateLimit-Policy")}
    told = [bucket for name in _QUOTAS for bucket in _buckets(headers, name)]
    for bucket in (*told, *_buckets(headers, "RateLimit")):
        policy = policies.get(bucket.name)
        limit = policy.limit if bucket.limit is None and policy else bucket.limit
        yield from _quota(limit, bucket.remaining, bucket.reset)
    now = _their_now(headers, now)
    for family in _FAMILIES:
        limit, remaining = (_leading(headers.get(family + n, "")) for n in ("Limit", "Remaining"))
        yield from _quota(limit, remaining, _until(headers, f"{family}Reset", now))
    allowed, count = (
        _leading(headers.get(f"inin-ratelimit-{n}", "")) for n in ("allowed", "count")
    )
    if allowed is not None and count is not None:
        reset = _until(headers, "inin-ratelimit-reset", now)
        yield from _quota(allowed, max(allowed - count, 0.0), reset)


def _quota(
    limit: float | None, remaining: float | None, seconds: float | None
) -> Iterator[ReportedQuota]:
    if limit is None or remaining is None or seconds is None:
        return
    if 0 <= remaining <= limit and 0 <= seconds <= LONGEST_WAIT:
        yield ReportedQuota(int(limit), int(remaining), seconds)


def _their_now(headers: Mapping[str, str], now: datetime | None) -> datetime | None:
    return _date(headers.get("Date", "")) or now


def _until(headers: Mapping[str, str], name: str, now: datetime | None) -> float | None:
    """Seconds to a header's point in time, which may be seconds from now, an epoch or a date."""
    value = headers.get(name, "").strip()[:_LONGEST_HEADER]
    if _NUMBER.fullmatch(value):
        number = float(value)
        if number >= _EPOCH_MILLISECONDS:
            number /= 1000
        if number < _EPOCH:
            return number
        return number - now.timestamp() if now else None
    date = _date(value)
    return (date - now).total_seconds() if date and now else None


def _date(value: str) -> datetime | None:
    """An HTTP date (RFC 9110 section 5.6.7), or one of RFC 3339."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = parse(value.strip())
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
    return None


def _quota_reset(headers: Mapping[str, str]) -> float | None:
    """The longest wait among the spent quotas, else the shortest among those that say no more."""
    buckets = [b for name in (*_QUOTAS, "RateLimit") for b in _buckets(headers, name)]
    spent = [b.reset for b in buckets if b.reset is not None and b.remaining == 0]
    if spent:
        return max(spent)
    policies = {b.name: b.window for b in _buckets(headers, "RateLimit-Policy")}
    windows = [policies.get(b.name) for b in buckets if b.remaining == 0]
    if told := [window for window in windows if window is not None]:
        return max(told)
    resets = (b.reset for b in _buckets(headers, "RateLimit"))
    return min((reset for reset in resets if reset is not None), default=None)


def _window(headers: Mapping[str, str]) -> float | None:
    windows = (b.window for b in _buckets(headers, "RateLimit-Policy"))
    return min((window for window in windows if window is not None), default=None)


def _buckets(headers: Mapping[str, str], header: str) -> list[_Bucket]:
    """
    The members of a quota header.

    `"burst";q=100;r=0;t=30, …` of the RateLimit draft, `b=per_hour;q=10;r=0;t=3540,…` of Auth0;
    and one bucket written as `limit=100, remaining=0, reset=30`, as an older draft had it.
    """
    value = headers.get(header, "")[:_LONGEST_HEADER]
    if re.search(r"\b(?:remaining|reset)\s*=", value):
        value = value.replace(",", ";")
    members = re.findall(r'(?:[^,"]|"[^"]*")+', value)
    return [_bucket(member) for member in members if member.strip()]


def _bucket(member: str) -> _Bucket:
    name, *_ = parts = [part.strip() for part in member.split(";")]
    told = {key.strip(): value.strip() for key, _, value in (part.partition("=") for part in parts)}

    def number(*keys: str) -> float | None:
        return next((_leading(told[key]) for key in keys if key in told), None)

    return _Bucket(
        name.strip('"'),
        number("q", "limit"),
        number("r", "remaining"),
        number("t", "reset"),
        number("w"),
    )


def _leading(value: str) -> float | None:
    """The number that a value starts with: limits come as `100` and as `100, 100;w=60`."""
    found = re.match(r"\s*(\d{1,15})(?![\w.])", value)
    return float(found[1]) if found else None


def _told_in(text: str) -> float | None:
    """The wait in a sentence: where it is asked for, else the period of the limit."""
    for topic in ("wait", "period"):
        if span := pattern_of(topic, _SPAN).search(text):
            return _length(span) + sum(map(_length, _spans_behind(text, span.end())))
    label = _LABEL.search(text)
    return float(label[1]) if label else None


def _spans_behind(text: str, end: int) -> Iterator[re.Match[str]]:
    """The minutes and seconds of `1 hour, 2 minutes and 30 seconds`."""
    while span := _NEXT_SPAN.match(text, end):
        yield span
        end = span.end()


def _length(span: re.Match[str]) -> float:
    number, unit = span["number"].lower(), span["unit"].lower()
    factor = next(value for name, value in _UNITS.items() if unit.startswith(name))
    return factor * (1.0 if number in {"a", "an", "one"} else float(number))
