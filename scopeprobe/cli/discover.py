"""`scopeprobe discover`."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scopeprobe.cli import options
from scopeprobe.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scopeprobe.reports.metadata import Described

EXAMPLES = """
Examples:

  scopeprobe discover clients.toml

  scopeprobe discover clients.toml billing-nightly --print json

  scopeprobe discover --issuer https://login.corp.example/realms/main
"""


class Printed(StrEnum):
    TABLE = "table"
    JSON = "json"


class Exit(IntEnum):
    ALL_READ = 0
    SOME_UNREAD = 3
    NONE_READ = 4


def discover_command(
    clients: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="CLIENTS... [NAME]",
            help="Clients files; a last word that is no file is the name of a server or client.",
            show_default=False,
        ),
    ] = None,
    *,
    issuer: Annotated[
        str | None,
        options.option("--issuer", metavar="URL", help="An issuer, instead of CLIENTS."),
    ] = None,
    timeout: options.Timeout = None,
    print_: Annotated[
        Printed, options.option("--print", help="What goes to standard output.")
    ] = Printed.TABLE,
) -> None:
    """
    Read the metadata of servers: endpoints, authentication methods, scopes_supported.

    By RFC 8414, then OpenID Connect. No secret is looked up, and no token request is sent.

    Exit codes: 0 all were read, 2 input error, 3 some could not be read, 4 none could.
    """
    import anyio  # noqa: PLC0415 - heavy, and not needed for --help

    from scopeprobe.audits.discover import describe  # noqa: PLC0415
    from scopeprobe.cli import inputs  # noqa: PLC0415
    from scopeprobe.inputs import Overrides  # noqa: PLC0415
    from scopeprobe.inputs.units import parse_duration  # noqa: PLC0415

    overrides = Overrides(timeout=inputs.parsed("--timeout", timeout, parse_duration))
    if issuer is not None and not clients:
        servers = [inputs.server_of(issuer, overrides)]
    elif clients and issuer is None:
        servers = inputs.chosen_servers(clients, overrides)
    else:
        raise InputError(["discover: give CLIENTS or --issuer URL, one of them"])
    described = anyio.run(describe, servers)
    _print(described, print_)
    raise typer.Exit(_exit_code(described))


def _print(described: Sequence[Described], printed: Printed) -> None:
    import sys  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415

    from scopeprobe.cli.streams import print_data  # noqa: PLC0415
    from scopeprobe.reports.metadata import metadata_json, metadata_table  # noqa: PLC0415

    if printed is Printed.JSON:
        print_data(metadata_json(described))
        return
    console = Console(width=None if sys.stdout.isatty() else 80, highlight=False)
    with console.capture() as captured:
        console.print(metadata_table(described))
    print_data(captured.get())


def _exit_code(described: Sequence[Described]) -> Exit:
    """Of the servers that name an issuer; others have nothing to be read."""
    read = [one.is_read for one in described if one.server.endpoints.issuer]
    if all(read):
        return Exit.ALL_READ
    return Exit.SOME_UNREAD if any(read) else Exit.NONE_READ
