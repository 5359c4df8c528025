"""The CSV files: long form, and the matrix of all clients."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from scopeprobe.model.cell import COLUMNS, Cell, PermissionMap, values_of
from scopeprobe.reports.summary import Summary

HEADER = ",".join(column.name for column in COLUMNS) + "\n"
_FORMULA = frozenset("=+-@\t\r")


def inert(cell: str) -> str:
    """Stop a spreadsheet from running a cell that a server chose (CWE-1236)."""
    return f"'{cell}" if cell[:1] in _FORMULA else cell


def report_csv(maps: Sequence[PermissionMap], _summary: Summary) -> str:
    return permissions_csv(cell for permissions in maps for cell in permissions.cells)


def permissions_csv(cells: Iterable[Cell]) -> str:
    """A whole permission map."""
    return HEADER + permission_rows(cells)


def permission_rows(cells: Iterable[Cell]) -> str:
    """One row a cell, in the order given, without the header."""
    return csv_text([_written(value) for value in values_of(cell)] for cell in cells)


def _written(value: str | int | None) -> str | int:
    if value is None:
        return ""
    return inert(value) if isinstance(value, str) else value


def matrix_csv(maps: Iterable[PermissionMap]) -> str:
    """One row a client and audience, one column a scope; empty where a scope is no candidate."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for permissions in maps:
        for cell in permissions.cells:
            row = rows.setdefault((cell.client, cell.audience), {})
            row[cell.scope] = cell.verdict
    scopes = sorted({scope for row in rows.values() for scope in row})
    header = ("client", "audience", *map(inert, scopes))
    cells = (
        (*map(inert, key), *(row.get(scope, "") for scope in scopes)) for key, row in rows.items()
    )
    return csv_text([header, *cells])


def csv_text(rows: Iterable[Sequence[str | int]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
