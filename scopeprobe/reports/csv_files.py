"""The CSV files: long form, and the matrix of all clients."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from scopeprobe.model.cell import COLUMNS, Cell, PermissionMap
from scopeprobe.model.scope_names import Scope
from scopeprobe.reports.summary import Summary

HEADER = ",".join(column.name for column in COLUMNS) + "\n"
_FORMULA = frozenset("=+-@\t\r")


def inert(cell: str) -> str:
    """Stop a spreadsheet from running a cell that a server chose (CWE-1236)."""
    return f"'{cell}" if cell[:1] in _FORMULA else cell


def report_csv(maps: Iterable[PermissionMap], _summary: Summary) -> Iterator[str]:
    yield HEADER
    for permissions in maps:
        yield permission_rows(permissions.cells)


def permissions_csv(cells: Iterable[Cell]) -> str:
    """A whole permission map."""
    return HEADER + permission_rows(cells)


def permission_rows(cells: Iterable[Cell]) -> str:
    """One row a cell, in the order given, without the header."""
    return csv_text(_rows(cells))


def _rows(cells: Iterable[Cell]) -> Iterator[Sequence[str | int]]:
    """What many cells have in common is written down once."""
    known: dict[object, tuple[Sequence[str | int], Sequence[str | int]]] = {}
    for cell in cells:
        around = _values_around_scope(cell)
        if (written := known.get(around)) is None:
            values = [_written(value) for value in around]
            written = known[around] = values[:_SCOPE], values[_SCOPE:]
        yield *written[0], inert(cell.scope), *written[1]


_SCOPE = [column.name for column in COLUMNS].index("scope")
_values_around_scope = attrgetter(
    *(column.name for column in COLUMNS if column is not COLUMNS[_SCOPE])
)


def _written(value: str | int | None) -> str | int:
    if value is None:
        return ""
    return str(inert(value)) if isinstance(value, str) else value


def matrix_csv(maps: Iterable[PermissionMap]) -> Iterator[str]:
    """
    One row a client and audience, one column a scope; empty where a scope is no candidate.

    `maps` are gone through twice.
    """
    scopes = sorted({cell.scope for permissions in maps for cell in permissions.cells})
    yield csv_text([("client", "audience", *map(inert, scopes))])
    for permissions in maps:
        yield csv_text(
            (*map(inert, (permissions.client, audience)), *_verdicts(cells, scopes))
            for audience, cells in groupby(permissions.cells, attrgetter("audience"))
        )


def _verdicts(cells: Iterable[Cell], scopes: Iterable[Scope]) -> list[str]:
    by_scope = {cell.scope: cell.verdict.value for cell in cells}
    return [by_scope.get(scope, "") for scope in scopes]


def csv_text(rows: Iterable[Sequence[str | int]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
