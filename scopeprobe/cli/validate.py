"""`scopeprobe validate`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from scopeprobe.cli import options

EXAMPLES = """
Examples:

  scopeprobe validate clients.toml --scopes scopes.txt

  scopeprobe validate servers.toml clients.yaml --print json
"""


class Printed(StrEnum):
    TABLE = "table"
    JSON = "json"


def validate_command(
    clients: options.Clients,
    *,
    scopes: options.Scopes = None,
    scope: options.Scope = None,
    client: options.ChosenClients = None,
    tag: options.ChosenTags = None,
    providers: options.Providers = None,
    scopes_from_metadata: options.ScopesFromMetadata = False,
    allow_literal_secrets: options.LiteralSecrets = False,
    rate: options.Rate = None,
    client_rate: options.ClientRate = None,
    in_flight: options.InFlight = None,
    timeout: options.Timeout = None,
    retries: options.Retries = None,
    max_auth_failures: options.MaxAuthFailures = None,
    print_: Annotated[
        Printed, options.option("--print", help="What goes to standard output.")
    ] = Printed.TABLE,
) -> None:
    """
    Read the inputs, resolve the secrets, print what would be used. Nothing is sent.

    With --scopes-from-metadata the metadata of the servers is read; no token request is sent.

    Never prints a secret. Exit codes: 0 everything can be used, 2 it cannot.
    """
    import sys  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415

    from scopeprobe.cli import inputs  # noqa: PLC0415
    from scopeprobe.reports.inventory import inventory_json, inventory_table  # noqa: PLC0415

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
            timeout=timeout,
            in_flight=in_flight,
            retries=retries,
            max_auth_failures=max_auth_failures,
        ),
    )
    if scopes_from_metadata:
        fleet = inputs.with_metadata(fleet)
    for notice in fleet.notices:
        typer.echo(f"notice: {notice}", err=True)
    if print_ is Printed.JSON:
        typer.echo(inventory_json(fleet.clients), nl=False)
    else:
        console = Console(width=None if sys.stdout.isatty() else 80, highlight=False)
        console.print(inventory_table(fleet.clients))
