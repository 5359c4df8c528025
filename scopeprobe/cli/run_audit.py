"""Carry an audit out in front of a terminal, and say what came of it."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from textwrap import fill

import anyio

from scopeprobe.audits.audit import Audit, Result, audit
from scopeprobe.cli.exit_codes import Exit
from scopeprobe.cli.log_options import LogOptions
from scopeprobe.cli.logs import INFO, WARNING, LogObserver, ProgressLog, log_file
from scopeprobe.cli.options import DEFAULT_OUT, TABLE, TableOrFormat
from scopeprobe.cli.output import print_run
from scopeprobe.cli.progress import ProgressBar
from scopeprobe.cli.streams import print_data, say
from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.events import Event, Observer
from scopeprobe.reports.formats import Format
from scopeprobe.reports.texts import counted

_STOPPED = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
    signal.SIGHUP: "the terminal is gone",
}
MOST_LINES = 20
"""Findings and untested cells that are named one by one."""
MOST_COMMANDS = 3
"""Clients that are rejected, each with a command to learn why."""


def run_audit(
    order: Audit,
    options: LogOptions,
    printed: TableOrFormat | None,
    *,
    words: Sequence[str],
    words_to_explain: Callable[[PermissionMap | None], Sequence[str]] | None = None,
) -> int:
    """
    Run an audit and return its exit code.

    :param words: the command line behind the program's name.
    :param words_to_explain: those by which `explain` asks for the same.
    """
    with log_file(options.log_file) as file:
        logs = LogObserver(options.log_format, options.level, file)
        _notice(order.fleet.notices, options, logs)
        with _progress(options, logs) as progress:
            watched = order.observed_by(_all_of(logs, progress))
            result = anyio.run(audit, watched, backend_options={"use_uvloop": _has_uvloop()})
        _sum_up(result, order, options, logs, _resume_command(result, words))
        if words_to_explain is not None and _speaks(options):
            for line in _explain_commands(result, order.out, words_to_explain):
                say(f"to learn why: {line}")
    _print(result, printed)
    return exit_code(result)


def exit_code(result: Result) -> int:
    """The first of docs/design.md, "Exit codes", that applies."""
    if result.stopped_by is not None:
        return 128 + result.stopped_by
    if result.judged_nothing:
        return Exit.NOTHING
    if not result.is_complete:
        return Exit.INCOMPLETE
    return Exit.FAILED if result.summary.over_bar else Exit.DONE


def _print(result: Result, printed: TableOrFormat | None) -> None:
    """Standard output carries data only; JSON is that of summary.json."""
    if printed is None:
        if not sys.stdout.isatty() or result.stopped_by:
            return
        printed = TABLE
    if printed.name == Format.JSON.name:
        print_data(result.summary.as_json())
    else:
        print_run(printed, result.maps, result.summary)


def _resume_command(result: Result, words: Sequence[str]) -> str | None:
    """What to type to go on with a run that is not complete."""
    if result.is_complete:
        return None
    # Behind the command: what follows `--` is no option.
    resume = () if {"--resume", "--resume-if-any"} & {*words} else ("--resume",)
    return shlex.join(["scopeprobe", *words[:1], *resume, *words[1:]])


def _explain_commands(
    result: Result, out: Path, words_to_explain: Callable[[PermissionMap | None], Sequence[str]]
) -> list[str]:
    """What to type to learn why clients could not authenticate: of many, one line for all."""
    rejected = [permissions for permissions in result.maps if permissions.is_unauthenticated]
    folder = () if out == DEFAULT_OUT else ("-o", str(out))
    asked = [None] if len(rejected) > MOST_COMMANDS else rejected
    return [shlex.join(("scopeprobe", "explain", *folder, *words_to_explain(p))) for p in asked]


def _has_uvloop() -> bool:
    return find_spec("uvloop") is not None


# -- while it goes on


@contextmanager
def _progress(options: LogOptions, logs: LogObserver) -> Iterator[Observer]:
    """Show progress while a run goes on: a bar on a terminal, an event now and then elsewhere."""
    shows_bar = sys.stderr.isatty() and not (options.quiet or options.no_progress)
    shown = ProgressBar() if shows_bar else ProgressLog(logs)
    with shown.running():
        yield shown


def _all_of(*observers: Observer) -> Observer:
    """One observer that stands for several."""

    def observe(event: Event) -> None:
        for observer in observers:
            observer(event)

    return observe


# -- when it is over


def _sum_up(
    result: Result, order: Audit, options: LogOptions, logs: LogObserver, resume: str | None
) -> None:
    """Sum a run up on standard error: for people in words, for machines as one event."""
    _notice(result.notices, options, logs)
    if not options.is_for_people:
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
    if not _speaks(options):
        return
    for line in _lines(result, order):
        say(fill(line, 80, subsequent_indent="  ", break_on_hyphens=False))
    if resume is not None:
        say(f"to go on: {resume}")


def _notice(texts: Iterable[str], options: LogOptions, logs: LogObserver) -> None:
    """Say what deserves a look but forbids nothing."""
    for text in texts:
        if options.is_for_people:
            say(f"notice: {text}")
        else:
            logs.log(WARNING, "notice", text=text)


def _speaks(options: LogOptions) -> bool:
    return options.is_for_people and not options.quiet


def _lines(result: Result, order: Audit) -> list[str]:
    summary = result.summary
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in summary.counts.items() if n)
    servers, seconds = len(summary.servers), max((s.seconds for s in summary.servers), default=0)
    lines = [
        f"{counted(len(summary.clients), 'client')} on {counted(servers, 'server')}: {verdicts}",
        f"{summary.requests} requests, {summary.tokens} tokens issued, {seconds:.1f} s",
    ]
    if result.stopped_by is not None:
        lines.insert(0, f"{_STOPPED[result.stopped_by]}: what is known is kept")
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
