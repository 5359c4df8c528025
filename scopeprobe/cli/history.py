"""`scopeprobe history`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.cli import options
from scopeprobe.errors import InputError

EXAMPLES = """
Examples:

  scopeprobe history billing-nightly

  scopeprobe history billing-nightly invoices.read -o nightly --print json
"""


class Printed(StrEnum):
    TABLE = "table"
    JSON = "json"


def history_command(
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="The name of a client.")],
    scope: Annotated[
        str | None, typer.Argument(metavar="SCOPE", help="One scope; all of them unless given.")
    ] = None,
    *,
    out: options.Out = Path("scopeprobe-out"),
    print_: Annotated[
        Printed, options.option("--print", help="What goes to standard output.")
    ] = Printed.TABLE,
) -> None:
    """
    When did the cells of a client change? Nights that proved nothing hide nothing.

    Each row is a time in which one verdict was proved, the newest first.
    """
    import sys  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415

    from scopeprobe.model.client import ClientName  # noqa: PLC0415
    from scopeprobe.policy.history import history  # noqa: PLC0415
    from scopeprobe.reports.history import history_json, history_table  # noqa: PLC0415
    from scopeprobe.store import StoredRuns  # noqa: PLC0415

    with StoredRuns.read(out) as store:
        cells = history(store.maps_of_client(ClientName(client)))
        known = store.clients()
    if client not in known:
        raise InputError([f"{out}: no finished run has the client {client}"])
    chosen = [cell for cell in cells if scope is None or cell.scope == scope]
    if not chosen:
        raise InputError([f"{out}: {client} was never asked about {scope}"])
    if print_ is Printed.JSON:
        typer.echo(history_json(client, chosen), nl=False)
    else:
        console = Console(width=None if sys.stdout.isatty() else 80, highlight=False)
        console.print(history_table(chosen))
