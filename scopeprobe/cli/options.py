"""How options are declared, and those that commands share one by one."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from scopeprobe.reports.formats import Format

INPUTS, PACE, BUDGETS, POLICY, OUTPUT = "Inputs", "Pace", "Budgets", "Policy", "Output"
"""The panels that `--help` groups options in."""


def option(
    *names: str,
    help: str,  # noqa: A002 - typer's word
    metavar: str | None = None,
    panel: str | None = None,
    at_least: int | None = None,
    **more: Any,  # noqa: ANN401 - typer's own
) -> Any:  # noqa: ANN401 - typer's own
    """An option that its environment variable sets as well: --max-time by SCOPEPROBE_MAX_TIME."""
    long = next(name for name in names if name.startswith("--"))
    variable = "SCOPEPROBE_" + long.removeprefix("--").upper().replace("-", "_")
    return typer.Option(
        *names,
        help=help,
        metavar=metavar,
        rich_help_panel=panel,
        callback=None if at_least is None else _not_below(at_least),
        envvar=variable,
        show_envvar=False,
        **more,
    )


def _not_below(least: int) -> Callable[[int | None], int | None]:
    def check(value: int | None) -> int | None:
        if value is not None and value < least:
            raise typer.BadParameter(f"{value} must be at least {least}")
        return value

    return check


class TableOrJson(StrEnum):
    TABLE = "table"
    JSON = "json"


Print = Annotated[TableOrJson, option("--print", help="What goes to standard output.")]


class TableOrFormat(StrEnum):
    """What a run can be printed as: a table, or any format out of the list."""

    vars().update({"TABLE": "table"} | {form.name: form.value for form in Format})


TABLE = TableOrFormat("table")

Out = Annotated[Path, option("--out", "-o", metavar="DIR", help="Output folder.", panel=OUTPUT)]
DEFAULT_OUT = Path("scopeprobe-out")
FORMATS = ", ".join(Format)
Formats = Annotated[
    list[Format] | None,
    option(
        "--format",
        "-f",
        metavar="FORMAT",
        help=f"Files beside the CSV ones, repeatable: {FORMATS}.",
        panel=OUTPUT,
    ),
]
ScopesFiles = Annotated[
    list[Path] | None,
    option("--scopes", metavar="FILE", help="Candidate scopes.", panel=INPUTS),
]
Providers = Annotated[
    list[Path] | None,
    option(
        "--providers", metavar="DIR", help="A folder of provider packs of your own.", panel=INPUTS
    ),
]
LiteralSecrets = Annotated[
    bool,
    option(
        "--allow-literal-secrets",
        help="Accept secrets written into a clients file that others can read.",
        panel=INPUTS,
    ),
]
Timeout = Annotated[
    str | None,
    option("--timeout", metavar="15s", help="How long one request may take.", panel=PACE),
]
BaselineFile = Annotated[
    Path | None,
    option(
        "--baseline",
        metavar="FILE",
        help="What was accepted, and waivers: `scopeprobe baseline write` makes it.",
        panel=POLICY,
    ),
]
PolicyFile = Annotated[
    Path | None,
    option(
        "--policy",
        metavar="FILE",
        help="What all clients with certain tags are expected to have.",
        panel=POLICY,
    ),
]
NoProgress = Annotated[bool, option("--no-progress", help="No progress bar.", panel=OUTPUT)]
