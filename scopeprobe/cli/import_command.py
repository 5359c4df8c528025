"""`scopeprobe import`."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.cli import options
from scopeprobe.cli.streams import print_data, say
from scopeprobe.errors import InputError
from scopeprobe.inputs.importers import Export, Product, clients_text, merged, read_export
from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.client import ClientName
from scopeprobe.reports.texts import counted
from scopeprobe.reports.write import write_file
from scopeprobe.store import StoredRuns

EXAMPLES = """
Examples:

  scopeprobe import okta apps.json > clients.toml

  scopeprobe import okta apps.json --into clients.toml

  scopeprobe import keycloak realm-export.json --issuer https://login.corp.example/realms/main

  az ad app list --all > apps.json && scopeprobe import entra apps.json > clients.toml

  scopeprobe import genesys oauth-clients.json --region mypurecloud.ie --into clients.toml
"""


def import_command(
    product: Annotated[Product, typer.Argument(help="Whose export it is.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The export, as JSON.")],
    *,
    into: Annotated[
        Path | None,
        options.option(
            "--into",
            metavar="FILE",
            help="A clients file that new clients are added to; all else stays as it is.",
        ),
    ] = None,
    server: Annotated[
        str,
        options.option(
            "--server", metavar="NAME", help="Of these applications, in the clients file."
        ),
    ] = "",
    issuer: Annotated[
        str,
        options.option("--issuer", metavar="URL", help="Where these applications get tokens."),
    ] = "",
    region: Annotated[
        str,
        options.option("--region", metavar="REGION", help="Of Genesys Cloud: mypurecloud.ie."),
    ] = "",
    out: options.Out = options.DEFAULT_OUT,
) -> None:
    """
    Turn a product's export of its applications into a clients file, or add them to one.

    No secret is taken over: each client gets a reference that is to be filled in. What is skipped
    (public clients, disabled ones, other grants) is said on standard error. With --into, so are
    clients that are gone from the export, and those that no run of --out has judged.

    Exit codes: 0 written, 2 that is no such export.
    """
    given = {"issuer": issuer, "region": region}
    export = read_export(product, file, **{key: value for key, value in given.items() if value})
    if into is None:
        print_data(clients_text(export, server or product))
    for application in export.applications:
        if application.skipped:
            say(f"skipped: {application.title}: {application.skipped}")
    kept = sum(not application.skipped for application in export.applications)
    if into is None:
        say(f"clients: {kept} of {counted(len(export.applications), 'application')}")
    else:
        _merge(into, export, server, out)


def _merge(into: Path, export: Export, server: str, out: Path) -> None:
    """Add what is new to a clients file, and say what is new, gone or was never audited."""
    text, status = _read(into)
    result = merged(into, text, export, server)
    if result.text != text:
        write_file(into, [result.text], status)
    told = {
        "added": [*result.added],
        "gone": [f"{name}: {why}" for name, why in result.gone.items()],
        "differs": [f"{name}: {what}" for name, what in result.differing.items()],
        "never audited": _never_audited(result.clients, out),
    }
    for what, lines in told.items():
        for line in lines:
            say(f"{what}: {line}")
    counts = ", ".join(f"{len(lines)} {what}" for what, lines in told.items() if lines)
    say(f"{into}: {len(result.clients)} clients; {counts or 'nothing is new'}")


def _read(into: Path) -> tuple[str, os.stat_result | None]:
    """The text of a file that may be replaced, with its mode and owner; empty without one."""
    try:
        status = into.lstat()
    except FileNotFoundError:
        return "", None
    if not stat.S_ISREG(status.st_mode):
        raise InputError([f"{into}: is a link, or no file: name the file itself"])
    if not os.access(into, os.W_OK, effective_ids=True):
        raise InputError([f"{into}: cannot be written to"])
    try:
        return into.read_bytes().decode(), status
    except UnicodeDecodeError:
        raise InputError([f"{into}: is not UTF-8 text"]) from None


def _never_audited(clients: Sequence[str], out: Path) -> list[str]:
    """Those of whom no finished run of a folder settled a scope; none where no run is stored."""
    with StoredRuns.read_if_any(out) as store:
        if store is None:
            return []
        last = store.maps_before(math.inf)
        return [
            name
            for name in clients
            if not _is_settled(last.get(ClientName(name)))
            and not any(_is_settled(one) for _, one in store.maps_of_client(ClientName(name)))
        ]


def _is_settled(permissions: PermissionMap | None) -> bool:
    cells = () if permissions is None else permissions.cells
    return any(not cell.reason.is_open for cell in cells)
