"""The spreadsheet, read by a reader that shares nothing with what writes it."""

import sys
import zipfile
from io import BytesIO
from unittest.mock import patch

import pytest
from harness import scopeprobe
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook
from summaries import told

from scopeprobe.model.cell import Cell, Evidence, PermissionMap, Reason, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import ClientId
from scopeprobe.reports.findings import COLUMNS
from scopeprobe.reports.xlsx import report_xlsx


def sheets(content):
    book = CalamineWorkbook.from_filelike(BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def cell(scope, verdict=Verdict.GRANTED, audience=""):
    return Cell(
        ClientName("one"), ClientId("one"), audience, Scope(scope), verdict,
        Reason.REFUSED_ALONE, Evidence.ALONE,
    )  # fmt: skip


def test_findings_matrix_and_clients_are_sheets(fleet_of_nights):
    fleet_of_nights.extra["one"] = 'expect = { granted = ["a.read"] }\ntags = ["x", "y"]'
    fleet_of_nights.night("-f", "xlsx", codes=(1,))
    read = sheets((fleet_of_nights.out / "report.xlsx").read_bytes())
    assert list(read) == ["findings", "matrix", "clients"]
    head, first, *_ = read["findings"]
    assert tuple(head) == COLUMNS
    assert dict(zip(head, first, strict=True))["scope"] == "a.write"
    rows = [dict(zip(read["matrix"][0], row, strict=True)) for row in read["matrix"][1:]]
    assert [(row["client"], row["a.read"], row["b.read"]) for row in rows] == [
        ("one", "granted", "denied"), ("three", "denied", "granted"), ("two", "granted", "denied"),
    ]  # fmt: skip
    clients = [dict(zip(read["clients"][0], row, strict=True)) for row in read["clients"][1:]]
    assert (clients[0]["client"], clients[0]["granted"], clients[0]["tags"]) == ("one", 2, "x y")


def test_what_is_wrong_is_red_in_the_matrix():
    maps = [PermissionMap(ClientName("one"), (cell("a"), cell("b"), cell("c", Verdict.DENIED)))]
    one = Finding(FindingKind.EXCESS, ClientName("one"), "", "b", "not expected")
    book = load_workbook(BytesIO(*report_xlsx(maps, told(one))))
    colors = {
        name.value: below.fill.fgColor.rgb
        for name, below in zip(book["matrix"][1][2:], book["matrix"][2][2:], strict=True)
    }
    assert colors["b"] == "00FFC7CE"
    assert len(set(colors.values())) == 3


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "#N/A", "1e5"])
def test_no_text_becomes_a_formula_a_number_or_an_error(text):
    maps = [PermissionMap(ClientName("one"), (cell(text, audience=text),))]
    found = Finding(FindingKind.EXCESS, ClientName("one"), "", "s", text)
    [content] = report_xlsx(maps, told(found))
    with zipfile.ZipFile(BytesIO(content)) as archive:
        xml = "".join(
            archive.read(name).decode() for name in archive.namelist() if "worksheets/" in name
        )
    assert "<f>" not in xml
    assert 't="e"' not in xml
    read = sheets(content)
    assert read["matrix"][0][2] == read["matrix"][1][1] == text
    assert text in read["findings"][1]


def test_no_text_of_a_server_breaks_the_file():
    hostile = "a\x00\x1b[31m\ud83d<b>&]]>" + "x" * 40_000
    [content] = report_xlsx(
        (), told(Finding(FindingKind.EXCESS, ClientName("one"), "", "s", hostile))
    )
    assert sheets(content)["findings"][1][8].startswith("a\ufffd\ufffd[31m\ufffd<b>&]]>x")


def test_a_missing_extra_is_told_before_anything_is_asked(fleet_of_nights):
    with patch.dict(sys.modules, {"openpyxl": None}):
        result = fleet_of_nights.night("-f", "xlsx", codes=(2,))
    assert "pip install 'scopeprobe[xlsx]'" in result.stderr
    assert not fleet_of_nights.out.exists()


def test_it_cannot_be_printed(fleet_of_nights):
    fleet_of_nights.night()
    printed = scopeprobe("report", "--print", "xlsx", "-o", fleet_of_nights.out)
    assert printed.returncode == 2
