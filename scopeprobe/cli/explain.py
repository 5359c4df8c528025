"""`scopeprobe explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import anyio
import typer

from scopeprobe.audits.explain import Explain, Explanations, bundled, explain_all
from scopeprobe.cli import options
from scopeprobe.cli.exit_codes import Exit
from scopeprobe.cli.explain_options import ExplainInputs
from scopeprobe.cli.inputs import endpoint_from, parsed
from scopeprobe.cli.print_explanations import Printed, print_explanations
from scopeprobe.cli.signature import takes_options
from scopeprobe.cli.streams import say
from scopeprobe.errors import InputError
from scopeprobe.inputs.units import parse_duration
from scopeprobe.providers import read_packs
from scopeprobe.reports.write import write_file

EXAMPLES = """
Examples:

  scopeprobe explain --token-endpoint https://login.corp.example/token --client-id billing

  scopeprobe explain clients.toml billing-nightly

  scopeprobe explain clients.toml billing-nightly --scope "orders.read orders.write" -v

  scopeprobe explain clients.toml billing-nightly --print json

  scopeprobe explain clients.toml --all -o nightly

  scopeprobe explain clients.toml orders-prod --like orders-staging
"""


@takes_options
def explain_command(
    inputs: ExplainInputs,
    *,
    try_endpoint: Annotated[
        str | None,
        options.option(
            "--try-endpoint",
            metavar="URL",
            help="A token endpoint that its credentials may be sent to as well.",
        ),
    ] = None,
    providers: options.Providers = None,
    max_requests: Annotated[
        int,
        options.option(
            "--max-requests", at_least=1, metavar="N", help="Stop after this many requests."
        ),
    ] = 60,
    max_auth_failures: Annotated[
        int | None,
        options.option(
            "--max-auth-failures",
            at_least=1,
            metavar="N",
            help="Failed authentications in a row that may be spent in a day; the server's own"
            " limit unless given.",
        ),
    ] = None,
    max_pause: Annotated[
        str,
        options.option("--max-pause", metavar="1m", help="The longest throttle to wait for."),
    ] = "1m",
    out: options.Out = options.DEFAULT_OUT,
    print_: Annotated[
        Printed, options.option("--print", help="What goes to standard output.")
    ] = Printed.TABLE,
    bundle: Annotated[
        Path | None,
        options.option(
            "--bundle",
            metavar="FILE",
            help="Write what was asked and answered, without names, ids and hosts, for"
            " `scopeprobe replay`.",
        ),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Every request with its answer, not only the first."),
    ] = False,
) -> None:
    """
    Why does this client get a 401? Which scope triggers it, or is it not the scope at all?

    Sends the request as configured, then others that differ in one thing each, and says what they
    prove and what to do next. Tokens that are issued are dropped at once. What the audits of --out
    found out is read first.

    Exit codes: 0 it works or is explained, 2 input error, 3 not explained.
    """
    if bundle is not None and not bundle.parent.is_dir():
        raise InputError([f"--bundle {bundle}: there is no folder {bundle.parent}"])
    packs = read_packs(providers or ())
    told = inputs.read(packs, out)
    if not told.clients:
        say("no client of the last run needs an explanation")
        print_explanations(Explanations(()), print_, verbose=verbose, is_several=True)
        return
    order = Explain(
        told.clients[0],
        told.scopes,
        try_endpoint=endpoint_from("--try-endpoint", try_endpoint),
        packs=packs,
        out=out,
        max_requests=max_requests,
        max_auth_failures=max_auth_failures,
        max_pause=parsed("--max-pause", max_pause, parse_duration) or 0.0,
        others=told.clients[1:],
        like=told.like,
    )
    found = anyio.run(explain_all, order)
    for notice in (*told.notices, *found.notices):
        say(f"notice: {notice}")
    if found.not_explained and not found.explained:
        raise InputError([one.told for one in found.not_explained])
    print_explanations(found, print_, verbose=verbose, is_several=inputs.all)
    if bundle is not None:
        write_file(bundle, [bundled(found)])
    raise typer.Exit(Exit.DONE if found.is_whole else Exit.INCOMPLETE)
