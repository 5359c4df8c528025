"""The cells as text, a sign each: what a page shows without its script, and on paper."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby

from scopeprobe.model.cell import CellKey, PermissionMap, Verdict
from scopeprobe.model.finding import FindingKind
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.texts import visible

_SIGNS = {
    Verdict.GRANTED: "+",
    Verdict.DENIED: "·",
    Verdict.UNENFORCED: "~",
    Verdict.UNAUTHENTICATED: "!",
    Verdict.UNKNOWN: "?",
}
_FOUND = {FindingKind.EXCESS: "E", FindingKind.MISSING: "M", FindingKind.CHANGED: "C"}
LEGEND = ", ".join(f"{sign} {word}" for word, sign in (*_SIGNS.items(), *_FOUND.items()))
_CELLS_ACROSS, _COLUMNS = 100, 132
"""What fits on paper: cells beside a name, and characters of a line."""


class Matrix:
    """A sign for every cell, by server: some bytes each, so that all of them may be held."""

    def __init__(self, summary: Summary) -> None:
        self._server_of = {client.name: client.server for client in summary.clients}
        self._found: dict[CellKey, str] = {
            (one.client, one.audience, one.scope): _FOUND[one.kind]
            for one in (*summary.warnings, *summary.findings)
            if one.kind in _FOUND
        }
        self._rows: defaultdict[str, list[tuple[str, tuple[str, ...], str]]] = defaultdict(list)
        self._distinct: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(self, permissions: PermissionMap) -> None:
        """Take the signs of one client's cells."""
        server = self._server_of.get(permissions.client, "")
        for audience, members in groupby(permissions.cells, lambda cell: cell.audience):
            cells = list(members)
            scopes = tuple(cell.scope for cell in cells)
            signs = "".join(self._found.get(cell.key, _SIGNS[cell.verdict]) for cell in cells)
            name = f"{permissions.client} {audience}" if audience else permissions.client
            self._rows[server].append((name, self._distinct.setdefault(scopes, scopes), signs))

    def by_server(self) -> Iterator[tuple[str, Iterator[str]]]:
        """Each server's name, and its lines."""
        for server, rows in sorted(self._rows.items()):
            yield server, _lines(rows)


def _lines(rows: Sequence[tuple[str, tuple[str, ...], str]]) -> Iterator[str]:
    scopes = sorted({scope for _, members, _ in rows for scope in members})
    width = max(len(visible(name)) for name, _, _ in rows)
    for start in range(0, len(scopes), _CELLS_ACROSS):
        shown = scopes[start : start + _CELLS_ACROSS]
        numbers = [str(start + n + 1) for n in range(len(shown))]
        digits = len(numbers[-1])
        for place in range(digits):
            yield f"{'':{width}}  {''.join(n.rjust(digits)[place] for n in numbers)}"
        for name, members, signs in rows:
            of_scope = dict(zip(members, signs, strict=True))
            row = "".join(of_scope.get(scope, " ") for scope in shown)
            yield f"{visible(name):{width}}  {row}".rstrip()
        yield ""
    yield from _legend(scopes)


def _legend(scopes: Sequence[str]) -> Iterator[str]:
    """The scopes by their numbers, as many in a line as fit."""
    entries = [f"{number:4} {visible(scope)}" for number, scope in enumerate(scopes, 1)]
    width = max(map(len, entries)) + 2
    across = max(_COLUMNS // width, 1)
    for start in range(0, len(entries), across):
        line = "".join(entry.ljust(width) for entry in entries[start : start + across])
        yield line.rstrip()
