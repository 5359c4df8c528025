"""A spreadsheet: findings, the matrix in colors, clients. The extra `xlsx`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any, TypeAlias
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from scopeprobe.errors import InputError
from scopeprobe.model.cell import CellKey, PermissionMap, Verdict
from scopeprobe.model.finding import FindingKind
from scopeprobe.reports.csv_files import inert
from scopeprobe.reports.findings import COLUMNS, findings_members, worst_first
from scopeprobe.reports.summary import Summary

_Openpyxl: TypeAlias = Any
"""It has no types."""
MOST_ROWS, MOST_COLUMNS = 1_000_000, 16_000
"""Of one sheet: no spreadsheet shows many more."""
_RED = "FFC7CE"
_COLORS = {
    Verdict.GRANTED: "C6EFCE",
    Verdict.DENIED: "EDEDED",
    Verdict.UNENFORCED: "FFEB9C",
    Verdict.UNAUTHENTICATED: "E4CCF2",
    Verdict.UNKNOWN: "CFE2F3",
}
_WRONG = {FindingKind.EXCESS, FindingKind.MISSING}
"""Findings of cells that are red, whatever their verdict."""
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 section 2.2 does not allow."""
_NEVER = (1980, 1, 1, 0, 0, 0)
"""The date of files within: equal runs give equal bytes."""


def report_xlsx(maps: Iterable[PermissionMap], summary: Summary) -> Iterator[bytes]:
    """Raises InputError where the extra is not installed."""
    try:
        from openpyxl import Workbook  # type: ignore[import-untyped]  # noqa: PLC0415  # an extra
        from openpyxl.writer.excel import (  # type: ignore[import-untyped]  # noqa: PLC0415
            ExcelWriter,
        )
    except ImportError as error:
        raise InputError([MISSING]) from error
    book = Workbook(write_only=True)
    _findings(book, summary)
    _matrix(book, maps, summary)
    _clients(book, summary)
    book.properties.creator = "scopeprobe"
    finished = datetime.fromisoformat(summary.finished).replace(tzinfo=None)
    book.properties.created = book.properties.modified = finished
    written = BytesIO()
    ExcelWriter(book, ZipFile(written, "w", ZIP_DEFLATED)).save()
    yield _undated(written)


MISSING = "xlsx: openpyxl is not installed: pip install 'scopeprobe[xlsx]'"


def _findings(book: _Openpyxl, summary: Summary) -> None:
    rows = ([members[name] for name in COLUMNS] for members in findings_members(summary))
    _fill(book.create_sheet("findings"), COLUMNS, rows, wide={"detail", "next_step"})


def _matrix(book: _Openpyxl, maps: Iterable[PermissionMap], summary: Summary) -> None:
    """One row a client and audience, one column a scope; red where a finding says so."""
    wrong = {
        (one.client, one.audience, one.scope)
        for _, one in worst_first(summary)
        if one.kind in _WRONG
    }
    scopes = sorted({cell.scope for permissions in maps for cell in permissions.cells})
    shown = scopes[:MOST_COLUMNS]
    rest = [f"{len(scopes) - len(shown)} more in matrix.csv"] if scopes[MOST_COLUMNS:] else []
    rows = _rows_of_matrix(maps, shown, wrong)
    _fill(book.create_sheet("matrix"), ("client", "audience", *shown, *rest), rows, frozen="C2")


def _rows_of_matrix(
    maps: Iterable[PermissionMap], scopes: Sequence[str], wrong: Collection[CellKey]
) -> Iterator[list[Any]]:
    for permissions in maps:
        by_audience: dict[str, dict[str, Verdict]] = {}
        for cell in permissions.cells:
            by_audience.setdefault(cell.audience, {})[cell.scope] = cell.verdict
        for audience, verdicts in by_audience.items():
            place = permissions.client, audience
            cells = (
                (verdicts[scope], _RED if (*place, scope) in wrong else _COLORS[verdicts[scope]])
                if scope in verdicts
                else ""
                for scope in scopes
            )
            yield [*place, *cells]


def _clients(book: _Openpyxl, summary: Summary) -> None:
    names = ("client", "server", "owner", "tags", *Verdict, "requests", "file", "line")
    rows = (
        [
            *(one.name, one.server, one.owner, " ".join(one.tags)),
            *(one.counts.get(verdict, 0) for verdict in Verdict),
            *(one.requests, one.file, one.line or ""),
        ]
        for one in summary.clients
    )
    _fill(book.create_sheet("clients"), names, rows)


# -- cells


def _fill(
    sheet: _Openpyxl,
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    frozen: str = "B2",
    wide: Iterable[str] = (),
) -> None:
    """Write a head that stays in sight, and rows: of texts, numbers, and verdicts in a color."""
    from openpyxl.styles import Font, PatternFill  # type: ignore[import-untyped]  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]  # noqa: PLC0415

    fills = {color: PatternFill("solid", fgColor=color) for color in (_RED, *_COLORS.values())}
    sheet.freeze_panes = frozen
    for number, name in enumerate(names, start=1):
        width = 60 if name in wide else min(max(len(name) + 2, 14), 40)
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.append([_cell(sheet, name, font=Font(bold=True)) for name in names])
    last = 1
    for last, row in enumerate(rows, start=2):
        if last > MOST_ROWS:
            sheet.append([_cell(sheet, "more in the CSV files")])
            break
        sheet.append(
            [
                _cell(sheet, value[0], fill=fills[value[1]])
                if isinstance(value, tuple)
                else _cell(sheet, value)
                for value in row
            ]
        )
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(names))}{last}"


def _cell(sheet: _Openpyxl, value: str | int, **style: _Openpyxl) -> _Openpyxl:
    """A number, or text that is text whatever it begins with (CWE-1236), also once it is edited."""
    from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]  # noqa: PLC0415

    if isinstance(value, int):
        return WriteOnlyCell(sheet, value)
    text = _NO_XML.sub("\N{REPLACEMENT CHARACTER}", value)
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    cell.quotePrefix = inert(text) != text
    for name, told in style.items():
        setattr(cell, name, told)
    return cell


def _undated(written: BytesIO) -> bytes:
    """The same archive, of which no file says when it was made."""
    again = BytesIO()
    with ZipFile(written) as archive, ZipFile(again, "w", ZIP_DEFLATED) as copy:
        for name in archive.namelist():
            info = ZipInfo(name, _NEVER)
            info.compress_type = ZIP_DEFLATED
            copy.writestr(info, archive.read(name))
    return again.getvalue()
