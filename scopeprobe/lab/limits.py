"""What makes a server refuse a request unread: too many requests, or too many wrong secrets."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque

from scopeprobe.lab.manners import LockRule, ThrottleRule


class Throttle:
    """A sliding window: a request fits if fewer than `requests` came in the last `seconds`."""

    def __init__(self, rule: ThrottleRule) -> None:
        self.rule = rule
        self._admitted: defaultdict[str, deque[float]] = defaultdict(deque)

    def admit(self, client_id: str, now: float) -> int:
        """Let a request in and return 0, or return the whole seconds until one would fit."""
        admitted = self._admitted[client_id if self.rule.per == "client" else ""]
        while admitted and admitted[0] <= now - self.rule.seconds:
            admitted.popleft()
        if len(admitted) >= self.rule.requests:
            return math.ceil(admitted[0] + self.rule.seconds - now)
        admitted.append(now)
        return 0


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
