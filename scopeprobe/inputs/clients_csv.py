"""
Clients as rows of a CSV file: one column a key, dots for members, spaces between list items.

Columns are `client_secret.env`, `expect.granted` or `token_params.audience`. Servers come from
another file.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args, get_origin

from pydantic import BaseModel

from scopeprobe.errors import did_you_mean
from scopeprobe.inputs.outline import Steps
from scopeprobe.inputs.schema import SECRET_KEYS, ClientEntry, ExpectEntry

_TRUTH = {"true": True, "false": False}
SOURCES = ("env", "file", "command", "keyring")
_OPEN_KEYS = {"token_params", *SECRET_KEYS}
"""Keys with members that the schema does not name: parameters, and where a secret is."""


@dataclass(frozen=True, slots=True)
class CsvClients:
    """The clients of a CSV file, and the line on which each of them begins."""

    clients: list[dict[str, object]]
    lines: tuple[int, ...]

    def find_lines(self) -> Iterator[tuple[Steps, int]]:
        yield from ((("clients", index), line) for index, line in enumerate(self.lines))


class CsvError(Exception):
    """A line cannot be read. Its cells are not quoted: they may hold a secret."""

    def __init__(self, words: str, line: int, column: int = 1) -> None:
        super().__init__(words)
        self.words, self.line, self.column = words, line, column


def read_csv_clients(text: str) -> CsvClients:
    """Read a header and rows, split at commas, or at semicolons where the header has no comma."""
    header = text.partition("\n")[0]
    delimiter = ";" if ";" in header and "," not in header else ","
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    clients, lines, line = [], [], 1
    try:
        columns = next(reader, [])
        _check_header(columns)
        for cells in reader:
            begins, line = line + 1, reader.line_num
            if not any(cells):
                continue
            if len(cells) != len(columns):
                counts = (
                    f"number of cells: {len(cells)}, in the header {len(columns)};"
                    " a cell with a separator in it needs quotes"
                )
                raise CsvError(counts, begins)
            clients.append(_client(columns, cells, begins))
            lines.append(begins)
    except csv.Error:
        raise CsvError("is not valid CSV: a quotation mark is out of place", line + 1) from None
    return CsvClients(clients, tuple(lines))


def _check_header(columns: Sequence[str]) -> None:
    if not columns:
        raise CsvError("has no header: name the columns in the first line", 1)
    for number, column in enumerate(columns, start=1):
        key, _, member = column.partition(".")
        members = ExpectEntry.model_fields if key == "expect" else None
        is_known = key in ClientEntry.model_fields and key != "targets"
        if not is_known or (members is not None and member not in members):
            near = did_you_mean(column, {*ClientEntry.model_fields} - {"targets"})
            what = f"column {number} is no key of a client: `{column[:40]}`{near}"
            raise CsvError(what, 1, number)
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise CsvError(f"has the column `{twice[0]}` twice", 1)


def _client(columns: Sequence[str], cells: Sequence[str], line: int) -> dict[str, object]:
    client: dict[str, object] = {}
    for number, (column, cell) in enumerate(zip(columns, cells, strict=True), start=1):
        if cell == "":
            continue
        key, _, member = column.partition(".")
        value = _value(key, member, cell, line, number)
        if not member:
            client[key] = value
        elif isinstance(inner := client.setdefault(key, {}), dict):
            name, _, source = member.rpartition(".")
            if key == "token_params" and name and source in SOURCES:
                inner[name] = {source: value}
            else:
                inner[member] = value
        else:
            raise CsvError(f"has both `{key}` and `{column}`", line, number)
    return client


def _value(key: str, member: str, cell: str, line: int, number: int) -> object:
    model: type[BaseModel] = ExpectEntry if key == "expect" else ClientEntry
    kinds = _kinds(model.model_fields[member if key == "expect" else key])
    is_command = member == "command" if key in SECRET_KEYS else member.endswith(".command")
    if tuple in kinds or (key in _OPEN_KEYS and is_command):
        return cell.split()
    if bool in kinds:
        if cell.lower() not in _TRUTH:
            raise CsvError(f"`{key}` must be true or false", line, number)
        return _TRUTH[cell.lower()]
    return cell


def _kinds(field: object) -> set[object]:
    """The plain types in the annotation of a field."""
    annotation = getattr(field, "annotation", field)
    found = {get_origin(annotation) or annotation}
    for part in get_args(annotation):
        found |= _kinds(part)
    return found
