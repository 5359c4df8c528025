"""`scopeprobe plan`."""

from __future__ import annotations

from pathlib import Path

from scopeprobe.audits.plan import plan
from scopeprobe.cli import options
from scopeprobe.cli.audit_options import BudgetOptions, InputOptions, ProofOptions, RateOptions
from scopeprobe.cli.inputs import with_metadata
from scopeprobe.cli.options import TableOrJson
from scopeprobe.cli.output import print_as
from scopeprobe.cli.signature import takes_options
from scopeprobe.cli.streams import say
from scopeprobe.reports.plan import plan_json, plan_table

EXAMPLES = """
Examples:

  scopeprobe plan clients.toml --scopes scopes.txt

  scopeprobe plan clients.toml -o nightly --max-requests 500 --print json
"""


@takes_options
def plan_command(
    inputs: InputOptions,
    proofs: ProofOptions,
    rates: RateOptions,
    budgets: BudgetOptions,
    *,
    out: options.Out = Path("scopeprobe-out"),
    print_: options.Print = TableOrJson.TABLE,
) -> None:
    """
    What an audit would take: requests, tokens and time by strategy. No token request is sent.

    No secret is needed. Metadata may be read. Where the output folder holds a finished run, proving
    it again (recheck) stands beside the others, and quotas that were spent are counted. Retries
    after faults and throttles come on top.

    Exit codes: 0 planned, 2 input error.
    """
    fleet = inputs.fleet(proofs.added_to(rates.overrides()), environment=None)
    planned = plan(with_metadata(fleet), budgets.budgets(), out, proofs.proof)
    for notice in fleet.notices:
        say(f"notice: {notice}")
    print_as(print_, plan_table(planned), plan_json(planned))
