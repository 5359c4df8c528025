"""Carry an audit out in front of a terminal, down to the exit code."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from enum import IntEnum
from importlib.util import find_spec

import anyio
import typer

from scopeprobe.audits.audit import Audit, Result, audit
from scopeprobe.cli import output
from scopeprobe.cli.logs import LogObserver, log_file
from scopeprobe.cli.streams import print_data
from scopeprobe.cli.terminal import Printed, Terminal
from scopeprobe.reports.formats import Format


class Exit(IntEnum):
    """DESIGN, "Exit codes": the first that applies."""

    COMPLETE = 0
    FAILED = 1
    INCOMPLETE = 3
    NOTHING_JUDGED = 4


def run_audit(
    order: Audit, terminal: Terminal, printed: Printed | None, inputs: Sequence[object] = ()
) -> None:
    """
    Run an audit in front of a terminal; ends the process with the exit code of its result.

    :param inputs: the words of the command line that say where the clients are.
    """
    with log_file(terminal.log_file) as file:
        logs = LogObserver(terminal.log_format, terminal.level, file)
        output.notice(order.fleet.notices, terminal, logs)
        with output.progress(terminal, logs) as progress:
            watched = order.observed_by(output.all_of(logs, progress))
            result = anyio.run(audit, watched, backend_options={"use_uvloop": _uvloop_is_there()})
        output.tell(result, order, terminal, logs, _resume_command(result))
        output.advise(_explain_commands(result, inputs), terminal)
    _print(result, printed)
    raise typer.Exit(exit_code(result))


def exit_code(result: Result) -> int:
    """DESIGN, "Exit codes": the first that applies."""
    if result.stopped_by is not None:
        return 128 + result.stopped_by
    if result.judged_nothing:
        return Exit.NOTHING_JUDGED
    if not result.is_complete:
        return Exit.INCOMPLETE
    return Exit.FAILED if result.summary.over_bar else Exit.COMPLETE


def _print(result: Result, printed: Printed | None) -> None:
    """Standard output carries data only."""
    match printed:
        case None if not sys.stdout.isatty() or result.stopped_by:
            return
        case None | Printed.TABLE:
            output.print_table(result.maps, result.summary)
        case Printed.JSON:
            print_data(result.summary.as_json())
        case form:
            print_data(Format[form.name].render(result.maps, result.summary))


def _resume_command(result: Result) -> str | None:
    """What to type to go on with a run that is not complete."""
    if result.is_complete:
        return None
    words = sys.argv[1:]
    if "--resume" not in words:
        words.insert(1, "--resume")  # behind the command: what follows `--` is no option
    return shlex.join(["scopeprobe", *words])


def _explain_commands(result: Result, inputs: Sequence[object]) -> list[str]:
    """What to type to learn why a client could not authenticate."""
    rejected = (permissions for permissions in result.maps if permissions.is_unauthenticated)
    words = ("scopeprobe", "explain", *map(str, inputs))
    return [shlex.join((*words, one.client)) for one in rejected] if inputs else []


def _uvloop_is_there() -> bool:
    return find_spec("uvloop") is not None
