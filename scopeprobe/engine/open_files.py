"""How many files may be open, and who may have how many of them."""

from __future__ import annotations

import math
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

KEPT = 32
"""For the database, reports, logs and the loop itself."""
_USED_AT_START = 24
"""Where nobody says how many are open."""
_HIGHEST = 65_536
"""As many as any fleet needs, where the hard limit is none."""
_LEAST = 4


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """What is left for the wire."""

    limit: float
    connections: float
    lookups: float
    """Names that are looked up at once: each of them opens a socket, too."""

    def shortage(self, wanted: int) -> str | None:
        """What to say where more connections are wanted at once than there may be."""
        if wanted <= self.connections:
            return None
        enough = math.ceil((wanted * 4 / 3 + KEPT + _USED_AT_START) / 100) * 100
        return (
            f"servers took turns: {wanted} connections at once need `ulimit -n {enough}`, and"
            f" {self.limit:.0f} files may be open"
        )


UNLIMITED = OpenFiles(math.inf, math.inf, math.inf)


def open_files() -> OpenFiles:
    """Raise the limit as far as that is allowed, and share out what is left."""
    limit = _raised_limit()
    if limit == math.inf:
        return UNLIMITED
    left = limit - _used() - KEPT
    return OpenFiles(limit, max(left * 3 // 4, _LEAST), max(left // 4, _LEAST))


def _raised_limit() -> float:
    if sys.platform == "win32":
        return math.inf  # it knows no such limit
    import resource  # noqa: PLC0415 - it is there on all other systems

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return math.inf
    most = _HIGHEST if hard == resource.RLIM_INFINITY else hard
    if soft < most:
        with suppress(OSError, ValueError):  # some systems allow less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    return soft


def _used() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            return sum(1 for _ in Path(folder).iterdir())
    return _USED_AT_START
