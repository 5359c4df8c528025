"""Tables in front of people: colors by finding, names as wide as there is room."""

import io
import re

import pytest
from rich.console import Console
from rich.table import Table

from scopeprobe.model.cell import Cell, PermissionMap, Reason, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.reports.names import Names
from scopeprobe.reports.summary import ClientSummary, Summary
from scopeprobe.reports.terminal import audit_table

ANSI = re.compile(r"\x1b\[[0-9;]*m")
TIME = "2026-11-24T00:00:00Z"


def cell(client, scope, verdict, reason=Reason.NOT_ASKED):
    return Cell(ClientName(client), client, "", scope, verdict, reason)


def drawn(cells, findings=(), warnings=(), width=80):
    """The table as a terminal of that width shows it."""
    by_client = {}
    for one in cells:
        by_client.setdefault(one.client, []).append(one)
    clients = tuple(ClientSummary(name, "corp", {}, 1, "") for name in by_client)
    summary = Summary(
        "run", TIME, TIME, True, False, {}, 1, 1, clients, (), (), findings, warnings=warnings
    )
    maps = [PermissionMap(name, tuple(found)) for name, found in by_client.items()]
    console = Console(
        file=io.StringIO(), width=width, force_terminal=True, color_system="standard", _environ={}
    )
    console.print(audit_table(maps, summary, unicode=True, width=width))
    return console.file.getvalue()


def style_of(text, sign):
    return re.search(rf"(\x1b\[[0-9;]*m)?{re.escape(sign)}", text)[1]


def test_a_table_is_headed_by_its_server_and_says_what_its_rows_are():
    server, head = drawn([cell("a", "read", Verdict.GRANTED)]).splitlines()[:2]
    assert "corp" in server
    assert "client" in head


def test_what_was_denied_is_no_alarm_and_what_is_in_excess_is_one():
    cells = [
        cell("a", "read", Verdict.GRANTED),
        cell("a", "write", Verdict.DENIED),
        cell("b", "read", Verdict.DENIED),
        cell("b", "write", Verdict.GRANTED),
    ]
    found = (
        Finding(FindingKind.EXCESS, ClientName("b"), "", "write", "not expected, is granted"),
        Finding(FindingKind.MISSING, ClientName("b"), "", "read", "expected granted, is denied"),
    )
    healthy, wrong = drawn(cells, found).splitlines()[2:4]
    assert style_of(healthy, "✓") == "\x1b[32m"  # green
    assert style_of(healthy, "✗") == "\x1b[2m"  # dim
    assert style_of(wrong, "✓") == style_of(wrong, "✗") == "\x1b[1;31m"  # red


def test_who_cannot_log_in_is_an_alarm_unless_that_is_accepted():
    cells = [cell(name, "read", Verdict.UNAUTHENTICATED) for name in ("accepted", "new")]
    one = Finding(
        FindingKind.UNAUTHENTICATED, ClientName("new"), "api", "", "rejected", "unauthenticated"
    )
    accepted, new = drawn(cells, [one]).splitlines()[2:4]
    assert style_of(accepted, "!") == "\x1b[2m"  # dim
    assert style_of(new, "!") == "\x1b[1;31m"  # red
    (warned,) = drawn(cells[1:], warnings=[one]).splitlines()[2:3]
    assert style_of(warned, "!") == "\x1b[33m"  # yellow


def test_an_incident_of_a_server_colors_the_cells_of_all_its_clients():
    cells = [cell(name, "read", Verdict.UNKNOWN) for name in ("a", "b")]
    one = Finding(
        FindingKind.UNKNOWN, ClientName(""), "", "", "corp: refused", "unknown",
        server="corp", clients=(ClientName("a"), ClientName("b")),
    )  # fmt: skip
    for line in drawn(cells, warnings=[one]).splitlines()[2:4]:
        assert style_of(line, "?") == "\x1b[33m"  # yellow


def many(client, verdicts):
    return [cell(client, f"s{n:02}", verdict) for n, verdict in enumerate(verdicts)]


def test_of_many_scopes_each_client_says_what_was_found():
    granted, denied = Verdict.GRANTED, Verdict.DENIED
    cells = [
        *many("good", [granted] * 30 + [denied] * 10),
        *many("wrong", [granted] * 31 + [denied] * 9),
        *many("locked", [Verdict.UNAUTHENTICATED] * 40),
    ]
    found = (
        Finding(FindingKind.EXCESS, ClientName("wrong"), "", "s30", "too much"),
        Finding(FindingKind.UNAUTHENTICATED, ClientName("locked"), "", "", "rejected"),
    )
    lines = ANSI.sub("", drawn(cells, found)).splitlines()
    told = {line.split()[0]: line.split()[1:] for line in lines[2:5]}
    assert told["good"] == ["30", "10"]
    assert told["wrong"] == ["31", "9", "1", "excess"]
    assert told["locked"] == ["cannot", "log", "in"]


def test_of_many_scopes_who_cannot_log_in_says_so_even_where_that_is_accepted():
    (line,) = drawn(many("gone", [Verdict.UNAUTHENTICATED] * 40)).splitlines()[2:3]
    assert "\x1b[2mcannot log in\x1b[0m" in line  # dim


def test_scopes_have_columns_as_long_as_the_terminal_has_room():
    cells = many("a", [Verdict.GRANTED] * 40)
    assert "granted" in ANSI.sub("", drawn(cells, width=80)).splitlines()[1]
    assert ANSI.sub("", drawn(cells, width=160)).count("✓") == 40 + 1  # and one in the legend


LONG = [f"billing-service-production-{place}-{n}" for place in ("eu", "us") for n in range(3)]


@pytest.mark.parametrize("width", [10, 12, 20, 30])
def test_names_are_cut_in_the_middle_and_stay_apart(width):
    names = Names([*LONG, "crm"])
    cut = [names.cut(name, width) for name in (*LONG, "crm")]
    assert len({*cut}) == len(cut)
    assert all(len(one) == width and "…" in one for one in cut[:-1])
    assert cut[-1] == "crm"


def test_names_that_would_look_alike_are_not_cut():
    alike = [f"{'a' * 20}{n}{'b' * 20}{n}{'c' * 20}" for n in range(3)]
    assert [Names(alike).cut(name, 10) for name in alike] == alike


def test_a_pipe_gets_names_whole():
    names = Names(LONG)
    for is_terminal, is_whole in ((True, False), (False, True)):
        table = Table(box=None)
        table.add_column()
        table.add_column(no_wrap=True)
        table.add_row(names.cell(LONG[0]), "x" * 50)
        console = Console(
            file=io.StringIO(), width=80 if is_terminal else 120, force_terminal=is_terminal
        )
        console.print(table)
        assert (LONG[0] in console.file.getvalue()) is is_whole
