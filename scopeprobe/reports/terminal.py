"""What a person reads on a terminal: a matrix a server, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from string import ascii_letters

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scopeprobe.model.clients import Client, ClientName
from scopeprobe.model.findings import Finding, PermissionMap, Verdict

MOST_COLUMNS = 26
"""Scopes that fit beside a client's name; servers with more get counts instead."""

_SIGNS = {
    Verdict.GRANTED: ("✓", "+", "green"),
    Verdict.DENIED: ("✗", "-", "red"),
    Verdict.UNENFORCED: ("~", "~", "yellow"),
    Verdict.UNAUTHENTICATED: ("!", "!", "magenta"),
    Verdict.UNKNOWN: ("?", "?", "cyan"),
}


def audit_table(
    maps: Iterable[PermissionMap], clients: Mapping[ClientName, Client], *, unicode: bool
) -> RenderableType:
    """The maps of all clients, a matrix for each server. `unicode`: the output can show ✓."""

    def server_of(permissions: PermissionMap) -> str:
        return clients[permissions.client].server.name

    by_server = groupby(sorted(maps, key=server_of), server_of)
    tables = [_server_table(server, list(members), unicode) for server, members in by_server]
    signs = "   ".join(
        f"{sign if unicode else plain} {verdict}" for verdict, (sign, plain, _) in _SIGNS.items()
    )
    return Group(*tables, Text(signs, style="dim"))


def _server_table(server: str, maps: Sequence[PermissionMap], unicode: bool) -> RenderableType:
    scopes = sorted({finding.scope for permissions in maps for finding in permissions.findings})
    if len(scopes) > MOST_COLUMNS:
        return _counts(server, maps)
    letters = dict(zip(scopes, ascii_letters, strict=False))
    table = Table(title=server, title_justify="left", title_style="bold", box=None)
    table.add_column("client", no_wrap=True, overflow="ellipsis", max_width=26)
    for letter in letters.values():
        table.add_column(letter, width=1)
    for name, findings in _rows(maps):
        verdicts = {finding.scope: finding.verdict for finding in findings}
        table.add_row(Text(name), *(_sign(verdicts.get(scope), unicode) for scope in scopes))
    legend = [Text(f"{letter} {scope}", style="dim") for scope, letter in letters.items()]
    return Group(table, Columns(legend, padding=(0, 2)), "")


def _counts(server: str, maps: Sequence[PermissionMap]) -> RenderableType:
    table = Table(title=server, title_justify="left", title_style="bold", box=None)
    table.add_column("client", no_wrap=True, overflow="ellipsis", max_width=26)
    for verdict in Verdict:
        table.add_column(verdict.value[:7], justify="right")
    for name, findings in _rows(maps):
        verdicts = [finding.verdict for finding in findings]
        table.add_row(Text(name), *(str(verdicts.count(verdict) or "") for verdict in Verdict))
    return Group(table, "")


def _rows(maps: Sequence[PermissionMap]) -> Iterable[tuple[str, list[Finding]]]:
    """One row a client, or a client and audience where there are several."""
    for permissions in maps:
        for audience, findings in groupby(permissions.findings, lambda finding: finding.audience):
            name = f"{permissions.client} {audience}" if audience else permissions.client
            yield name, list(findings)


def _sign(verdict: Verdict | None, unicode: bool) -> Text:
    if verdict is None:
        return Text("")
    sign, plain, style = _SIGNS[verdict]
    return Text(sign if unicode else plain, style=style)
