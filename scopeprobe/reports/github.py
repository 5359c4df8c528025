"""Annotations for GitHub Actions: workflow commands that its runner reads on standard output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding
from scopeprobe.reports.findings import ERROR, WARNING, described, sentence, worst_first
from scopeprobe.reports.summary import ClientSummary, Commands, Summary
from scopeprobe.reports.texts import counted

MOST_SHOWN = 10
"""Of either level in one step: GitHub shows no more, and drops the rest in silence."""
_ESCAPED = str.maketrans(
    {chr(code): " " for code in (*range(32), 127)} | {"%": "%25", "\r": "%0D", "\n": "%0A"}
)
_ESCAPED_IN_PROPERTIES = _ESCAPED | str.maketrans({":": "%3A", ",": "%2C"})


def report_github(_maps: Iterable[PermissionMap], summary: Summary) -> Iterator[str]:
    """The worst first; where there are more than GitHub shows, the last says how many."""
    clients = {client.name: client for client in summary.clients}
    return (
        f"{line}\n" for level in (ERROR, WARNING) for line in _annotations(level, summary, clients)
    )


def _annotations(
    level: str, summary: Summary, clients: Mapping[ClientName, ClientSummary]
) -> Iterator[str]:
    found = [one for its, one in worst_first(summary) if its == level]
    shown = found if len(found) <= MOST_SHOWN else found[: MOST_SHOWN - 1]
    for one in shown:
        yield _annotation(level, one, clients, summary.commands)
    if left := len(found) - len(shown):
        kind = "finding" if level == ERROR else "warning"
        rest = f"{counted(left, f'more {kind}')}: GitHub shows {MOST_SHOWN} a step;"
        yield f"::{level} title=scopeprobe::{rest} findings.csv has them all."


def _annotation(
    level: str, one: Finding, clients: Mapping[ClientName, ClientSummary], commands: Commands
) -> str:
    properties = {"title": f"{one.kind}: {one.subject}"}
    for client in described(one, clients)[:1]:
        properties |= {"file": client.file} | ({"line": str(client.line)} if client.line else {})
    told = ",".join(
        f"{name}={value.translate(_ESCAPED_IN_PROPERTIES)}" for name, value in properties.items()
    )
    return f"::{level} {told}::{sentence(one, commands).translate(_ESCAPED)}"
