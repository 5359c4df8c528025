"""Connection faults of one rate group in a row: how long it is left alone, and when for good."""

from __future__ import annotations

from dataclasses import dataclass

from scopeprobe.engine.retry import backoff

FAULTS_TO_BREAK = 20
SECONDS_TO_BREAK = 60.0
FIRST_TRIAL, LAST_TRIAL = 30.0, 600.0
"""Seconds between single trials of a group that is out of reach: doubling."""
SECONDS_TO_GIVE_UP = 900.0


@dataclass(slots=True)
class Outage:
    """Begins with a connection fault and ends with whatever the server says."""

    since: float
    patience: float
    """Seconds after which the group is given up, if that is before a quarter of an hour."""
    is_certain: bool = False
    """Some request used up its retries on it, so that all clients of the group wait."""
    faults: int = 0
    pauses: int = 0
    trials: int = 0

    def pause(self, now: float, retry_at: float | None) -> float:
        """
        Until when nothing of the group is sent, after a fault that no pause covers yet.

        At least until `retry_at`, when the request is sent again: what others of the group would
        ask before that would only meet the same.
        """
        self.pauses += 1
        resumes_at = max(now + self._seconds(now), retry_at or 0.0)
        return resumes_at if self._is_past(now) else min(resumes_at, self._ends_at)

    def is_for_good(self, now: float) -> bool:
        """The group is to be given up."""
        return self.is_certain and self._is_past(now)

    def _is_past(self, now: float) -> bool:
        return now >= self._ends_at

    @property
    def _ends_at(self) -> float:
        return self.since + min(SECONDS_TO_GIVE_UP, self.patience)

    def _seconds(self, now: float) -> float:
        if self.faults < FAULTS_TO_BREAK or now - self.since < SECONDS_TO_BREAK:
            return backoff(self.pauses)
        self.trials += 1
        return min(FIRST_TRIAL * 2.0 ** min(self.trials - 1, 10), LAST_TRIAL)
