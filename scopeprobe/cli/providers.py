"""`scopeprobe providers`."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from scopeprobe.cli import options

EXAMPLES = """
Examples:

  scopeprobe providers

  scopeprobe providers --providers packs/ --print json
"""


class Printed(StrEnum):
    TABLE = "table"
    JSON = "json"


def providers_command(
    *,
    providers: options.Providers = None,
    print_: Annotated[
        Printed, options.option("--print", help="What goes to standard output.")
    ] = Printed.TABLE,
) -> None:
    """
    The provider packs: regions, limits, what their map is read from.

    A pack is chosen by the host of the token endpoint, or by `provider = "NAME"` of a server.
    """
    from rich.console import Console  # noqa: PLC0415 - heavy, and not needed for --help

    from scopeprobe.providers import read_packs  # noqa: PLC0415
    from scopeprobe.reports.providers import providers_json, providers_table  # noqa: PLC0415

    packs = read_packs(providers or ())
    if print_ is Printed.JSON:
        typer.echo(providers_json(packs), nl=False)
    else:
        width = None if sys.stdout.isatty() else 80
        Console(width=width, highlight=False).print(providers_table(packs))
