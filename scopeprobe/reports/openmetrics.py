"""OpenMetrics 1.0, for a textfile collector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeAlias

from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.finding import FindingKind
from scopeprobe.reports.summary import Summary

Sample: TypeAlias = tuple[dict[str, str], float]
"""Labels and a value."""


def report_openmetrics(_maps: Sequence[PermissionMap], summary: Summary) -> str:
    # Here, because it brings an HTTP server along, and few runs need it.
    from prometheus_client.metrics_core import Metric  # noqa: PLC0415
    from prometheus_client.openmetrics.exposition import generate_latest  # noqa: PLC0415

    class Families:
        def collect(self) -> Iterator[Metric]:
            for name, words, samples in _families(summary):
                family = Metric(name, words, "gauge")
                for labels, value in samples:
                    family.add_sample(name, labels, value)
                yield family

    text: bytes = generate_latest(Families())  # type: ignore[no-untyped-call]
    return text.decode()


def _families(summary: Summary) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    found = Counter(finding.kind for finding in summary.findings)
    yield (
        "scopeprobe_cells",
        "Cells of a client by verdict.",
        (
            ({"client": client.name, "verdict": verdict}, count)
            for client in summary.clients
            for verdict, count in client.counts.items()
        ),
    )
    yield (
        "scopeprobe_findings",
        "Findings that fail the run, by kind.",
        (({"kind": kind}, found[kind]) for kind in FindingKind),
    )
    yield (
        "scopeprobe_server_requests",
        "Requests to a server.",
        (({"server": server.name}, server.requests) for server in summary.servers),
    )
    yield (
        "scopeprobe_server_throttled",
        "Requests that a server throttled.",
        (({"server": server.name}, server.throttled) for server in summary.servers),
    )
    for name, words, value in (
        ("complete", "1 where no cell is left that asking again may settle.", summary.complete),
        ("over_bar", "1 where there are findings that fail the run.", summary.over_bar),
        ("requests", "Token requests of the run.", summary.requests),
        ("tokens", "Tokens that were issued.", summary.tokens),
        ("cells_not_tested", "Cells that ended unknown.", sum(n.cells for n in summary.not_tested)),
        ("started_timestamp_seconds", "When the run began.", _epoch(summary.started)),
        ("finished_timestamp_seconds", "When the run ended.", _epoch(summary.finished)),
    ):
        yield f"scopeprobe_run_{name}", words, [({}, float(value))]


def _epoch(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
