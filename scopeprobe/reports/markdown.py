"""A summary for the page of a job: every finding, and little else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scopeprobe.model.cell import PermissionMap
from scopeprobe.reports.findings import ERROR, WARNING, worst_first
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.texts import counted

MOST_UNTESTED = 20
_INERT = str.maketrans(
    {chr(code): " " for code in (*range(32), 127)}
    | {"|": "\\|", "`": "'", "<": "&lt;", ">": "&gt;", "[": "\\[", "]": "\\]", "\\": "\\\\"}
)
_ADDRESS = re.compile(r"(?<=:)/(?=/)|(?<=www)\.|@", re.IGNORECASE)
"""Characters by which GitHub knows an address, of which it makes a link."""


def report_markdown(_maps: Sequence[PermissionMap], summary: Summary) -> str:
    """All that is wrong, the worst first, and what was not tested."""
    return "\n".join(_lines(summary)) + "\n"


def _lines(summary: Summary) -> Iterator[str]:
    state = "complete" if summary.complete else "incomplete"
    yield f"## scopeprobe: {counted(len(summary.findings), 'finding')}, {state}"
    yield ""
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in summary.counts.items() if n)
    clients, servers = counted(len(summary.clients), "client"), len(summary.servers)
    yield f"{clients} on {counted(servers, 'server')}: {verdicts or 'nothing'}."
    yield f"{counted(summary.requests, 'request')}, {counted(summary.tokens, 'token')} issued."
    for severity, word in ((ERROR, "finding"), (WARNING, "warning")):
        rows = [
            (one.kind, one.subject, one.audience, one.scope, one.owner, one.since, one.detail)
            for its, one in worst_first(summary)
            if its == severity
        ]
        if rows:
            head = (word, "client or server", "audience", "scope", "owner", "since", "what")
            yield from _table(head, rows)
    if summary.not_tested:
        untested = [(n.client, n.why, str(n.cells)) for n in summary.not_tested]
        yield from _table(("not tested", "why", "cells"), untested[:MOST_UNTESTED])
        if len(untested) > MOST_UNTESTED:
            yield ""
            yield f"… and {len(untested) - MOST_UNTESTED} more."
    yield ""
    yield f"Run `{summary.run}`, {summary.started} to {summary.finished}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(map(_inert, row))} |"


def _inert(cell: str) -> str:
    """Text that is shown as it is: no link, no cell more, no tag."""
    return _ADDRESS.sub(lambda found: f"&#{ord(found[0])};", cell.translate(_INERT))
