"""What a person reads on a terminal: a matrix a server, in whatever width there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from string import ascii_letters

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scopeprobe.model.cell import Cell, CellKey, PermissionMap, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.model.scope_names import Scope
from scopeprobe.reports.findings import ERROR, worst_first
from scopeprobe.reports.names import Names
from scopeprobe.reports.summary import ServerSummary, Summary
from scopeprobe.reports.texts import counted

ROOM_FOR_NAME = 32
"""Columns beside those of the scopes, which take two each; with more, verdicts are counted."""
MOST_REMARKS = 12

_SIGNS = {
    Verdict.GRANTED: ("✓", "+", "green"),
    Verdict.DENIED: ("✗", "-", "dim"),
    Verdict.UNENFORCED: ("~", "~", "yellow"),
    Verdict.UNAUTHENTICATED: ("!", "!", "bold red"),
    Verdict.UNKNOWN: ("?", "?", "yellow"),
}
_WRONG = "bold red"
_WRONG_CELLS = {FindingKind.EXCESS, FindingKind.MISSING}
"""Kinds of findings by which a cell is shown as wrong, whatever its verdict."""
_IN_WORDS = {FindingKind.UNAUTHENTICATED: "cannot log in"}


@dataclass(frozen=True, slots=True)
class _Row:
    """A client, or a client and audience where there are several."""

    name: str
    client: ClientName
    cells: Sequence[Cell]


def audit_table(
    maps: Sequence[PermissionMap], summary: Summary, *, unicode: bool, width: int
) -> RenderableType:
    """
    The maps of all clients, by server.

    :param unicode: the output can show ✓.
    :param width: its columns.
    """
    servers = {client.name: client.server for client in summary.clients}
    rows = list(_rows(maps))
    names = Names(row.name for row in rows)
    by_server: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        by_server[servers[row.client]].append(row)
    scopes = sorted({cell.scope for row in rows for cell in row.cells})
    if len(scopes) > min((width - ROOM_FOR_NAME) // 2, len(ascii_letters)):
        told = _findings_by_client(summary)
        return Group(*(_counts(name, by_server[name], names, told) for name in sorted(by_server)))
    letters = dict(zip(scopes, ascii_letters, strict=False))
    wrong = {_key(one) for _, one in worst_first(summary) if one.kind in _WRONG_CELLS}
    matrices = [
        _matrix(name, by_server[name], names, letters, wrong, unicode=unicode)
        for name in sorted(by_server)
    ]
    legend = [Text(f"{letter} {scope}", style="dim") for scope, letter in letters.items()]
    signs = "   ".join(
        f"{sign if unicode else plain} {verdict}" for verdict, (sign, plain, _) in _SIGNS.items()
    )
    return Group(*matrices, Columns(legend, padding=(0, 2)), Text(signs, style="dim"))


def _key(one: Finding) -> CellKey:
    return one.client, one.audience, one.scope


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
    return lines if left <= 0 else [*lines[:MOST_REMARKS], f"… and {counted(left, 'client')} more"]


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
    server: str,
    rows: Sequence[_Row],
    names: Names,
    letters: Mapping[Scope, str],
    wrong: set[CellKey],
    *,
    unicode: bool,
) -> RenderableType:
    table = _table(server)
    for letter in letters.values():
        table.add_column(letter, width=1, no_wrap=True)
    for row in rows:
        by_scope = {cell.scope: cell for cell in row.cells}
        signs = (_sign(by_scope.get(scope), wrong, unicode=unicode) for scope in letters)
        table.add_row(names.cell(row.name), *signs)
    return Group(table, "")


def _sign(cell: Cell | None, wrong: set[CellKey], *, unicode: bool) -> Text:
    if cell is None:
        return Text("")
    sign, plain, style = _SIGNS[cell.verdict]
    return Text(sign if unicode else plain, style=_WRONG if cell.key in wrong else style)


def _counts(
    server: str, rows: Sequence[_Row], names: Names, told: Mapping[ClientName, Sequence[Text]]
) -> RenderableType:
    """Verdicts, as far as any client has them, and what was found."""
    table = _table(server)
    verdicts = [v for v in Verdict if v is not Verdict.UNAUTHENTICATED and _some_has(rows, v)]
    for verdict in verdicts:
        table.add_column(verdict.value, justify="right", no_wrap=True)
    table.add_column("findings")
    for row in rows:
        found = [cell.verdict for cell in row.cells]
        counts = (str(found.count(verdict) or "") for verdict in verdicts)
        words = Text(", ").join(told.get(row.client, ()))
        table.add_row(names.cell(row.name), *counts, words)
    return Group(table, "")


def _some_has(rows: Iterable[_Row], verdict: Verdict) -> bool:
    return any(cell.verdict is verdict for row in rows for cell in row.cells)


def _findings_by_client(summary: Summary) -> dict[ClientName, list[Text]]:
    """What was found of each client in a few words, the worst first: how much of which kind."""
    by_client: defaultdict[ClientName, dict[tuple[str, FindingKind], list[Finding]]]
    by_client = defaultdict(lambda: defaultdict(list))
    for severity, one in worst_first(summary):
        for name in one.clients or (one.client,):
            by_client[name][severity, one.kind].append(one)
    return {
        name: [_in_words(kind, found) for kind, found in kinds.items()]
        for name, kinds in by_client.items()
    }


def _in_words(of: tuple[str, FindingKind], found: Sequence[Finding]) -> Text:
    severity, kind = of
    style = _WRONG if severity == ERROR or kind in _WRONG_CELLS else "yellow"
    first = found[0]
    if kind is FindingKind.UNKNOWN and first.reason:
        return Text(first.reason.replace("_", " "), style)
    words = _IN_WORDS.get(kind, kind.replace("_", " "))
    return Text(f"{len(found)} {words}" if first.scope else words, style)


def _table(server: str) -> Table:
    table = Table(
        title=Text(server),
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 1, 0, 0),
        collapse_padding=True,
    )
    table.add_column("client")
    return table


def _rows(maps: Iterable[PermissionMap]) -> Iterator[_Row]:
    for permissions in maps:
        for audience, cells in groupby(permissions.cells, lambda cell: cell.audience):
            name = f"{permissions.client} {audience}" if audience else permissions.client
            yield _Row(name, permissions.client, list(cells))
