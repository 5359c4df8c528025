"""Standard output: data as tables for people, as JSON and report formats for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment

from scopeprobe.cli.options import TABLE, TableOrFormat, TableOrJson
from scopeprobe.cli.streams import WIDTH, inert, print_data
from scopeprobe.model.cell import PermissionMap
from scopeprobe.policy.history import Past
from scopeprobe.reports.formats import Format
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.terminal import advertised_remarks, audit_table, remarks

_NO_LIMIT = 10_000


def print_table(*parts: RenderableType) -> None:
    """
    What people read, one part below the other; texts are printed as they stand.

    A line that does not wrap is whole: it is there to be pasted.
    """
    console = _console()
    if not console.is_terminal:
        options = console.options.update(width=_NO_LIMIT)
        needed = (Measurement.get(console, options, part).minimum for part in parts)
        console.width = max(WIDTH, *needed)
    with console.capture() as captured:
        for part in parts:
            console.print(_Inert(part), crop=False)
    print_data("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _console() -> Console:
    """As wide as the terminal; what reads a pipe gets 80 columns, and more where a name is long."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, markup=False)


class _Inert:
    """A part of which no text acts on the terminal; its colors are rich's own."""

    def __init__(self, part: RenderableType) -> None:
        self._part = part

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._part, options):
            yield Segment(inert(segment.text), segment.style, segment.control)


def print_as(printed: TableOrJson, table: RenderableType, json: str) -> None:
    """One of both, whichever was asked for with `--print`."""
    match printed:
        case TableOrJson.TABLE:
            print_table(table)
        case TableOrJson.JSON:
            print_data(json)


def print_run(
    printed: TableOrFormat,
    maps: Sequence[PermissionMap],
    summary: Summary,
    past: Past | None = None,
) -> None:
    """A finished run: the matrix of every server, or what a file of that format would hold."""
    if printed != TABLE:
        for piece in Format[printed.name].render(maps, summary, past):
            print_data(piece)
        return
    unicode = "utf" in (sys.stdout.encoding or "").lower()
    print_table(
        audit_table(maps, summary, unicode=unicode, width=_console().width),
        *remarks(maps),
        *advertised_remarks(summary.servers),
    )
