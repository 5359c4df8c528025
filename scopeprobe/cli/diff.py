"""`scopeprobe diff`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.cli import options

EXAMPLES = """
Examples:

  scopeprobe diff last-week/permissions.csv scopeprobe-out

  scopeprobe diff monday tuesday --exit-code --print json
"""


class Printed(StrEnum):
    TABLE = "table"
    JSON = "json"


def diff_command(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="permissions.csv or its folder.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="permissions.csv or its folder.")],
    *,
    exit_code: Annotated[
        bool, options.option("--exit-code", help="End with 1 where they differ.")
    ] = False,
    print_: Annotated[
        Printed, options.option("--print", help="What goes to standard output.")
    ] = Printed.TABLE,
) -> None:
    """Tell what two permission maps differ in: gained, lost, changed, new and gone clients."""
    from scopeprobe.cli.streams import print_data  # noqa: PLC0415 - heavy, not needed for --help
    from scopeprobe.inputs import read_permissions  # noqa: PLC0415
    from scopeprobe.policy.differences import differences  # noqa: PLC0415
    from scopeprobe.reports.differences import differences_json, differences_text  # noqa: PLC0415

    found = differences(read_permissions(_file(old)), read_permissions(_file(new)))
    print_data(differences_json(found) if print_ is Printed.JSON else differences_text(found))
    if exit_code and found:
        raise typer.Exit(1)


def _file(path: Path) -> Path:
    return path / "permissions.csv" if path.is_dir() else path
