"""Reading permissions.csv back."""

from __future__ import annotations

import string

import pytest
from clients_files import write
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as with_other

from scopeprobe.errors import InputError
from scopeprobe.inputs import read_permissions
from scopeprobe.model.cell import Cell, Evidence, PermissionMap, Reason, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import ClientId
from scopeprobe.reports.csv_files import permissions_csv

pytestmark = pytest.mark.usefixtures("_folder")


FINDING = Cell(
    client=ClientName("billing"),
    client_id=ClientId("billing"),
    audience="",
    scope=Scope("invoices.read"),
    verdict=Verdict.DENIED,
    reason=Reason.REFUSED_ALONE,
    evidence=Evidence.ALONE,
    http_status=400,
    error="invalid_scope",
    error_description="no, never",
)
PRINTED = string.printable.replace("\r", "") + "ä"
CELL = st.text(PRINTED).filter(lambda cell: cell[:1] != "'")
"""What began with `'=` cannot be told from what began with `=`."""


TEXTS = dict.fromkeys(("scope", "audience", "error", "limited_to"), CELL)


@given(st.lists(st.builds(with_other, st.just(FINDING), **TEXTS)))
def test_permissions_are_read_as_they_were_written(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("maps") / "permissions.csv"
    path.write_bytes(permissions_csv(cells).encode())
    expected = tuple(sorted(cells, key=lambda cell: cell.key))
    assert read_permissions(path) == ((PermissionMap(FINDING.client, expected),) if cells else ())


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "'x", "''=1", "'", "x'=1"])
def test_what_kept_a_cell_from_being_a_formula_is_taken_off(cell):
    cell = with_other(FINDING, error_description=cell)
    path = write("permissions.csv", permissions_csv([cell]))
    assert read_permissions(path) == (PermissionMap(FINDING.client, (cell,)),)


def test_a_map_of_before_has_ten_columns_and_no_limits():
    header, row = permissions_csv([FINDING]).splitlines()
    older = f"{header.removesuffix(',limited_to')}\n{row.removesuffix(',')}\n"
    assert older.count(",") == 9 + 10  # one of them in the description
    assert read_permissions(write("permissions.csv", older)) == (
        PermissionMap(FINDING.client, (FINDING,)),
    )


def test_a_carriage_return_survives_in_quotes():
    text = permissions_csv([FINDING]).replace("no, never", "'\rno")
    [permissions] = read_permissions(write("permissions.csv", text))
    assert permissions.cells[0].error_description == "\rno"


def test_maps_are_told_apart_and_sorted():
    cells = [
        with_other(FINDING, client=ClientName(client), scope=Scope(scope), http_status=None)
        for client, scope in [("b", "y"), ("a", "z"), ("b", "x")]
    ]
    maps = read_permissions(write("permissions.csv", permissions_csv(cells)))
    cells = [[cell.key for cell in one.cells] for one in maps]
    assert cells == [[("a", "", "z")], [("b", "", "x"), ("b", "", "y")]]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        pytest.param("denied", "refused", "permissions.csv:2: 'refused' is not a valid Verdict"),
        pytest.param("400", "4xx", "permissions.csv:2: http_status must be a number"),
        pytest.param(
            "client,client_id",
            "client",
            "permissions.csv:1: is no permission map: it lacks client_id",
        ),
        pytest.param("invalid_scope,", "", "permissions.csv:2: has another number of cells"),
        pytest.param('"no, never"', '"no" never"', "permissions.csv:2: is not valid CSV"),
    ],
)
def test_what_is_no_permission_map_is_refused_with_file_and_line(before, after, message):
    text = permissions_csv([FINDING]).replace(before, after)
    with pytest.raises(InputError) as caught:
        read_permissions(write("permissions.csv", text))
    [said] = caught.value.messages
    assert said.startswith(message)
