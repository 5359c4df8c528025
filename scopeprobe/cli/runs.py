"""`scopeprobe runs`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.cli import options

EXAMPLES = """
Examples:

  scopeprobe runs

  scopeprobe runs -o nightly --print json
"""


class Printed(StrEnum):
    TABLE = "table"
    JSON = "json"


def runs_command(
    *,
    out: options.Out = Path("scopeprobe-out"),
    print_: Annotated[
        Printed, options.option("--print", help="What goes to standard output.")
    ] = Printed.TABLE,
) -> None:
    """List the stored runs of an output folder, the newest first."""
    import sys  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415

    from scopeprobe.reports.runs import runs_json, runs_table  # noqa: PLC0415
    from scopeprobe.store import StoredRuns  # noqa: PLC0415

    with StoredRuns.read(out) as stored:
        runs = stored.runs()
    if print_ is Printed.JSON:
        typer.echo(runs_json(runs), nl=False)
    else:
        console = Console(width=None if sys.stdout.isatty() else 80, highlight=False)
        console.print(runs_table(runs))
