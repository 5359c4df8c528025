"""`scopeprobe history`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.cli import options
from scopeprobe.cli.options import TableOrJson
from scopeprobe.cli.output import print_as
from scopeprobe.errors import InputError
from scopeprobe.model.client import ClientName
from scopeprobe.policy.history import history
from scopeprobe.reports.history import history_json, history_table
from scopeprobe.store import StoredRuns

EXAMPLES = """
Examples:

  scopeprobe history billing-nightly

  scopeprobe history billing-nightly invoices.read -o nightly --print json
"""


def history_command(
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="The name of a client.")],
    scope: Annotated[
        str | None, typer.Argument(metavar="SCOPE", help="One scope; all of them unless given.")
    ] = None,
    *,
    out: options.Out = Path("scopeprobe-out"),
    print_: options.Print = TableOrJson.TABLE,
) -> None:
    """
    When did the cells of a client change? Nights that proved nothing hide nothing.

    Each row is a time in which one verdict was proved, the newest first.
    """
    with StoredRuns.read(out) as store:
        cells = history(store.maps_of_client(ClientName(client)))
        known = store.clients()
    if client not in known:
        raise InputError([f"{out}: no finished run has the client {client}"])
    chosen = [cell for cell in cells if scope is None or cell.scope == scope]
    if not chosen:
        raise InputError([f"{out}: {client} was never asked about {scope}"])
    print_as(print_, history_table(chosen), history_json(client, chosen))
