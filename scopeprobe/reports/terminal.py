"""What a person reads on a terminal: a matrix a server, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import groupby
from string import ascii_letters

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scopeprobe.model.cell import Cell, PermissionMap, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.scope_names import Scope
from scopeprobe.reports.summary import ServerSummary

MOST_COLUMNS = 24
"""Scopes that fit beside a client's name in 80 columns; with more, verdicts are counted."""
MOST_REMARKS = 12

_SIGNS = {
    Verdict.GRANTED: ("✓", "+", "green"),
    Verdict.DENIED: ("✗", "-", "red"),
    Verdict.UNENFORCED: ("~", "~", "yellow"),
    Verdict.UNAUTHENTICATED: ("!", "!", "magenta"),
    Verdict.UNKNOWN: ("?", "?", "cyan"),
}


def audit_table(
    maps: Sequence[PermissionMap], servers: Mapping[ClientName, str], *, unicode: bool
) -> RenderableType:
    """The maps of all clients, by server. `unicode`: the output can show ✓."""

    def server_of(permissions: PermissionMap) -> str:
        return servers[permissions.client]

    scopes = sorted({cell.scope for permissions in maps for cell in permissions.cells})
    by_server = groupby(sorted(maps, key=server_of), server_of)
    if len(scopes) > MOST_COLUMNS:
        return Group(*(_counts(server, list(members)) for server, members in by_server))
    letters = dict(zip(scopes, ascii_letters, strict=False))
    matrices = [_matrix(server, list(members), letters, unicode) for server, members in by_server]
    legend = [Text(f"{letter} {scope}", style="dim") for scope, letter in letters.items()]
    signs = "   ".join(
        f"{sign if unicode else plain} {verdict}" for verdict, (sign, plain, _) in _SIGNS.items()
    )
    return Group(*matrices, Columns(legend, padding=(0, 2)), Text(signs, style="dim"))


def remarks(maps: Iterable[PermissionMap]) -> list[str]:
    """Clients with good credentials that get 401 for some scopes, as if the secret were wrong."""
    lines = []
    for permissions in maps:
        blamed = [
            cell.scope
            for cell in permissions.cells
            if cell.verdict is Verdict.DENIED and cell.http_status == HTTPStatus.UNAUTHORIZED
        ]
        if blamed:
            named = _few(blamed)
            lines.append(f"{permissions.client}: its credentials are good; 401 is for {named}")
    left = len(lines) - MOST_REMARKS
    return lines if left <= 0 else [*lines[:MOST_REMARKS], f"… and {left} clients more"]


def advertised_remarks(servers: Iterable[ServerSummary]) -> list[str]:
    """Servers whose `scopes_supported` differ from what was found, and how."""
    lines = []
    for server in servers:
        if refused := server.advertised_but_refused:
            lines.append(f"{server.name}: advertised, and refused to all: {_few(refused)}")
        if unadvertised := server.granted_but_not_advertised:
            lines.append(f"{server.name}: granted, and not advertised: {_few(unadvertised)}")
    left = len(lines) - MOST_REMARKS
    return lines if left <= 0 else [*lines[:MOST_REMARKS], f"… and {left} more in summary.json"]


def _few(scopes: Sequence[Scope]) -> str:
    return ", ".join(scopes[:3]) + (f" and {len(scopes) - 3} more" if scopes[3:] else "")


def _matrix(
    server: str, maps: Sequence[PermissionMap], letters: Mapping[Scope, str], unicode: bool
) -> RenderableType:
    table = _table(server)
    for letter in letters.values():
        table.add_column(letter, width=1)
    for name, cells in _rows(maps):
        verdicts = {cell.scope: cell.verdict for cell in cells}
        table.add_row(Text(name), *(_sign(verdicts.get(scope), unicode) for scope in letters))
    return Group(table, "")


def _counts(server: str, maps: Sequence[PermissionMap]) -> RenderableType:
    table = _table(server)
    for verdict in Verdict:
        table.add_column(verdict.value[:8], justify="right")
    for name, cells in _rows(maps):
        verdicts = [cell.verdict for cell in cells]
        table.add_row(Text(name), *(str(verdicts.count(verdict) or "") for verdict in Verdict))
    return Group(table, "")


def _table(server: str) -> Table:
    table = Table(
        title=Text(server),
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 1, 0, 0),
        collapse_padding=True,
    )
    table.add_column("client", no_wrap=True, overflow="ellipsis", max_width=26, min_width=26)
    return table


def _rows(maps: Sequence[PermissionMap]) -> Iterable[tuple[str, list[Cell]]]:
    """One row a client, or a client and audience where there are several."""
    for permissions in maps:
        for audience, cells in groupby(permissions.cells, lambda cell: cell.audience):
            name = f"{permissions.client} {audience}" if audience else permissions.client
            yield name, list(cells)


def _sign(verdict: Verdict | None, unicode: bool) -> Text:
    if verdict is None:
        return Text("")
    sign, plain, style = _SIGNS[verdict]
    return Text(sign if unicode else plain, style=style)
