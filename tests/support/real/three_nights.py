"""Audits a real server on three nights, on the last of which one grant is new and one is gone."""

import socket
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from catalogue import RealKind
from enrolment import by_endpoint, enrol
from fleet import CellKey
from harness import rows, scopeprobe, summary
from servers import RealServer

STRATEGIES = ("each", "adaptive", "recheck")
DONE = {0, 1, 3, 4}
"""Exit codes of audits whose map can be read."""


@dataclass(frozen=True)
class Night:
    """What one audit found, beside the truth."""

    server: RealServer
    found: dict[CellKey, tuple[str, str]]
    """Verdict and reason."""
    requests: int
    failures: int
    """The most failed authentications of one client: all of its requests fail."""
    seconds: float

    def false(self) -> dict[CellKey, tuple[str, str]]:
        """Cells whose verdict is neither the truth nor honest."""
        return {
            key: found
            for key, found in self.found.items()
            if found[0] != "unknown" and not self._holds(key, found[0])
        }

    def needlessly_unknown(self) -> dict[CellKey, tuple[str, str]]:
        return {
            key: found
            for key, found in self.found.items()
            if found[0] == "unknown" and not self._holds(key, "unknown")
        }

    def unknown_by_reason(self) -> Counter[str]:
        return Counter(reason for verdict, reason in self.found.values() if verdict == "unknown")

    def _holds(self, key: CellKey, verdict: str) -> bool:
        allowed = self.server.also_honest.get(key, frozenset())
        return verdict == self.server.truth[key] or verdict in allowed


def three_nights(kind: RealKind, folder: Path) -> dict[str, list[Night]]:
    """Audit with each strategy; the server is another process every night, at the same address."""
    port = _free_port()
    nights = {strategy: [] for strategy in STRATEGIES}
    for n, fleet in enumerate(kind.fleets, 1):
        with kind.start(fleet, port) as server:
            for strategy in STRATEGIES:
                inputs = folder / f"{strategy}-{n}"
                inputs.mkdir()
                nights[strategy].append(_night(server, strategy, inputs, folder / strategy))
    return nights


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _night(server: RealServer, strategy: str, folder: Path, out: Path) -> Night:
    inputs = enrol(folder, server, by_endpoint(server))
    began = time.monotonic()
    ended = scopeprobe(
        *("audit", *inputs.arguments, "-s", strategy, "-o", out),
        env=inputs.environment,
    )
    seconds = time.monotonic() - began
    if ended.returncode not in DONE:
        raise RuntimeError(f"{server.name}, {strategy}: {ended.returncode}\n{ended.stderr}")
    found = {
        tuple(filter(None, (row["client"], row["audience"], row["scope"]))): (
            row["verdict"],
            row["reason"],
        )
        for row in rows(out / "permissions.csv")
        if row["reason"] != "unlisted"
    }
    told = summary(out)
    rejected = {key[0] for key, verdict in server.truth.items() if verdict == "unauthenticated"}
    return Night(
        server,
        found,
        told["requests"],
        max((c["requests"] for c in told["clients"] if c["name"] in rejected), default=0),
        seconds,
    )
