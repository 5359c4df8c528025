"""Hours of the day in which a server is left alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of the day up to before another, where the clocks of `zone` show it."""

    start: time
    end: time
    zone: str = "UTC"
    """A name of the IANA time zone database."""

    def holds(self, moment: datetime) -> bool:
        """Whether an aware `moment` is within; over midnight where the end is the earlier."""
        now = moment.astimezone(ZoneInfo(self.zone)).time()
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def begins_in(self, moment: datetime) -> float:
        """Seconds from an aware `moment` until it begins next; 0 within."""
        if self.holds(moment):
            return 0.0
        here = moment.astimezone(ZoneInfo(self.zone))
        begins = datetime.combine(here.date(), self.start, here.tzinfo)
        if begins <= here:
            begins = datetime.combine(here.date() + timedelta(days=1), self.start, here.tzinfo)
        return begins.timestamp() - moment.timestamp()

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M} {self.zone}"
