"""What is accepted and waived, for people in 80 columns and for machines as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import date

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scopeprobe.model.cell import Verdict
from scopeprobe.policy import Baseline
from scopeprobe.reports.names import Names
from scopeprobe.reports.texts import json_text

_ACCEPTED = (Verdict.GRANTED, Verdict.DENIED, Verdict.UNENFORCED)


def baseline_json(baseline: Baseline) -> str:
    members = {
        "version": 1,
        "accepted": [
            {"client": client, "audience": audience, "scope": scope, "verdict": verdict}
            for (client, audience, scope), verdict in sorted(baseline.verdicts.items())
        ],
        "unauthenticated": sorted(baseline.unauthenticated),
        "waivers": [asdict(waiver) for waiver in baseline.waivers],
    }
    return json_text(members)


def baseline_table(baseline: Baseline, today: date) -> RenderableType:
    accepted = Table(box=None, pad_edge=False)
    accepted.add_column("client")
    accepted.add_column("audience")
    for verdict in _ACCEPTED:
        accepted.add_column(verdict, justify="right")
    counts = Counter((cell[:2], verdict) for cell, verdict in baseline.verdicts.items())
    places = sorted({cell[:2] for cell in baseline.verdicts})
    clients = Names((*(client for client, _ in places), *baseline.unauthenticated))
    audiences = Names(audience for _, audience in places)
    for client, audience in places:
        counted = (str(counts[(client, audience), verdict] or "") for verdict in _ACCEPTED)
        accepted.add_row(clients.cell(client), audiences.cell(audience), *counted)
    for client in sorted(baseline.unauthenticated):
        accepted.add_row(clients.cell(client), Text("unauthenticated"))
    if not baseline.waivers:
        return accepted
    waivers = Table(title="waivers", title_justify="left", title_style="bold", box=None)
    for name in ("client", "scope", "owner", "until", "reason"):
        waivers.add_column(name, overflow="fold")
    for waiver in baseline.waivers:
        until = f"{waiver.expires}{' (expired)' if waiver.expires < today else ''}"
        cells = (waiver.client, waiver.scope, waiver.owner, until, waiver.reason)
        waivers.add_row(*map(Text, cells))
    return Group(accepted, "", waivers)
