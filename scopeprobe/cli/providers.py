"""`scopeprobe providers`."""

from __future__ import annotations

from scopeprobe.cli import options
from scopeprobe.cli.options import TableOrJson
from scopeprobe.cli.output import print_as
from scopeprobe.providers import read_packs
from scopeprobe.reports.providers import providers_json, providers_table

EXAMPLES = """
Examples:

  scopeprobe providers

  scopeprobe providers --providers packs/ --print json
"""


def providers_command(
    *,
    providers: options.Providers = None,
    print_: options.Print = TableOrJson.TABLE,
) -> None:
    """
    The provider packs: regions, limits, what their map is read from.

    A pack is chosen by the host of the token endpoint, or by `provider = "NAME"` of a server.
    """
    packs = read_packs(providers or ())
    print_as(print_, providers_table(packs), providers_json(packs))
