"""`scopeprobe docs`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from scopeprobe.cli.manual import about, for_reading
from scopeprobe.cli.markdown import THEME, Page
from scopeprobe.cli.output import print_table

EXAMPLES = """
Examples:

  scopeprobe docs

  scopeprobe docs clients-file

  scopeprobe docs left_out

  scopeprobe docs exit codes | less
"""


def docs_command(
    topic: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC]", help="A page, a heading, or a code of any kind."),
    ] = None,
) -> None:
    """
    Show a page of the manual, or what a code means.

    Codes are verdicts, reasons, kinds of findings, causes, columns, keys of files, options. On a
    terminal the page goes through a pager, piped it is plain text.

    Exit codes: 0 shown, 2 there is no such topic.
    """
    page = Page(for_reading(about(" ".join(topic or ()))))
    if not sys.stdout.isatty():
        print_table(page)
        return
    os.environ.setdefault("LESS", "FRX")  # shows colors, and ends by itself where all fits
    console = Console(theme=THEME, highlight=False)
    with console.pager(styles=True):
        console.print(page)
