"""What was spent on one server in one invocation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from scopeprobe.model.http import Purpose


@dataclass(slots=True)
class Usage:
    """Counted as it is sent, also what came to nothing."""

    requests: int = 0
    throttled: int = 0
    tokens: int = 0
    follow_ups: Counter[Purpose] = field(default_factory=Counter)
    """Introspection, rights and revocation calls: no token requests, no part of any budget."""
    started: float | None = None
    ended: float | None = None

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        if self.started is None or self.ended is None:
            return 0.0
        return self.ended - self.started
