"""Throttles and locks: too many requests, or too many wrong secrets in a row."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from dataclasses import dataclass

from scopeprobe.lab.schema import LockRule, ThrottleRule


@dataclass(frozen=True, slots=True)
class Quota:
    """What a throttle says of a request that just came."""

    exceeded: bool
    remaining: int
    """Requests that still fit now."""
    seconds: int
    """Whole seconds until the oldest request that counts no longer does."""


class Throttle:
    """A sliding window: a request fits if fewer than `requests` came in the last `seconds`."""

    def __init__(self, rule: ThrottleRule) -> None:
        self.rule = rule
        self._admitted: defaultdict[str, deque[float]] = defaultdict(deque)

    def admit(self, client_id: str, now: float) -> Quota:
        """Count a request if it fits; one that does not is not counted."""
        admitted = self._admitted[client_id if self.rule.per == "client" else ""]
        while admitted and admitted[0] <= now - self.rule.seconds:
            admitted.popleft()
        exceeded = len(admitted) >= self.rule.requests
        if not exceeded:
            admitted.append(now)
        return Quota(
            exceeded,
            self.rule.requests - len(admitted),
            math.ceil(admitted[0] + self.rule.seconds - now),
        )


class Lock:
    """Counts each client's failed authentications in a row, as RFC 6749 section 2.3.1 asks for."""

    def __init__(self, rule: LockRule) -> None:
        self.rule = rule
        self._failures: Counter[str] = Counter()

    def holds(self, client_id: str) -> bool:
        return self._failures[client_id] >= self.rule.failures

    def note_failure(self, client_id: str) -> None:
        self._failures[client_id] += 1

    def note_success(self, client_id: str) -> None:
        del self._failures[client_id]
