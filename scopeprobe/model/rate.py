"""How often something may be sent, and how people write it: `5/s`, `300/min`, `10/8h`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WRITTEN = re.compile(r"(?P<count>[0-9]{1,9})/(?P<multiple>[0-9]{0,4})(?P<unit>s|min|h|day)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "day": 86400}
_UNITS = {seconds: unit for unit, seconds in _SECONDS.items()}


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` requests in every `seconds`."""

    count: int
    seconds: float

    def __str__(self) -> str:
        if unit := _UNITS.get(int(self.seconds)):
            return f"{self.count}/{unit}"
        return f"{self.count}/{self.seconds / 3600:g}h"


def parse_rate(value: object) -> Rate:
    """
    Read `5/s`, `300/min`, `100/h`, `5000/day` or, with a multiple of a unit, `10/8h`.

    :raises ValueError: in the words of whoever wrote it.
    """
    written = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    if written is None:
        raise ValueError("must be a rate: N/s, N/min, N/h, N/day, or such as N/8h")
    count, multiple = int(written["count"]), int(written["multiple"] or 1)
    if count < 1 or multiple < 1:
        raise ValueError("must be a rate of at least 1, such as 1/h")
    return Rate(count, multiple * _SECONDS[written["unit"]])
