"""A summary short enough for the page of a job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scopeprobe.model.cell import PermissionMap
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.texts import counted

MOST_ROWS = 20
_INERT = str.maketrans(
    {chr(code): " " for code in (*range(32), 127)}
    | {"|": "\\|", "`": "'", "<": "&lt;", ">": "&gt;", "[": "\\[", "]": "\\]", "\\": "\\\\"}
)
_ADDRESS = re.compile(r"(?<=:)/(?=/)|(?<=www)\.|@", re.IGNORECASE)
"""Characters by which GitHub knows an address, of which it makes a link."""


def report_markdown(_maps: Sequence[PermissionMap], summary: Summary) -> str:
    """What is wrong first, then what was not tested, then the counts."""
    return "\n".join(_lines(summary)) + "\n"


def _lines(summary: Summary) -> Iterator[str]:
    state = "complete" if summary.complete else "incomplete"
    yield f"## scopeprobe: {counted(len(summary.findings), 'finding')}, {state}"
    yield ""
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in summary.counts.items() if n)
    clients, servers = counted(len(summary.clients), "client"), len(summary.servers)
    yield f"{clients} on {counted(servers, 'server')}: {verdicts or 'nothing'}."
    yield f"{counted(summary.requests, 'request')}, {counted(summary.tokens, 'token')} issued."
    if summary.findings:
        rows = [
            (one.kind, one.client, one.audience, one.scope, one.detail) for one in summary.findings
        ]
        yield from _table(("finding", "client", "audience", "scope", "what"), rows)
    if summary.not_tested:
        untested = [(n.client, n.reason, str(n.cells)) for n in summary.not_tested]
        yield from _table(("not tested", "why", "cells"), untested)
    yield ""
    yield f"Run `{summary.run}`, {summary.started} to {summary.finished}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows[:MOST_ROWS]:
        yield f"| {' | '.join(map(_inert, row))} |"
    if len(rows) > MOST_ROWS:
        yield ""
        yield f"… and {len(rows) - MOST_ROWS} more."


def _inert(cell: str) -> str:
    """Text that is shown as it is: no link, no cell more, no tag."""
    return _ADDRESS.sub(lambda found: f"&#{ord(found[0])};", cell.translate(_INERT))
