"""What a person reads on a terminal: a matrix a server, in whatever width there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from string import ascii_letters
from typing import TypeAlias

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scopeprobe.model.cell import Cell, PermissionMap, Verdict
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
    Verdict.GRANTED: ("✓", "+"),
    Verdict.DENIED: ("✗", "-"),
    Verdict.UNENFORCED: ("~", "~"),
    Verdict.UNAUTHENTICATED: ("!", "!"),
    Verdict.UNKNOWN: ("?", "?"),
}
_WRONG = {FindingKind.EXCESS, FindingKind.MISSING}
"""Kinds of findings that are red even where they do not fail the run."""
_Told: TypeAlias = Sequence[tuple[str, Finding]]
"""Findings with their severity, the worst first."""
_NO_LOGIN = "cannot log in"
_IN_WORDS = {FindingKind.UNAUTHENTICATED: _NO_LOGIN}


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
    told = _by_client(summary)
    scopes = sorted({cell.scope for row in rows for cell in row.cells})
    if len(scopes) > min((width - ROOM_FOR_NAME) // 2, len(ascii_letters)):
        words = {client: _in_words(found) for client, found in told.items()}
        return Group(*(_counts(name, by_server[name], names, words) for name in sorted(by_server)))
    letters = dict(zip(scopes, ascii_letters, strict=False))
    matrices = [
        _matrix(name, by_server[name], names, letters, told, unicode=unicode)
        for name in sorted(by_server)
    ]
    legend = [Text(f"{letter} {scope}", style="dim") for scope, letter in letters.items()]
    signs = "   ".join(
        f"{sign if unicode else plain} {verdict}" for verdict, (sign, plain) in _SIGNS.items()
    )
    return Group(*matrices, Columns(legend, padding=(0, 2)), Text(signs, style="dim"))


def _by_client(summary: Summary) -> Mapping[ClientName, _Told]:
    by_client: defaultdict[ClientName, list[tuple[str, Finding]]] = defaultdict(list)
    for severity, one in worst_first(summary):
        for name in one.clients or (one.client,):
            by_client[name].append((severity, one))
    return by_client


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
    told: Mapping[ClientName, _Told],
    *,
    unicode: bool,
) -> RenderableType:
    table = _table(server)
    for letter in letters.values():
        table.add_column(letter, width=1, no_wrap=True)
    for row in rows:
        by_scope = {cell.scope: cell for cell in row.cells}
        found = told.get(row.client, ())
        signs = (_sign(by_scope.get(scope), found, unicode=unicode) for scope in letters)
        table.add_row(names.cell(row.name), *signs)
    return Group(table, "")


def _sign(cell: Cell | None, found: _Told, *, unicode: bool) -> Text:
    """What was found of a cell gives its color; without that, no verdict is an alarm."""
    if cell is None:
        return Text("")
    sign, plain = _SIGNS[cell.verdict]
    calm = "green" if cell.verdict is Verdict.GRANTED else "dim"
    worst = (_style(severity, one.kind) for severity, one in found if _is_about(one, cell))
    return Text(sign if unicode else plain, style=next(worst, calm))


def _is_about(one: Finding, cell: Cell) -> bool:
    """A finding that names no scope is about all cells of its target that have its verdict."""
    if one.scope:
        return (one.audience, one.scope) == (cell.audience, cell.scope)
    is_of_target = one.kind is FindingKind.UNAUTHENTICATED or one.audience in {"", cell.audience}
    return is_of_target and one.verdict == cell.verdict


def _style(severity: str, kind: FindingKind) -> str:
    return "bold red" if severity == ERROR or kind in _WRONG else "yellow"


def _counts(
    server: str, rows: Sequence[_Row], names: Names, words: Mapping[ClientName, Sequence[Text]]
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
        is_accepted = row.client not in words and Verdict.UNAUTHENTICATED in found
        told = [Text(_NO_LOGIN, "dim")] if is_accepted else words.get(row.client, ())
        table.add_row(names.cell(row.name), *counts, Text(", ").join(told))
    return Group(table, "")


def _some_has(rows: Iterable[_Row], verdict: Verdict) -> bool:
    return any(cell.verdict is verdict for row in rows for cell in row.cells)


def _in_words(found: _Told) -> list[Text]:
    """What was found of a client in a few words: how much of which kind."""
    kinds: defaultdict[tuple[str, FindingKind], list[Finding]] = defaultdict(list)
    for severity, one in found:
        kinds[severity, one.kind].append(one)
    return [Text(_words(alike), _style(*of)) for of, alike in kinds.items()]


def _words(alike: Sequence[Finding]) -> str:
    first = alike[0]
    if first.kind is FindingKind.UNKNOWN and first.reason:
        return first.reason.replace("_", " ")
    words = _IN_WORDS.get(first.kind, first.kind.replace("_", " "))
    return f"{len(alike)} {words}" if first.scope else words


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
