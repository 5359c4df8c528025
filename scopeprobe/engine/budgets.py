"""What one invocation may spend, on all servers together and on each."""

from __future__ import annotations

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
