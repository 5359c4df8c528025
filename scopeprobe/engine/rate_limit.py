"""How often something may be sent: evenly spaced, and within quotas of hours."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from scopeprobe.model.rate import Rate

SLOWEST = 1 / 64
"""The share of its configured rate below which no throttle slows it."""
MARGIN = 1.005
"""How much wider than the limit permits are spaced: a server's clock and ours are not the same."""
_CLIMB = 0.1
_ANSWERS_A_CLIMB = 10
_MINUTE = 60.0


class RateLimiter:
    """
    Permits at a rate, on whatever clock its caller reads (seconds).

    Limits by the second or minute, and any other whose even spacing is a second at most, are
    spaced evenly by the generic cell rate algorithm: a caller that was stalled catches up by
    `burst` periods at most, and there is no burst at the start. Scarcer limits ("10/8h") are
    quotas: so many in any window of that length, counted and not spread, because a run that waits
    48 minutes between requests serves nobody.
    """

    def __init__(
        self,
        rates: Sequence[Rate],
        *,
        now: float,
        spacing: Rate,
        burst: int = 1,
        spent: Iterable[float] = (),
    ) -> None:
        """`spacing` holds where only quotas are named; `spent` is when permits were used before."""
        self._gap = gap_of(rates, spacing)
        self._burst = burst
        self._next = now
        self._is_fresh = True
        self._share = 1.0
        self._answers = 0
        self.quotas = tuple(_Quota(rate, spent) for rate in rates if not is_spaced(rate))

    def opens_at(self) -> float:
        """When the next permit is to be had."""
        if not self.quotas:
            return self._next
        return max(self._next, *(quota.opens_at() for quota in self.quotas))

    def take(self, now: float) -> None:
        """Use a permit, at a time when one is to be had."""
        gap = self._gap / self._share
        catching_up = 0.0 if self._is_fresh else gap * self._burst
        self._next = max(self._next, now - catching_up) + gap
        self._is_fresh = False
        for quota in self.quotas:
            quota.take(now)

    def slow_down(self) -> None:
        """Halve the rate: the server was overrun."""
        self._share = max(self._share / 2, SLOWEST)
        self._answers = 0

    def speed_up(self) -> None:
        """Note an answer: ten of them bring back a tenth of the configured rate."""
        if self._share >= 1.0:
            return
        self._answers += 1
        if self._answers == _ANSWERS_A_CLIMB:
            self._share = min(self._share + _CLIMB, 1.0)
            self._answers = 0


class _Quota:
    """At most `count` permits in any window of `seconds`."""

    def __init__(self, rate: Rate, spent: Iterable[float]) -> None:
        self.seconds = rate.seconds
        self._used = deque(sorted(spent)[-rate.count :], maxlen=rate.count)

    def opens_at(self) -> float:
        if len(self._used) < (self._used.maxlen or 0):
            return float("-inf")
        return self._used[0] + self.seconds

    def take(self, now: float) -> None:
        self._used.append(now)


def gap_of(rates: Iterable[Rate], spacing: Rate) -> float:
    """Seconds between permits: by the strictest of the limits that are spaced, or `spacing`."""
    spaced = [rate for rate in rates if is_spaced(rate)] or [spacing]
    return max(rate.seconds / rate.count for rate in spaced) * MARGIN


def is_spaced(rate: Rate) -> bool:
    """Permits of this limit are spaced evenly; otherwise it is a quota."""
    return rate.seconds <= _MINUTE or rate.seconds / rate.count <= 1.0
