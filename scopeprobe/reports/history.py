"""When cells changed, for people in 80 columns and for machines as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from scopeprobe.policy.history import CellHistory
from scopeprobe.reports.summary import moment
from scopeprobe.reports.texts import json_text


def history_json(client: str, cells: Sequence[CellHistory]) -> str:
    members = {
        "version": 1,
        "client": client,
        "cells": [
            {
                "client": cell.client,
                "audience": cell.audience,
                "scope": cell.scope,
                "flapping": cell.is_flapping,
                "intervals": [
                    {
                        "verdict": interval.verdict,
                        "first_run": interval.first.id,
                        "first": moment(interval.first.started),
                        "last_run": interval.last.id,
                        "last": moment(interval.last.started),
                        "nights": interval.nights,
                        "not_proved": interval.unproved,
                    }
                    for interval in cell.intervals
                ],
            }
            for cell in cells
        ],
    }
    return json_text(members)


def history_table(cells: Sequence[CellHistory]) -> Table:
    """A row for every interval, the newest of a cell first; clients are named where several are."""
    table = Table(box=None, pad_edge=False)
    are_several = len({cell.client for cell in cells}) > 1
    if are_several:
        table.add_column("client", overflow="fold")
    table.add_column("scope", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for name in ("since", "until"):
        table.add_column(name, no_wrap=True)
    for name in ("nights", "not confirmed"):
        table.add_column(name, justify="right", no_wrap=True)
    for cell in cells:
        name = " ".join(filter(None, (cell.audience, cell.scope)))
        client = str(cell.client)
        if cell.is_flapping:
            name += " (flapping)"
        for interval in reversed(cell.intervals):
            since, until = (
                moment(run.started).partition("T")[0] for run in (interval.first, interval.last)
            )
            counted = (str(interval.nights), str(interval.unproved or ""))
            row = (name, interval.verdict, since, until, *counted)
            table.add_row(*map(Text, (client, *row) if are_several else row))
            name = client = ""
    return table
