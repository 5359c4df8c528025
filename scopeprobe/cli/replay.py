"""`scopeprobe replay`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.audits.explain import Explanations, replay
from scopeprobe.cli import options
from scopeprobe.cli.exit_codes import Exit
from scopeprobe.cli.print_explanations import Printed, print_explanations
from scopeprobe.errors import InputError
from scopeprobe.inputs import read_text

EXAMPLES = """
Examples:

  scopeprobe replay evidence.json

  scopeprobe replay evidence.json --print markdown -v
"""


def replay_command(
    bundle: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `explain --bundle FILE` wrote; - reads it.")
    ],
    *,
    print_: Annotated[
        Printed, options.option("--print", help="What goes to standard output.")
    ] = Printed.TABLE,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Every request with its answer, not only the first."),
    ] = False,
) -> None:
    """
    Explain again, from the evidence that `explain --bundle FILE` wrote. Nothing is sent.

    The bundle has no names in it: clients, ids and hosts are called by numbers.

    Exit codes: 0 it works or is explained, 2 input error, 3 not explained.
    """
    text = read_text(bundle, sys.stdin)
    try:
        found: Explanations = replay(text)
    except ValueError as error:
        raise InputError([f"{bundle}: {error}"]) from error
    print_explanations(found, print_, verbose=verbose, is_several=False)
    raise typer.Exit(Exit.DONE if found.is_whole else Exit.INCOMPLETE)
