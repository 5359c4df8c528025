"""`scopeprobe plan`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.cli import options
from scopeprobe.model.assignment import Proof

EXAMPLES = """
Examples:

  scopeprobe plan clients.toml --scopes scopes.txt

  scopeprobe plan clients.toml -o nightly --max-requests 500 --print json
"""


class Printed(StrEnum):
    TABLE = "table"
    JSON = "json"


def plan_command(
    clients: options.Clients,
    *,
    scopes: options.Scopes = None,
    scope: options.Scope = None,
    client: options.ChosenClients = None,
    tag: options.ChosenTags = None,
    providers: options.Providers = None,
    scopes_from_metadata: options.ScopesFromMetadata = False,
    allow_literal_secrets: options.LiteralSecrets = False,
    proof: options.ProofBy = Proof.SAFE,
    verify: options.VerifyBy = None,
    revoke: options.Revoke = False,
    rate: options.Rate = None,
    client_rate: options.ClientRate = None,
    max_requests: options.MaxRequests = None,
    max_requests_per_client: options.MaxRequestsPerClient = None,
    max_tokens: options.MaxTokens = None,
    max_time: options.MaxTime = None,
    out: options.Out = Path("scopeprobe-out"),
    print_: Annotated[
        Printed, options.option("--print", help="What goes to standard output.")
    ] = Printed.TABLE,
) -> None:
    """
    What an audit would take: requests, tokens and time by strategy. No token request is sent.

    Metadata may be read. Where the output folder holds a finished run, proving it again (recheck)
    stands beside the others, and quotas that were spent are counted. Retries after faults and
    throttles come on top.

    Exit codes: 0 planned, 2 input error.
    """
    import sys  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415

    from scopeprobe.audits.plan import plan  # noqa: PLC0415
    from scopeprobe.cli import inputs  # noqa: PLC0415
    from scopeprobe.engine.budgets import Budgets  # noqa: PLC0415
    from scopeprobe.inputs.units import parse_duration  # noqa: PLC0415
    from scopeprobe.reports.plan import plan_json, plan_table  # noqa: PLC0415

    fleet = inputs.read_fleet(
        inputs.Sources(
            clients,
            scopes,
            scope,
            providers,
            allow_literal_secrets,
            scopes_from_metadata,
            client,
            tag,
        ),
        inputs.overrides_from(
            rate=rate,
            client_rate=client_rate,
            timeout=None,
            in_flight=None,
            retries=None,
            max_auth_failures=None,
            verify=verify,
            revokes=revoke,
        ),
    )
    limits = Budgets(
        max_requests=max_requests,
        max_requests_per_client=max_requests_per_client,
        max_tokens=max_tokens,
        max_time=inputs.parsed("--max-time", max_time, parse_duration),
    )
    planned = plan(inputs.with_metadata(fleet), limits, out, proof)
    for notice in fleet.notices:
        typer.echo(f"notice: {notice}", err=True)
    if print_ is Printed.JSON:
        typer.echo(plan_json(planned), nl=False)
    else:
        console = Console(width=None if sys.stdout.isatty() else 80, highlight=False)
        console.print(plan_table(planned))
