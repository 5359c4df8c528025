"""`scopeprobe baseline write|show`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.cli import options

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
    no_args_is_help=True,
    help="Accept what the last run found, or show what was accepted and waived.",
    rich_markup_mode="markdown",
)


class Printed(StrEnum):
    TABLE = "table"
    JSON = "json"


def _file(baseline: Path | None, out: Path) -> Path:
    return out / "baseline.toml" if baseline is None else baseline


@app.command("write", epilog=WRITE_EXAMPLES)
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

    What that run did not prove stays as it was accepted before, and so do waivers and comments.
    """
    from scopeprobe.cli.streams import say  # noqa: PLC0415 - heavy, not needed for --help
    from scopeprobe.inputs import baseline_text, read_baseline  # noqa: PLC0415
    from scopeprobe.policy import Baseline  # noqa: PLC0415
    from scopeprobe.reports.write import write_file  # noqa: PLC0415
    from scopeprobe.store import StoredRuns  # noqa: PLC0415

    with StoredRuns.read(out) as store:
        maps = store.maps_of(store.finished_run(run))
    file = _file(baseline, out)
    if file.exists():
        accepted = read_baseline(file).renewed(maps)
        text = baseline_text(accepted, file.read_text(encoding="utf-8"))
    else:
        accepted = Baseline().renewed(maps)
        text = baseline_text(accepted)
    write_file(file, text)
    clients = {cell[0] for cell in accepted.verdicts} | accepted.unauthenticated
    say(f"{file}: {len(accepted.verdicts)} cells of {len(clients)} clients are accepted")


@app.command("show", epilog=SHOW_EXAMPLES)
def show_command(
    *,
    out: options.Out = Path("scopeprobe-out"),
    baseline: options.BaselineFile = None,
    print_: Annotated[
        Printed, options.option("--print", help="What goes to standard output.")
    ] = Printed.TABLE,
) -> None:
    """Show what is accepted, by client, and every waiver with its owner and its end."""
    import sys  # noqa: PLC0415
    from datetime import UTC, datetime  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415

    from scopeprobe.inputs import read_baseline  # noqa: PLC0415
    from scopeprobe.reports.baseline import baseline_json, baseline_table  # noqa: PLC0415

    accepted = read_baseline(_file(baseline, out))
    if print_ is Printed.JSON:
        typer.echo(baseline_json(accepted), nl=False)
    else:
        console = Console(width=None if sys.stdout.isatty() else 80, highlight=False)
        console.print(baseline_table(accepted, datetime.now(UTC).date()))
