"""`scopeprobe validate`."""

from __future__ import annotations

from scopeprobe.cli import options
from scopeprobe.cli.audit_options import InputOptions, PaceOptions
from scopeprobe.cli.inputs import with_metadata
from scopeprobe.cli.options import TableOrJson
from scopeprobe.cli.output import print_as
from scopeprobe.cli.signature import takes_options
from scopeprobe.cli.streams import say
from scopeprobe.errors import InputError
from scopeprobe.inputs import read_policy
from scopeprobe.policy import unmatched_expectations
from scopeprobe.reports.inventory import inventory_json, inventory_table

EXAMPLES = """
Examples:

  scopeprobe validate clients.toml --scopes scopes.txt

  scopeprobe validate servers.toml clients.yaml --print json
"""


@takes_options
def validate_command(
    inputs: InputOptions,
    pace: PaceOptions,
    *,
    policy: options.PolicyFile = None,
    print_: options.Print = TableOrJson.TABLE,
) -> None:
    """
    Read the inputs, resolve the secrets, print what would be used. Nothing is sent.

    With --scopes-from-metadata the metadata of the servers is read; no token request is sent.

    Never prints a secret. Exit codes: 0 everything can be used, 2 it cannot.
    """
    fleet = inputs.fleet(pace.overrides())
    if inputs.scopes_from_metadata:
        fleet = with_metadata(fleet)
    rules = () if policy is None else read_policy(policy, fleet)
    unmatched = list(unmatched_expectations(fleet.as_known, rules, unread=fleet.unread))
    if errors := [str(one) for one in unmatched if not one.is_guard]:
        raise InputError(errors)
    for notice in (*fleet.notices, *map(str, unmatched)):
        say(f"notice: {notice}")
    print_as(print_, inventory_table(fleet.clients), inventory_json(fleet.clients))
