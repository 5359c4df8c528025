"""Provider packs, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scopeprobe.model.provider import Pack
from scopeprobe.reports.texts import json_text


def providers_table(packs: Sequence[Pack]) -> RenderableType:
    """One pack a row, what its map is read from and its limits below; regions at the end."""
    table = Table(box=None, show_header=True, pad_edge=False)
    table.add_column("provider", no_wrap=True)
    table.add_column("the map is read from")
    table.add_column("limits")
    for pack in packs:
        table.add_row(*map(Text, (pack.name, pack.map_from, pack.limits)))
    regions = [
        Text(f"regions of {pack.name}: {', '.join(pack.regions)}") for pack in packs if pack.regions
    ]
    return Group(table, *([""] if regions else []), *regions)


def providers_json(packs: Sequence[Pack]) -> str:
    members = {
        "version": 1,
        "providers": [
            {k: v for k, v in asdict(pack).items() if k != "traits"}
            | asdict(pack.traits)
            | {
                "rates": [str(rate) for rate in pack.rates],
                "client_rates": [str(rate) for rate in pack.client_rates],
            }
            for pack in packs
        ],
    }
    return json_text(members)
