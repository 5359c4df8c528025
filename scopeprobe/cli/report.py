"""`scopeprobe report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from scopeprobe.cli import options
from scopeprobe.cli.output import print_run
from scopeprobe.cli.streams import say
from scopeprobe.errors import InputError
from scopeprobe.reports.formats import Format
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.write import write_file
from scopeprobe.store import StoredRuns

EXAMPLES = """
Examples:

  scopeprobe report

  scopeprobe report -f markdown -f junit -o nightly

  scopeprobe report 20261123T020000Z-k3f9 --print json

  scopeprobe report -f openmetrics --into /var/lib/node_exporter/textfile
"""


def report_command(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A stored run; the last unless given.")
    ] = "last",
    *,
    formats: options.Formats = None,
    out: options.Out = Path("scopeprobe-out"),
    into: Annotated[
        Path | None,
        options.option("--into", metavar="DIR", help="Where files go; --out unless given."),
    ] = None,
    print_: Annotated[
        options.TableOrFormat | None,
        options.option("--print", help="One of them, to standard output."),
    ] = None,
) -> None:
    """
    Render a stored run again, byte for byte as it was. Nothing is sent.

    Without -f and --print, report.html is written: the page to look at.

    Exit codes: 0 rendered, 2 there is no such run.
    """
    if not (formats or print_):
        formats = [Format.HTML]
    with StoredRuns.read(out) as store:
        stored = store.finished_run(run)
        if stored.summary is None:
            raise InputError([f"{out}: run {stored.id} is not finished"])
        try:
            summary = Summary.from_json(stored.summary)
        except msgspec.MsgspecError as error:
            message = f"{out}: the summary of run {stored.id} is damaged: {error}"
            raise InputError([message]) from error
        maps, past = store.maps_of(stored), store.past_of(stored)
        for form in dict.fromkeys(formats or ()):
            file = (into or out) / form.file
            write_file(file, form.render(maps, summary, past))
            say(f"written: {file}")
        if print_ is not None:
            print_run(print_, maps, summary, past)
