"""What a run says while it goes on and when it is over."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from textwrap import fill

from rich.console import Console

from scopeprobe.audits.audit import Audit, Result
from scopeprobe.cli.logs import INFO, WARNING, LogObserver, ProgressLog
from scopeprobe.cli.progress import ProgressBar
from scopeprobe.cli.streams import print_data, say
from scopeprobe.cli.terminal import Terminal
from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.events import Event, Observer
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.terminal import advertised_remarks, audit_table, remarks
from scopeprobe.reports.texts import counted

MOST_LINES = 20
"""Findings and untested cells that the summary names one by one."""


@contextmanager
def progress(terminal: Terminal, logs: LogObserver) -> Iterator[Observer]:
    """Show progress while a run goes on: a bar on a terminal, an event now and then elsewhere."""
    shows_bar = sys.stderr.isatty() and not (terminal.quiet or terminal.no_progress)
    shown = ProgressBar() if shows_bar else ProgressLog(logs)
    with shown.running():
        yield shown


def all_of(*observers: Observer) -> Observer:
    """One observer that stands for several."""

    def observe(event: Event) -> None:
        for observer in observers:
            observer(event)

    return observe


def tell(
    result: Result, order: Audit, terminal: Terminal, logs: LogObserver, resume: str | None
) -> None:
    """Sum a run up on standard error: for people in words, for machines as one event."""
    notice(result.notices, terminal, logs)
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
    for line in _lines(result, order):
        say(fill(line, 80, subsequent_indent="  ", break_on_hyphens=False))
    if resume is not None:
        say(f"to go on: {resume}")


def advise(commands: list[str], terminal: Terminal) -> None:
    """Name the commands that say why clients could not authenticate."""
    if terminal.is_for_people and not terminal.quiet:
        for line in _some([f"to learn why: {command}" for command in commands]):
            say(line)


def notice(texts: Iterable[str], terminal: Terminal, logs: LogObserver) -> None:
    """Say what deserves a look but forbids nothing."""
    for text in texts:
        if terminal.is_for_people:
            say(f"notice: {text}")
        else:
            logs.log(WARNING, "notice", text=text)


def _lines(result: Result, order: Audit) -> list[str]:
    summary = result.summary
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in summary.counts.items() if n)
    servers, seconds = len(summary.servers), max((s.seconds for s in summary.servers), default=0)
    lines = [
        f"{counted(len(summary.clients), 'client')} on {counted(servers, 'server')}: {verdicts}",
        f"{summary.requests} requests, {summary.tokens} tokens issued, {seconds:.1f} s",
    ]
    if result.stopped_by is not None:
        word = "interrupted" if result.stopped_by is signal.SIGINT else "terminated"
        lines.insert(0, f"{word}: what is known is kept")
    lines += _some(
        [f"{d.kind}: {_where(d.client, d.audience, d.scope)}: {d.detail}" for d in result.findings]
    )
    lines += _some(
        [f"not tested: {n.client}: {n.cells} cells, {n.reason}" for n in summary.not_tested]
    )
    lines.append(f"written to {order.out}: permissions.csv, matrix.csv, clients/, summary.json")
    return lines


def _some(lines: list[str]) -> list[str]:
    left = len(lines) - MOST_LINES
    return lines if left <= 0 else [*lines[:MOST_LINES], f"… and {left} more in summary.json"]


def _where(client: str, audience: str, scope: str) -> str:
    return " ".join(filter(None, (client, audience, scope)))


def print_table(maps: Sequence[PermissionMap], summary: Summary) -> None:
    """The matrix of every server, on standard output."""
    console = Console(width=None if sys.stdout.isatty() else 80, highlight=False)
    servers = {client.name: client.server for client in summary.clients}
    unicode = "utf" in (sys.stdout.encoding or "").lower()
    with console.capture() as captured:
        console.print(audit_table(maps, servers, unicode=unicode))
        for remark in (*remarks(maps), *advertised_remarks(summary.servers)):
            console.print(remark, markup=False)
    print_data(captured.get())
