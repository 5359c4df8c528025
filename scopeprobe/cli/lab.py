"""`scopeprobe lab`."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import Annotated

import anyio
import typer

from scopeprobe.cli import options
from scopeprobe.errors import InputError
from scopeprobe.lab import Lab, available_profiles, demo_servers, read_fleet
from scopeprobe.reports.texts import counted

EXAMPLES = """
Examples:

  scopeprobe lab --list

  scopeprobe lab --port 8089 --fleet servers.toml
"""


def lab_command(
    *,
    port: Annotated[
        int, options.option("--port", min=0, max=65535, metavar="N", help="0: any free port.")
    ] = 0,
    fleet: Annotated[
        Path | None,
        options.option(
            "--fleet", metavar="FILE", help="Servers and clients to play; the demo's by default."
        ),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="List the server behaviors that can be played.")
    ] = False,
) -> None:
    """
    Run the embedded authorization server by itself, on loopback, until Ctrl-C.

    It plays servers that behave like real ones, to try scopeprobe and other clients on.
    """
    if list_:
        for name, summary in available_profiles().items():
            typer.echo(fill(f"{name:24} {summary}", 80, subsequent_indent=" " * 25))
        return
    try:
        servers = demo_servers() if fleet is None else read_fleet(fleet)
    except OSError as error:
        raise InputError([f"--fleet {fleet}: {error.strerror}"]) from error

    async def serve() -> None:
        async with Lab(servers).serve(port) as base_url:
            for server in servers:
                clients = counted(len(server.clients), "client")
                typer.echo(f"{base_url}/{server.name}/token  {clients}")
            await anyio.sleep_forever()

    anyio.run(serve)
