"""What changed between two runs: for people in 80 columns, for machines as JSON."""

from __future__ import annotations

from dataclasses import asdict
from textwrap import fill

from scopeprobe.policy.changes import Difference, Differences
from scopeprobe.reports.texts import json_text


def differences_json(found: Differences) -> str:
    """Members of docs/design.md, "Shapes of the JSON"; a verdict is null where no cell was."""
    members = {"version": 1, **asdict(found)}
    return json_text(members)


def differences_text(found: Differences) -> str:
    """One difference a line: what was gained or lost first."""
    if not found:
        return "no differences\n"
    lines = [_line("gained", one) for one in found.gained]
    lines += [_line("lost", one) for one in found.lost]
    lines += [_line("changed", one) for one in found.changed]
    lines += [f"new client: {client}" for client in found.new_clients]
    lines += [f"gone client: {client}" for client in found.gone_clients]
    wrapped = (fill(line, 80, subsequent_indent="  ", break_on_hyphens=False) for line in lines)
    return "".join(f"{line}\n" for line in wrapped)


def _line(kind: str, one: Difference) -> str:
    where = " ".join(filter(None, (one.client, one.audience, one.scope)))
    return f"{kind}: {where}: {one.before or 'absent'} -> {one.after or 'absent'}"
