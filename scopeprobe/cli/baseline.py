"""`scopeprobe baseline write|show`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.cli import options
from scopeprobe.cli.help_screens import Command, Group
from scopeprobe.cli.options import TableOrJson
from scopeprobe.cli.output import print_as
from scopeprobe.cli.streams import say, wrapped
from scopeprobe.inputs import baseline_text, read_baseline
from scopeprobe.policy import Baseline
from scopeprobe.reports.baseline import baseline_json, baseline_table
from scopeprobe.reports.findings import worst_first
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.texts import counted
from scopeprobe.reports.write import write_file
from scopeprobe.store import StoredRuns

WRITE_EXAMPLES = """
Examples:

  scopeprobe baseline write -o nightly

  scopeprobe baseline write -o nightly --baseline accepted/prod.toml
"""
SHOW_EXAMPLES = """
Examples:

  scopeprobe baseline show -o nightly

  scopeprobe baseline show --baseline accepted/prod.toml --print json
"""
app = typer.Typer(
    name="baseline",
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    help="Accept what the last run found, or show what was accepted and waived.",
    rich_markup_mode="markdown",
)


def _file(baseline: Path | None, out: Path) -> Path:
    return out / "baseline.toml" if baseline is None else baseline


@app.command("write", cls=Command, epilog=WRITE_EXAMPLES)
def write_command(
    *,
    out: options.Out = Path("scopeprobe-out"),
    baseline: options.BaselineFile = None,
    run: Annotated[
        str, options.option("--run", metavar="ID", help="The run whose map is accepted.")
    ] = "last",
) -> None:
    """
    Accept what a run found as it is, in baseline.toml of --out.

    The findings of that run that are none any more are named before it is written.
    What that run did not prove stays as it was accepted before, and so do waivers and comments.
    """
    with StoredRuns.read(out) as store:
        chosen = store.finished_run(run)
        maps = store.maps_of(chosen)
    file = _file(baseline, out)
    if file.exists():
        accepted = read_baseline(file).renewed(maps)
        text = baseline_text(accepted, file.read_text(encoding="utf-8"))
    else:
        accepted = Baseline().renewed(maps)
        text = baseline_text(accepted)
    if chosen.summary is not None:
        summary = Summary.from_json(chosen.summary)
        for one in accepted.accepted([found for _, found in worst_first(summary)], maps):
            where = " ".join(filter(None, (one.subject, one.audience, one.scope)))
            line = f"accepts: {one.kind}: {where}: {one.detail.removeprefix(f'{one.server}: ')}"
            say(wrapped(line))
    write_file(file, [text])
    clients = {cell[0] for cell in accepted.verdicts} | accepted.unauthenticated
    cells, of = counted(len(accepted.verdicts), "cell"), counted(len(clients), "client")
    say(f"{file}: accepted: {cells} of {of}")


@app.command("show", cls=Command, epilog=SHOW_EXAMPLES)
def show_command(
    *,
    out: options.Out = Path("scopeprobe-out"),
    baseline: options.BaselineFile = None,
    print_: options.Print = TableOrJson.TABLE,
) -> None:
    """Show what is accepted, by client, and every waiver with its owner and its end."""
    accepted = read_baseline(_file(baseline, out))
    table = baseline_table(accepted, datetime.now(UTC).date())
    print_as(print_, table, baseline_json(accepted))
