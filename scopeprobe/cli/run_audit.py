"""Carry an audit out in front of a terminal, and say what came of it."""

from __future__ import annotations

import gc
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import anyio

from scopeprobe.audits.audit import Result, audit
from scopeprobe.audits.order import Audit
from scopeprobe.cli.exit_codes import Exit
from scopeprobe.cli.log_file import log_file
from scopeprobe.cli.log_lines import INFO, WARNING
from scopeprobe.cli.log_options import LogOptions
from scopeprobe.cli.logs import LogObserver, ProgressLog
from scopeprobe.cli.notify import Notifier
from scopeprobe.cli.options import TABLE, TableOrFormat
from scopeprobe.cli.output import print_run
from scopeprobe.cli.progress import ProgressBar
from scopeprobe.cli.streams import print_data, say, wrapped
from scopeprobe.cli.tell_findings import WordsToExplain, finding_lines, log_findings
from scopeprobe.diagnosis.describe import times
from scopeprobe.model.client import ClientName
from scopeprobe.model.events import Event, Observer
from scopeprobe.model.finding import FindingKind
from scopeprobe.reports.findings import headline
from scopeprobe.reports.formats import Format
from scopeprobe.reports.plan import FleetPlan
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.texts import counted
from scopeprobe.reports.write import WRITTEN

OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""Made and not yet unmade; Python's own 700 are those of some 50 answers."""
MOST_LINES = 20
"""Clients that were not tested and are named one by one."""
_STOPPED = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
    signal.SIGHUP: "the terminal is gone",
}


def run_audit(
    order: Audit,
    options: LogOptions,
    printed: TableOrFormat | None,
    *,
    words: Sequence[str],
    words_to_explain: WordsToExplain | None = None,
    plan: FleetPlan | None = None,
    notifier: Notifier | None = None,
    carry_out: Callable[[Audit], Awaitable[Result]] = audit,
) -> int:
    """
    Run an audit and return its exit code.

    :param words: the command line behind the program's name.
    :param carry_out: on this machine, unless given.
    :param words_to_explain: those by which `explain` asks for the same.
    :param plan: what it was expected to take, for those who watch it.
    :param notifier: is told of new findings, unless the run was stopped.
    """
    with log_file(options.log_file) as file:
        logs = LogObserver(options.log_format, options.level, file)
        _notice(order.fleet.notices, options, logs)
        with _progress(options, logs, ProgressBar(plan, order.strategy)) as progress:
            watched = order.observed_by(_all_of(logs, progress))
            with _rare_collections():
                result = anyio.run(
                    carry_out, watched, backend_options={"use_uvloop": _has_uvloop()}
                )
        _sum_up(result, order, options, logs, _resume_command(result, words))
        if notifier is not None and result.stopped_by is None:
            _notify(notifier, result.summary, options, logs)
    _print(result, printed)
    if options.is_for_people:
        _tell_findings(result, order.out, options, words_to_explain)
    return exit_code(result)


def _notify(notifier: Notifier, summary: Summary, options: LogOptions, logs: LogObserver) -> None:
    """Tell of new findings; where that fails, say so, and nothing else comes of it."""
    if not (found := notifier.news(summary)):
        return
    if notifier.send(summary, found):
        logs.log(INFO, "notification_sent", to=notifier.name, findings=len(found))
    else:
        text = f"{notifier.name}: the notification of new findings failed, and is not repeated"
        _notice([text], options, logs)


def exit_code(result: Result) -> int:
    """The first of docs/outputs.md, "Exit codes", that applies."""
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


def _tell_findings(
    result: Result, out: Path, options: LogOptions, words: WordsToExplain | None
) -> None:
    """The findings, and as the last line how many there are of each kind."""
    lines = list(finding_lines(result.summary, result.maps, out, words))
    if result.page is not None and not options.quiet:
        say(f"to look at it all: {result.page}")
    for line in lines:
        say(line)
    if lines or not options.quiet:
        say(headline(result.summary))


def _has_uvloop() -> bool:
    return find_spec("uvloop") is not None


# -- while it goes on


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for cycles less often: what is made for an answer and stays, its fact, is in none."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def _progress(options: LogOptions, logs: LogObserver, bar: ProgressBar) -> Iterator[Observer]:
    """Show progress while a run goes on: a bar on a terminal, an event now and then elsewhere."""
    shows_bar = sys.stderr.isatty() and not (options.quiet or options.no_progress)
    shown = bar if shows_bar else ProgressLog(logs)
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
    log_findings(result.summary, logs, for_people=options.is_for_people)
    log = logs.record if options.is_for_people else logs.log
    log(
        INFO,
        "run_summary",
        run=result.run,
        complete=result.is_complete,
        over_bar=result.summary.over_bar,
        counts=result.summary.counts,
        findings=headline(result.summary),
        out=str(order.out),
        page=None if result.page is None else str(result.page),
        resume=resume,
    )
    if options.quiet or not options.is_for_people:
        return
    for line in _lines(result, order):
        say(wrapped(line))
    if resume is not None:
        say(f"to go on: {resume}")


def _notice(texts: Iterable[str], options: LogOptions, logs: LogObserver) -> None:
    """Say what deserves a look but forbids nothing."""
    for text in texts:
        if options.is_for_people:
            say(f"notice: {text}")
        else:
            logs.log(WARNING, "notice", text=text)


def _lines(result: Result, order: Audit) -> list[str]:
    summary = result.summary
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in summary.counts.items() if n)
    requests = counted(summary.requests, "request", ",")
    tokens = counted(summary.tokens, "token", ",")
    servers, seconds = len(summary.servers), max((s.seconds for s in summary.servers), default=0)
    lines = [
        f"{counted(len(summary.clients), 'client')} on {counted(servers, 'server')}: {verdicts}",
        f"{requests}, {tokens} issued, {seconds:.1f} s",
    ]
    if throttled := [one for one in summary.servers if one.throttled]:
        told = ", ".join(f"{one.name} {times(one.throttled)}" for one in throttled)
        lines.append(f"throttled: {told}")
    if result.stopped_by is not None:
        lines.insert(0, f"{_STOPPED[result.stopped_by]}: what is known is kept")
    named = _with_findings(summary)
    left = [one for one in summary.not_tested if one.client not in named]
    lines += [f"not tested: {n.client}: {counted(n.cells, 'cell')}, {n.why}" for n in left][
        :MOST_LINES
    ]
    if len(left) > MOST_LINES:
        lines.append(f"… and {len(left) - MOST_LINES} more in summary.json")
    lines.append(f"written to {order.out}: {WRITTEN}")
    return lines


def _with_findings(summary: Summary) -> set[ClientName]:
    """Clients of which a finding says that something is unknown."""
    return {
        name
        for one in (*summary.findings, *summary.warnings)
        if one.kind is FindingKind.UNKNOWN
        for name in one.clients or (one.client,)
    }
