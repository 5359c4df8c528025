"""`scopeprobe diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.cli import complete, options
from scopeprobe.cli.exit_codes import Exit
from scopeprobe.cli.options import TableOrJson
from scopeprobe.cli.streams import inert, print_data
from scopeprobe.errors import InputError
from scopeprobe.inputs import read_permissions
from scopeprobe.model.cell import PermissionMap
from scopeprobe.policy.changes import differences, last_proved
from scopeprobe.reports.differences import differences_json, differences_text
from scopeprobe.store import BY_AGE, StoredRuns

EXAMPLES = """
Examples:

  scopeprobe diff -o nightly

  scopeprobe diff last-week/permissions.csv scopeprobe-out

  scopeprobe diff monday tuesday --exit-code --print json

  scopeprobe diff 20261123T020000Z-k3f9 last -o nightly
"""


def diff_command(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            help="permissions.csv, an output folder, or a run: an id, `last` or `previous`.",
            autocompletion=complete.runs,
        ),
    ] = "previous",
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="The same.", autocompletion=complete.runs)
    ] = "last",
    *,
    out: options.Out = Path("scopeprobe-out"),
    exit_code: Annotated[
        bool, options.option("--exit-code", help="End with 1 where they differ.")
    ] = False,
    print_: options.Print = TableOrJson.TABLE,
) -> None:
    """
    Compare two permission maps: gained, lost and changed scopes, new and gone clients.

    By default the last two finished runs of --out. OLD and NEW are looked for as files, as folders,
    and as runs of --out, in this order. Of a run
    each cell has its last proved verdict, so that a night with a dead server hides nothing.
    """
    found = differences(_maps(old, out), _maps(new, out))
    is_json = print_ is TableOrJson.JSON
    print_data(differences_json(found) if is_json else inert(differences_text(found)))
    if exit_code and found:
        raise typer.Exit(Exit.FAILED)


def _maps(word: str, out: Path) -> tuple[PermissionMap, ...]:
    """The maps of a file, a folder or a run. Raises InputError where it is none of them."""
    path = Path(word)
    if path.is_dir():
        return read_permissions(path / "permissions.csv")
    is_one_of_ours = word in BY_AGE and not path.exists()
    with (StoredRuns.read if is_one_of_ours else StoredRuns.read_if_any)(out) as store:
        if store is None and not path.suffix and not path.exists():
            told = f"{word}: is no file and no run of {out}; choose its folder with --out"
            raise InputError([told])
        if store is None or path.exists() or path.suffix:
            return read_permissions(path)
        run = store.finished_run(word)
        return last_proved(store.maps_of(run), store.proved_by(run.started))
