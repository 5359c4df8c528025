"""`scopeprobe history`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from scopeprobe.cli import options
from scopeprobe.cli.options import TableOrJson
from scopeprobe.cli.output import print_as
from scopeprobe.cli.streams import say
from scopeprobe.errors import InputError, did_you_mean
from scopeprobe.policy.history import history
from scopeprobe.reports.history import history_json, history_table
from scopeprobe.store import StoredRuns

EXAMPLES = """
Examples:

  scopeprobe history billing-nightly

  scopeprobe history billing-nightly invoices.read -o nightly --print json

  scopeprobe history 'billing-*' 'invoices.*'

  scopeprobe history --changed
"""
EVERYBODY = "*"
T = TypeVar("T", bound=str)


def history_command(
    client: Annotated[
        str | None,
        typer.Argument(metavar="CLIENT", help="The name of a client, or a glob of names."),
    ] = None,
    scope: Annotated[
        str | None,
        typer.Argument(metavar="SCOPE", help="One scope, or a glob; all of them unless given."),
    ] = None,
    *,
    changed: Annotated[
        bool, options.option("--changed", help="Only what the last finished run found changed.")
    ] = False,
    out: options.Out = Path("scopeprobe-out"),
    print_: options.Print = TableOrJson.TABLE,
) -> None:
    """
    When did the cells of a client change? Nights that proved nothing are skipped.

    Each row is a time in which one verdict was proved, the newest first. With --changed it may be
    asked of all clients.
    """
    if client is None and not changed:
        raise InputError(["history: give the name of a CLIENT, a glob such as '*', or --changed"])
    with StoredRuns.read(out) as store:
        client, scope = _in_order(client or EVERYBODY, scope, store.clients())
        names = _matching(client, store.clients())
        if not names:
            near = did_you_mean(client, store.clients())
            raise InputError([f"{out}: no finished run has the client {client}{near}"])
        cells = history(night for name in names for night in store.maps_of_client(name))
        last = store.finished_run()
    known = {str(cell.scope) for cell in cells}
    asked = set(_matching(scope or EVERYBODY, known))
    if not asked:
        near = did_you_mean(scope or "", known)
        raise InputError([f"{out}: {client} was never asked about {scope}{near}"])
    chosen = [one for one in cells if one.scope in asked]
    if changed:
        chosen = [one for one in chosen if one.changed_in(last)]
        if not chosen:
            say(f"nothing changed in the last finished run, {last.id}")
    print_as(print_, history_table(chosen), history_json(client, chosen))


def _in_order(client: str, scope: str | None, known: Sequence[str]) -> tuple[str, str | None]:
    """Client and scope, also where the scope was given first."""
    if scope is not None and not _matching(client, known) and _matching(scope, known):
        return scope, client
    return client, scope


def _matching(glob: str, names: Iterable[T]) -> list[T]:
    return [name for name in names if name == glob or fnmatchcase(str(name), glob)]
