"""What a run says while it goes on and when it is over."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from scopeprobe.audits.audit import Audit, Result
from scopeprobe.cli.logs import INFO, WARNING, LogObserver, ProgressLog, log_file
from scopeprobe.cli.progress import ProgressBar
from scopeprobe.model.events import Event, Observer
from scopeprobe.model.findings import Verdict
from scopeprobe.reports.terminal import audit_table

if TYPE_CHECKING:
    from scopeprobe.cli.audit import Terminal

MOST_LINES = 20
"""Findings and untested cells that the summary names one by one."""


def observers(terminal: Terminal, stack: ExitStack) -> tuple[LogObserver, Observer]:
    """Everything that watches a run, opened on the stack."""
    file = stack.enter_context(log_file(terminal.log_file))
    logs = LogObserver(terminal.log_format, terminal.level, file)
    shows_bar = sys.stderr.isatty() and not (terminal.quiet or terminal.no_progress)
    progress = ProgressBar() if shows_bar else ProgressLog(logs)
    stack.enter_context(progress.running())

    def observe(event: Event) -> None:
        logs(event)
        progress(event)

    return logs, observe


def tell(
    result: Result, order: Audit, terminal: Terminal, logs: LogObserver, resume: str | None
) -> None:
    """Sum a run up on standard error: for people in words, for machines as one event."""
    for notice in result.notices:
        logs.log(WARNING, "notice", text=notice)
    if not terminal.is_for_people:
        logs.log(
            INFO,
            "run_summary",
            run=result.run,
            complete=result.is_complete,
            over_bar=result.summary.over_bar,
            counts=result.summary.counts,
            out=str(order.out),
            resume=resume,
        )
        return
    if terminal.quiet:
        return
    for line in _lines(result, order, resume):
        typer.echo(line, err=True)


def _lines(result: Result, order: Audit, resume: str | None) -> list[str]:
    summary = result.summary
    counted = ", ".join(f"{n} {verdict}" for verdict, n in summary.counts.items() if n)
    servers, seconds = len(summary.servers), max((s.seconds for s in summary.servers), default=0)
    lines = [
        f"{len(summary.clients)} clients on {servers} servers: {counted}",
        f"{summary.requests} requests, {summary.tokens} tokens issued, {seconds:.1f} s",
    ]
    if result.stopped_by is not None:
        word = "interrupted" if result.stopped_by is signal.SIGINT else "terminated"
        lines.insert(0, f"{word}: what is known is kept")
    lines += _some(
        [
            f"{d.kind}: {_where(d.client, d.audience, d.scope)}: {d.detail}"
            for d in result.departures
        ]
    )
    lines += _some(
        [f"not tested: {n.client}: {n.cells} cells, {n.reason}" for n in summary.not_tested]
    )
    lines.append(f"written to {order.out}: permissions.csv, matrix.csv, clients/, summary.json")
    if resume is not None:
        lines.append(f"to go on: {resume}")
    return lines


def _some(lines: list[str]) -> list[str]:
    left = len(lines) - MOST_LINES
    return lines if left <= 0 else [*lines[:MOST_LINES], f"… and {left} more in summary.json"]


def _where(client: str, audience: str, scope: str) -> str:
    return " ".join(filter(None, (client, audience, scope)))


def print_table(result: Result, order: Audit) -> None:
    """The matrix of every server, on standard output."""
    is_terminal = sys.stdout.isatty()
    console = Console(width=None if is_terminal else 80, highlight=False, soft_wrap=False)
    clients = {client.name: client for client in order.fleet.clients}
    unicode = "utf" in (sys.stdout.encoding or "").lower()
    console.print(audit_table(result.maps, clients, unicode=unicode))
    odd = [
        finding
        for finding in result.findings
        if finding.verdict is Verdict.DENIED and finding.http_status == 401  # noqa: PLR2004
    ]
    for finding in odd[:MOST_LINES]:
        where = _where(finding.client, finding.audience, finding.scope)
        console.print(
            f"401 for one scope: {where} is denied, answered {finding.error or 'without a code'}",
            markup=False,
        )
