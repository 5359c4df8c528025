"""`scopeprobe runs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.cli import options
from scopeprobe.cli.options import TableOrJson
from scopeprobe.cli.output import print_as
from scopeprobe.reports.runs import runs_json, runs_table
from scopeprobe.store import StoredRuns

EXAMPLES = """
Examples:

  scopeprobe runs

  scopeprobe runs nightly --print json
"""


def runs_command(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="The output folder, as --out.")
    ] = None,
    *,
    out: options.Out = Path("scopeprobe-out"),
    print_: options.Print = TableOrJson.TABLE,
) -> None:
    """List the stored runs of an output folder, the newest first."""
    with StoredRuns.read(folder or out) as stored:
        runs = stored.runs()
    print_as(print_, runs_table(runs), runs_json(runs))
