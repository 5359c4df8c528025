"""Options that several commands share. Each can be set as SCOPEPROBE_<OPTION>."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scopeprobe.cli.logs import LogFormat
from scopeprobe.model.assignment import Proof
from scopeprobe.model.provider import Verify
from scopeprobe.reports.formats import Format as ReportFormat


def option(*names: str, help: str, metavar: str | None = None, **more: Any) -> Any:  # noqa: A002, ANN401
    """An option that its environment variable sets as well."""
    long = next(name for name in names if name.startswith("--"))
    variable = "SCOPEPROBE_" + long.removeprefix("--").upper().replace("-", "_")
    return typer.Option(
        *names, help=help, metavar=metavar, envvar=variable, show_envvar=False, **more
    )


_INPUTS, _PACE, _BUDGETS, _POLICY, _OUTPUT = "Inputs", "Pace", "Budgets", "Policy", "Output"

Clients = Annotated[
    list[Path],
    typer.Argument(
        metavar="CLIENTS",
        help="Clients files: TOML, YAML or JSON by their ending; - reads YAML or JSON from "
        "standard input.",
    ),
]
Scopes = Annotated[
    list[Path] | None,
    option("--scopes", metavar="FILE", help="Candidate scopes.", rich_help_panel=_INPUTS),
]
Scope = Annotated[
    list[str] | None,
    option("--scope", metavar="'A B'", help="More candidates.", rich_help_panel=_INPUTS),
]
Providers = Annotated[
    list[Path] | None,
    option(
        "--providers",
        metavar="DIR",
        help="Provider packs of one's own.",
        rich_help_panel=_INPUTS,
    ),
]
VerifyBy = Annotated[
    Verify | None,
    option(
        "--verify",
        help="Where grants are confirmed; by default in the token, or what the provider pack says.",
    ),
]
Revoke = Annotated[bool, option("--revoke", help="Revoke every token that was issued.")]
ScopesFromMetadata = Annotated[
    bool,
    option(
        "--scopes-from-metadata",
        help="Candidates are also the scopes_supported of each server's metadata.",
        rich_help_panel=_INPUTS,
    ),
]
ChosenClients = Annotated[
    list[str] | None,
    option(
        "--client",
        metavar="GLOB",
        help="Only clients of that name; repeatable.",
        rich_help_panel=_INPUTS,
    ),
]
ChosenTags = Annotated[
    list[str] | None,
    option(
        "--tag",
        metavar="TAG",
        help="Only clients with that tag; repeatable.",
        rich_help_panel=_INPUTS,
    ),
]
LiteralSecrets = Annotated[
    bool,
    option(
        "--allow-literal-secrets",
        help="Accept secrets written into a clients file that others can read.",
        rich_help_panel=_INPUTS,
    ),
]
ProofBy = Annotated[Proof, option("--proof", help="twice: every lone refusal is repeated once.")]
Rate = Annotated[
    str | None,
    option(
        "--rate",
        metavar="N/s",
        help="Rate of servers that name none; it only lowers a rate of the file.",
        rich_help_panel=_PACE,
    ),
]
ClientRate = Annotated[
    str | None,
    option("--client-rate", metavar="N/s", help="The same for one client.", rich_help_panel=_PACE),
]
InFlight = Annotated[
    int | None,
    option(
        "--in-flight",
        min=1,
        metavar="N",
        help="Requests in the air per server.",
        rich_help_panel=_PACE,
    ),
]
Timeout = Annotated[
    str | None,
    option(
        "--timeout", metavar="15s", help="How long one request may take.", rich_help_panel=_PACE
    ),
]
Retries = Annotated[
    int | None,
    option(
        "--retries",
        min=0,
        metavar="N",
        help="Retries after faults; never after a refusal.",
        rich_help_panel=_PACE,
    ),
]
MaxAuthFailures = Annotated[
    int | None,
    option(
        "--max-auth-failures",
        min=1,
        metavar="N",
        help="Failed authentications in a row after which a client is left alone.",
        rich_help_panel=_BUDGETS,
    ),
]
MaxFailedClients = Annotated[
    int,
    option(
        "--max-auth-failures-per-server",
        min=1,
        metavar="N",
        help="Clients that fail to authenticate after which a server is left alone.",
        rich_help_panel=_BUDGETS,
    ),
]
MaxRequests = Annotated[
    int | None,
    option(
        "--max-requests",
        min=1,
        metavar="N",
        help="Stop after so many requests.",
        rich_help_panel=_BUDGETS,
    ),
]
MaxRequestsPerClient = Annotated[
    int | None,
    option(
        "--max-requests-per-client",
        min=1,
        metavar="N",
        help="The same for each client.",
        rich_help_panel=_BUDGETS,
    ),
]
MaxTokens = Annotated[
    int | None,
    option(
        "--max-tokens",
        min=1,
        metavar="N",
        help="Stop after so many issued tokens.",
        rich_help_panel=_BUDGETS,
    ),
]
MaxTime = Annotated[
    str | None,
    option(
        "--max-time", metavar="2h", help="Stop asking after this long.", rich_help_panel=_BUDGETS
    ),
]
MaxPause = Annotated[
    str,
    option(
        "--max-pause",
        metavar="15m",
        help="Give a server up that asks for a longer pause.",
        rich_help_panel=_BUDGETS,
    ),
]
Out = Annotated[
    Path,
    option("--out", "-o", metavar="DIR", help="Output folder.", rich_help_panel=_OUTPUT),
]
FailOn = Annotated[
    str,
    option(
        "--fail-on",
        metavar="LIST",
        help="Findings that make exit code 1: missing, excess, changed, unauthenticated, unknown,"
        " unenforced, secret_expiry, stale_waiver; or never.",
        rich_help_panel=_OUTPUT,
    ),
]
Formats = Annotated[
    list[ReportFormat] | None,
    option(
        "--format",
        "-f",
        help="Files beside the CSV ones; repeatable.",
        rich_help_panel=_OUTPUT,
    ),
]
BaselineFile = Annotated[
    Path | None,
    option(
        "--baseline",
        metavar="FILE",
        help="What was accepted, and waivers: `scopeprobe baseline write` makes it.",
        rich_help_panel=_POLICY,
    ),
]
PolicyFile = Annotated[
    Path | None,
    option("--policy", metavar="FILE", help="Expectations of whole tags.", rich_help_panel=_POLICY),
]
Previous = Annotated[
    str | None,
    option(
        "--previous",
        metavar="RUN",
        help="Find what changed since that run, or since the last: each cell is held against its"
        " last proved verdict.",
        rich_help_panel=_POLICY,
    ),
]
NewOnly = Annotated[
    bool,
    option("--new-only", help="Only findings that are new.", rich_help_panel=_POLICY),
]
Keep = Annotated[
    int,
    option(
        "--keep",
        min=1,
        metavar="N",
        help="Finished runs that are remembered.",
        rich_help_panel=_POLICY,
    ),
]
Format = Annotated[
    LogFormat,
    option(
        "--log-format",
        help="For people or for machines; auto looks where they go.",
        rich_help_panel=_OUTPUT,
    ),
]
LogFile = Annotated[
    Path | None,
    option(
        "--log-file",
        metavar="FILE",
        help="Every event as a line of JSON, appended.",
        rich_help_panel=_OUTPUT,
    ),
]
Quiet = Annotated[
    bool, option("--quiet", "-q", help="Warnings and errors only.", rich_help_panel=_OUTPUT)
]
Verbose = Annotated[
    int,
    option("--verbose", "-v", count=True, help="More logs; repeatable.", rich_help_panel=_OUTPUT),
]
NoProgress = Annotated[
    bool, option("--no-progress", help="No progress bar.", rich_help_panel=_OUTPUT)
]
