"""`scopeprobe audit`."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from scopeprobe.audits.audit import Result, audit
from scopeprobe.audits.order import Audit, Resume
from scopeprobe.audits.plan import plan
from scopeprobe.cli import options
from scopeprobe.cli.app import unknown_variables
from scopeprobe.cli.audit_options import (
    BudgetOptions,
    InputOptions,
    OutputOptions,
    PaceOptions,
    PolicyOptions,
    ProofOptions,
    RunOptions,
)
from scopeprobe.cli.inputs import parsed
from scopeprobe.cli.log_options import LogOptions
from scopeprobe.cli.notify import notifier
from scopeprobe.cli.run_audit import run_audit
from scopeprobe.cli.signature import takes_options
from scopeprobe.cli.streams import say, wrapped
from scopeprobe.cli.tell_findings import command
from scopeprobe.errors import InputError
from scopeprobe.inputs.units import parse_duration
from scopeprobe.reports.plan import Cost, plan_line
from scopeprobe.reports.summary import Commands
from scopeprobe.strategies import STRATEGIES

EXAMPLES = """
Examples:

  scopeprobe audit clients.toml --scopes scopes.txt

  scopeprobe audit clients.toml --max-requests 500 -o nightly

  scopeprobe audit clients.toml -o nightly --resume

  scopeprobe audit clients.toml -o nightly --previous last --fail-on changed,missing

  scopeprobe audit clients.toml --cluster tcp://scheduler.example:8786

Every long option can also be set in the environment: --max-time as SCOPEPROBE_MAX_TIME.
"""
MANY_REQUESTS = 1000


class StrategyName(StrEnum):
    """A name out of the registry."""

    vars().update({name.upper(): name for name in STRATEGIES})


DEFAULT_STRATEGY = StrategyName("each")


@takes_options
def audit_command(
    context: typer.Context,
    inputs: InputOptions,
    *,
    strategy: Annotated[
        StrategyName,
        options.option(
            "--strategy",
            "-s",
            help="One request per scope, the fewest requests, or last night's map proved again.",
        ),
    ] = DEFAULT_STRATEGY,
    proofs: ProofOptions,
    pace: PaceOptions,
    max_auth_failures_per_server: Annotated[
        int,
        options.option(
            "--max-auth-failures-per-server",
            at_least=1,
            metavar="N",
            help="Clients that fail to authenticate after which a server gets no more attempts.",
            panel=options.BUDGETS,
        ),
    ] = 20,
    budgets: BudgetOptions,
    max_pause: Annotated[
        str,
        options.option(
            "--max-pause",
            metavar="15m",
            help="Give up on a server that asks for a longer pause, or is away for longer.",
            panel=options.BUDGETS,
        ),
    ] = "15m",
    output: OutputOptions,
    runs: RunOptions,
    policies: PolicyOptions,
    cluster: Annotated[
        str | None,
        options.option(
            "--cluster",
            metavar="ADDRESS|FILE|local:N",
            help="Let the workers of a Dask cluster ask, each rate group by one of them: the"
            " address of its scheduler, its scheduler file, or N workers on this machine.",
            panel=options.PACE,
        ),
    ] = None,
    print_: Annotated[
        options.TableOrFormat | None,
        options.option(
            "--print",
            metavar="FORMAT",
            help=f"To standard output: table (the default, on a terminal only), {options.FORMATS}.",
        ),
    ] = None,
    yes: Annotated[
        bool, options.option("--yes", help="Do not ask before more than 1,000 requests.")
    ] = False,
    logs: LogOptions,
) -> None:
    """
    Probe clients x candidates: permission maps, reports, exit code.

    Every client is asked without scope, for an invented scope, and for each candidate alone; what
    is found goes to findings.csv, permissions.csv, matrix.csv, clients/ and summary.json in the
    output folder, and report.html beside them is the page to look at.

    Exit codes: 0 complete, 1 findings that fail the run, 2 input error, 3 incomplete, 4 nothing
    could be judged, 130 interrupted.
    """
    limits = replace(
        budgets.budgets(),
        max_pause=parsed("--max-pause", max_pause, parse_duration) or 0.0,
        max_failed_clients=max_auth_failures_per_server,
    )
    fail_on, formats = output.kinds(), output.chosen_formats()
    environment = os.environ if cluster is None else None  # workers look secrets up themselves
    read = inputs.fleet(proofs.added_to(pace.overrides()), environment)
    fleet = replace(read, notices=(*unknown_variables(), *read.notices))
    order = Audit(
        fleet=fleet,
        out=output.out,
        limits=limits,
        fail_on=fail_on,
        policy=policies.read(fleet),
        previous=policies.compared_with(fail_on),
        new_only=policies.new_only,
        formats=formats,
        with_page=output.with_page(),
        commands=Commands(
            explain=command("explain", output.out, inputs.words_to_explain(None)[:-1]),
            history=command("history", output.out, ()),
        ),
        split_by=output.split_by,
        keep=policies.keep,
        strategy=strategy,
        proof=proofs.proof,
        is_patient=runs.wait,
        resume=runs.resumes(),
        run_id=runs.run,
    )
    told = None if output.notify is None else notifier(output.notify, output.out)
    expected = plan(fleet, limits, order.out, order.proof, (order.strategy,))
    if order.resume is not Resume.MUST:
        _confirm(order, expected.cost_of(order.strategy), logs, is_agreed=yes)
    code = run_audit(
        order,
        logs,
        print_,
        words=context.obj,
        words_to_explain=inputs.words_to_explain,
        plan=expected,
        notifier=told,
        carry_out=audit if cluster is None else _on(cluster),
    )
    raise typer.Exit(code)


def _on(cluster: str) -> Callable[[Audit], Awaitable[Result]]:
    """What carries an audit out on a cluster."""
    from scopeprobe.cluster.audit_on import audit_on  # noqa: PLC0415 - it takes its time

    return partial(audit_on, cluster)


def _confirm(order: Audit, cost: Cost, logs: LogOptions, *, is_agreed: bool) -> None:
    """Say in a line what the audit takes; on a terminal, ask before many requests."""
    if logs.is_for_people and not logs.quiet:
        more = ", and what metadata adds" if order.fleet.wants_advertised else ""
        say(wrapped(plan_line(order.strategy, cost) + more))
    asks = cost.requests_expected > MANY_REQUESTS and sys.stdin.isatty() and sys.stderr.isatty()
    if asks and not is_agreed and not typer.confirm("Go on?", err=True):
        raise InputError(
            ["nothing was sent; `--max-requests` sets a limit, `--yes` answers the question"]
        )
