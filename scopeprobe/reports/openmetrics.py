"""OpenMetrics 1.0, for a textfile collector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.finding import FindingKind
from scopeprobe.reports.summary import Summary

Sample = tuple[dict[str, str], float]
"""Labels and a value."""


def report_openmetrics(_maps: Sequence[PermissionMap], summary: Summary) -> str:
    lines = [line for family in _families(summary) for line in _lines(*family)]
    return "".join(f"{line}\n" for line in (*lines, "# EOF"))


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
        "Findings over the bar by kind.",
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
        ("over_bar", "1 where there are findings over the bar.", summary.over_bar),
        ("requests", "Token requests of the run.", summary.requests),
        ("tokens", "Tokens that were issued.", summary.tokens),
        ("cells_not_tested", "Cells that ended unknown.", sum(n.cells for n in summary.not_tested)),
        ("started_timestamp_seconds", "When the run began.", _epoch(summary.started)),
        ("finished_timestamp_seconds", "When the run ended.", _epoch(summary.finished)),
    ):
        yield f"scopeprobe_run_{name}", words, [({}, float(value))]


def _lines(name: str, words: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# TYPE {name} gauge"
    yield f"# HELP {name} {words}"
    for labels, value in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {value:.15g}" if told else f"{name} {value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _epoch(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
