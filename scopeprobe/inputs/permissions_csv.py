"""Permission maps, read back from `permissions.csv`."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scopeprobe.errors import InputError
from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.sources import text_of_file
from scopeprobe.model.cell import COLUMNS, Cell, PermissionMap
from scopeprobe.model.client import ClientName

INERT = re.compile(r"'[=+\-@\t\r]")
"""The beginning of a cell that reports keep from being run as a formula (CWE-1236)."""

FIELDS = [column.name for column in COLUMNS if column.read and not column.is_new]
"""The columns that every map has, and that a cell is read back from."""
Row = Mapping[str, str]


def read_permissions(path: Path) -> tuple[PermissionMap, ...]:
    """
    Read `permissions.csv` or the map of one client, sorted as they are written.

    :raises InputError: with every row that is no cell, its file and line.
    """
    problems = Problems()
    cells: defaultdict[ClientName, list[Cell]] = defaultdict(list)
    for place, row in _rows(path):
        try:
            cell = _cell(row)
        except ValueError as error:
            problems.error(place, str(error))
        else:
            cells[cell.client].append(cell)
    problems.raise_errors()
    return tuple(
        PermissionMap(client, tuple(sorted(cells[client], key=lambda cell: cell.key)))
        for client in sorted(cells)
    )


def _rows(path: Path) -> Iterator[tuple[Place, Row]]:
    text = text_of_file(path)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if missing := [name for name in FIELDS if name not in (reader.fieldnames or ())]:
            raise InputError([f"{path}:1: is no permission map: it lacks {', '.join(missing)}"])
        for row in reader:
            yield Place(f"{path}:{reader.line_num}"), row
    except csv.Error as error:
        raise InputError([f"{path}:{reader.reader.line_num}: is not valid CSV: {error}"]) from error


def _cell(row: Row) -> Cell:
    if None in row or None in row.values():
        raise ValueError("has another number of cells than the first line")
    fields: dict[str, Any] = {
        column.name: column.read(live(row[column.name]))
        for column in COLUMNS
        if column.read and column.name in row
    }
    return Cell(**fields)


def live(cell: str) -> str:
    """
    Take off the `'` that keeps a cell from being run as a formula.

    A cell that began with `'=` before it was written looks the same and comes back without its `'`.
    """
    return cell[1:] if INERT.match(cell) else cell
