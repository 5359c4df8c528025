"""`scopeprobe import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.cli import options
from scopeprobe.cli.streams import print_data, say
from scopeprobe.inputs.importers import Product, clients_text, read_export
from scopeprobe.reports.texts import counted

EXAMPLES = """
Examples:

  scopeprobe import okta apps.json > clients.toml

  scopeprobe import keycloak realm-export.json --issuer https://login.corp.example/realms/main

  az ad app list --all > apps.json && scopeprobe import entra apps.json > clients.toml

  scopeprobe import genesys oauth-clients.json --region mypurecloud.ie > clients.toml
"""


def import_command(
    product: Annotated[Product, typer.Argument(help="Whose export it is.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The export, as JSON.")],
    *,
    issuer: Annotated[
        str,
        options.option("--issuer", metavar="URL", help="Where these applications get tokens."),
    ] = "",
    region: Annotated[
        str,
        options.option("--region", metavar="REGION", help="Of Genesys Cloud: mypurecloud.ie."),
    ] = "",
) -> None:
    """
    Turn a product's export of its applications into a clients file, on standard output.

    No secret is taken over: each client gets a reference that is to be filled in. What is left out
    (public clients, disabled ones, other grants) is said on standard error.

    Exit codes: 0 written, 2 that is no such export.
    """
    given = {"issuer": issuer, "region": region}
    found = read_export(product, file, **{key: value for key, value in given.items() if value})
    print_data(clients_text(found))
    for application in found.applications:
        if application.left_out:
            say(f"left out: {application.title}: {application.left_out}")
    kept = sum(not application.left_out for application in found.applications)
    say(f"clients: {kept} of {counted(len(found.applications), 'application')}")
