"""The list of stored runs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table

from scopeprobe.model.run import Run
from scopeprobe.reports.summary import moment
from scopeprobe.reports.texts import json_text


def runs_table(runs: Sequence[Run]) -> RenderableType:
    table = Table(box=None)
    for name in ("run", "started", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("clients", "cells"):
        table.add_column(name, justify="right")
    for run in runs:
        table.add_row(run.id, moment(run.started), _state(run), str(run.clients), str(run.cells))
    return table


def runs_json(runs: Sequence[Run]) -> str:
    members = {
        "version": 1,
        "runs": [
            {
                "run": run.id,
                "started": moment(run.started),
                "finished": None if run.finished is None else moment(run.finished),
                "complete": run.complete,
                "strategy": run.strategy,
                "clients": run.clients,
                "cells": run.cells,
            }
            for run in runs
        ],
    }
    return json_text(members)


def _state(run: Run) -> str:
    if run.complete:
        return "complete"
    return "unfinished" if run.finished is None else "incomplete"
