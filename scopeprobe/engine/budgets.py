"""What one invocation may spend, on all servers together and on each."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budgets:
    """None sets no bound."""

    max_requests: int | None = None
    max_requests_per_client: int | None = None
    max_tokens: int | None = None
    max_time: float | None = None
    """Seconds after which nothing more is sent."""
    max_pause: float = 900.0
    """Seconds: where a server has to be left alone for longer, its open cells are given up."""
    max_failed_clients: int = 20
    """Clients of one server that fail to authenticate, after which it is left alone."""
    in_air: int = 256
    """Requests in flight to all servers together."""


@dataclass(slots=True)
class Share:
    """What one engine may spend of budgets that several engines spend together; it may grow."""

    requests: float = math.inf
    tokens: float = math.inf
    until: float = math.inf
    """By `time.monotonic`: what it is allowed ends then, unless it is prolonged."""
    is_spent: bool = False
    """All of them have spent all there is."""

    @property
    def is_all(self) -> bool:
        """Nothing is spent by other engines."""
        return self.requests == self.tokens == self.until == math.inf

    @property
    def is_valid(self) -> bool:
        return time.monotonic() < self.until

    def has_room(self, requests: int, tokens: int) -> bool:
        """Whether one more may be sent after so many, of which so many bring or brought a token."""
        return self.is_valid and requests < self.requests and tokens < self.tokens
