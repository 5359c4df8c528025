"""`scopeprobe discover`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import anyio
import typer

from scopeprobe.audits.discover import describe
from scopeprobe.cli import complete, options
from scopeprobe.cli.exit_codes import Exit
from scopeprobe.cli.inputs import clients_here, files_and_name, parsed, taken_from_here
from scopeprobe.cli.options import TableOrJson
from scopeprobe.cli.output import print_as
from scopeprobe.cli.streams import say
from scopeprobe.errors import InputError, did_you_mean
from scopeprobe.inputs import Overrides, read_servers
from scopeprobe.inputs.schema import check_issuer
from scopeprobe.inputs.units import parse_duration
from scopeprobe.model.client import ClientName
from scopeprobe.model.server import Connection, Endpoints, Server
from scopeprobe.model.urls import is_plain_http_abroad
from scopeprobe.reports.metadata import Described, metadata_json, metadata_table

EXAMPLES = """
Examples:

  scopeprobe discover clients.toml

  scopeprobe discover clients.toml billing-nightly --print json

  scopeprobe discover --issuer https://login.corp.example/realms/main
"""


def discover_command(
    clients: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="CLIENTS... [NAME]",
            help="Clients files; a word that is no file is the name of a server or client.",
            autocompletion=complete.names_or_files,
            show_default=False,
        ),
    ] = None,
    *,
    issuer: Annotated[
        str | None,
        options.option("--issuer", metavar="URL", help="An issuer, instead of CLIENTS."),
    ] = None,
    timeout: options.Timeout = None,
    print_: options.Print = TableOrJson.TABLE,
) -> None:
    """
    Read the metadata of servers: endpoints, authentication methods, scopes_supported.

    By RFC 8414, then OpenID Connect. No secret is looked up, and no token request is sent.

    Exit codes: 0 all were read, 2 input error, 3 some could not be read, 4 none could.
    """
    overrides = Overrides(timeout=parsed("--timeout", timeout, parse_duration))
    if issuer is not None and not clients:
        servers = [_server_of(issuer, overrides)]
    elif issuer is None:
        servers = _chosen_servers(clients or clients_here(), overrides, are_given=bool(clients))
    else:
        raise InputError(["discover: give CLIENTS or --issuer URL, one of them"])
    described = anyio.run(describe, servers)
    print_as(print_, metadata_table(described), metadata_json(described))
    raise typer.Exit(_exit_code(described))


def _server_of(issuer: str, overrides: Overrides) -> Server:
    """A server of which only the issuer is known. Raises InputError where that cannot be one."""
    parsed("--issuer", issuer, check_issuer)
    if is_plain_http_abroad(issuer):
        raise InputError([f"--issuer {issuer}: must be https"])
    connection = Connection(timeout=overrides.timeout) if overrides.timeout else Connection()
    return Server(issuer, Endpoints(issuer=issuer), connection)


def _chosen_servers(
    words: Sequence[Path], overrides: Overrides, *, are_given: bool
) -> list[Server]:
    """
    The servers of clients files; of words that are no files, the last one names one of them.

    Raises InputError where none of them names an issuer.
    """
    paths, name = files_and_name(words)
    if not are_given or not {*paths} <= {*words}:
        say(f"notice: {taken_from_here(paths)}")
    servers, servers_of_clients = read_servers(paths, overrides=overrides, stdin=sys.stdin)
    if name is not None:
        server = servers.get(name) or servers_of_clients.get(ClientName(name))
        if server is None:
            known = {*servers, *servers_of_clients}
            near = did_you_mean(name, known)
            message = f"{name}: is no file, and no server or client of {paths[0]}{near}"
            raise InputError([message])
        servers = {server.name: server}
    if not any(server.endpoints.issuer for server in servers.values()):
        cure = "write `issuer` for the server, or give --issuer URL"
        raise InputError([f"{name or paths[0]}: names no issuer to read metadata of; {cure}"])
    return [servers[name] for name in sorted(servers)]


def _exit_code(described: Sequence[Described]) -> Exit:
    """Of the servers that name an issuer; others have nothing to be read."""
    read = [one.is_read for one in described if one.server.endpoints.issuer]
    if all(read):
        return Exit.DONE
    return Exit.INCOMPLETE if any(read) else Exit.NOTHING
