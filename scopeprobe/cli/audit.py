"""`scopeprobe audit`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from scopeprobe.cli import options
from scopeprobe.cli.logs import LogFormat
from scopeprobe.cli.streams import say
from scopeprobe.cli.terminal import Printed, Terminal
from scopeprobe.errors import InputError
from scopeprobe.model.assignment import Proof

if TYPE_CHECKING:
    from scopeprobe.audits.audit import Audit

EXAMPLES = """
Examples:

  scopeprobe audit clients.toml --scopes scopes.txt

  scopeprobe audit clients.toml --max-requests 500 -o nightly

  scopeprobe audit clients.toml -o nightly --resume

  scopeprobe audit clients.toml -o nightly --previous last --fail-on changed,missing

Every long option can also be set in the environment: --max-time as SCOPEPROBE_MAX_TIME.
"""
MANY_REQUESTS = 1000


class StrategyName(StrEnum):
    EACH = "each"
    ADAPTIVE = "adaptive"
    RECHECK = "recheck"


def audit_command(
    clients: options.Clients,
    *,
    scopes: options.Scopes = None,
    scope: options.Scope = None,
    client: options.ChosenClients = None,
    tag: options.ChosenTags = None,
    providers: options.Providers = None,
    scopes_from_metadata: options.ScopesFromMetadata = False,
    allow_literal_secrets: options.LiteralSecrets = False,
    strategy: Annotated[
        StrategyName,
        options.option(
            "--strategy",
            "-s",
            help="One request per scope, the fewest requests, or last night's map proved again.",
        ),
    ] = StrategyName.EACH,
    proof: options.ProofBy = Proof.SAFE,
    verify: options.VerifyBy = None,
    revoke: options.Revoke = False,
    rate: options.Rate = None,
    client_rate: options.ClientRate = None,
    in_flight: options.InFlight = None,
    timeout: options.Timeout = None,
    retries: options.Retries = None,
    max_auth_failures: options.MaxAuthFailures = None,
    max_auth_failures_per_server: options.MaxFailedClients = 20,
    max_requests: options.MaxRequests = None,
    max_requests_per_client: options.MaxRequestsPerClient = None,
    max_tokens: options.MaxTokens = None,
    max_time: options.MaxTime = None,
    max_pause: options.MaxPause = "15m",
    out: options.Out = Path("scopeprobe-out"),
    resume: Annotated[
        bool, options.option("--resume", help="Go on with the unfinished run of --out.")
    ] = False,
    run: Annotated[
        str | None,
        options.option("--run", metavar="ID", help="The run that --resume goes on with."),
    ] = None,
    wait: Annotated[
        bool,
        options.option("--wait", help="Wait for another audit that writes to --out."),
    ] = False,
    fail_on: options.FailOn = "missing,excess,unauthenticated",
    formats: options.Formats = None,
    baseline: options.BaselineFile = None,
    policy: options.PolicyFile = None,
    previous: options.Previous = None,
    new_only: options.NewOnly = False,
    keep: options.Keep = 100,
    print_: Annotated[
        Printed | None,
        options.option(
            "--print", help="To standard output; by default the table, on a terminal only."
        ),
    ] = None,
    yes: Annotated[
        bool, options.option("--yes", help="Do not ask before more than 1,000 requests.")
    ] = False,
    log_format: options.Format = LogFormat.AUTO,
    log_file: options.LogFile = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
    no_progress: options.NoProgress = False,
) -> None:
    """
    Probe clients x candidates: permission maps, reports, exit code.

    Every client is asked without scope, for an invented scope, and for each candidate alone; what
    is found goes to permissions.csv, matrix.csv, clients/ and summary.json in the output folder.

    Exit codes: 0 complete, 1 findings over the bar, 2 input error, 3 incomplete, 4 nothing could
    be judged, 130 interrupted.
    """
    from scopeprobe.audits.audit import Audit  # noqa: PLC0415 - heavy, and not needed for --help
    from scopeprobe.cli import inputs  # noqa: PLC0415
    from scopeprobe.cli.run_audit import run_audit  # noqa: PLC0415
    from scopeprobe.engine.budgets import Budgets  # noqa: PLC0415
    from scopeprobe.inputs import read_baseline, read_policy  # noqa: PLC0415
    from scopeprobe.inputs.units import parse_duration  # noqa: PLC0415
    from scopeprobe.policy import Policy  # noqa: PLC0415

    limits = Budgets(
        max_requests=max_requests,
        max_requests_per_client=max_requests_per_client,
        max_tokens=max_tokens,
        max_time=inputs.parsed("--max-time", max_time, parse_duration),
        max_pause=inputs.parsed("--max-pause", max_pause, parse_duration) or 0.0,
        max_failed_clients=max_auth_failures_per_server,
    )
    bar = inputs.bar_from(fail_on)
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
            verify=verify,
            revokes=revoke,
        ),
    )
    order = Audit(
        fleet=inputs.with_metadata(fleet),
        out=out,
        limits=limits,
        bar=bar,
        policy=Policy(
            rules=() if policy is None else read_policy(policy),
            baseline=None if baseline is None else read_baseline(baseline),
        ),
        previous=previous or ("last" if "changed" in bar else None),
        new_only=new_only,
        formats=formats or (),
        keep=keep,
        strategy=strategy,
        proof=proof,
        is_patient=wait,
        resume=resume or run is not None,
        run_id=run,
    )
    packs = [word for folder in providers or () for word in ("--providers", folder)]
    terminal = Terminal(log_format, log_file, quiet, verbose, no_progress)
    _tell_what_it_takes(order, terminal, is_agreed=yes)
    run_audit(order, terminal, print_, (*packs, *clients))


def _tell_what_it_takes(order: Audit, terminal: Terminal, *, is_agreed: bool) -> None:
    """The plan in a line; more than a thousand requests are asked about, where somebody can say."""
    from scopeprobe.audits.plan import plan  # noqa: PLC0415
    from scopeprobe.reports.plan import plan_line  # noqa: PLC0415

    if order.resume:
        return
    cost = plan(order.fleet, order.limits, order.out, order.proof).cost_of(order.strategy)
    if terminal.is_for_people and not terminal.quiet:
        say(fill(plan_line(order.strategy, cost), 80, subsequent_indent="  "))
    asks = cost.requests_expected > MANY_REQUESTS and sys.stdin.isatty() and sys.stderr.isatty()
    if asks and not is_agreed and not typer.confirm("Go on?", err=True):
        raise InputError(["nothing was sent; `--max-requests` sets a bound, `--yes` asks no more"])
