"""The page of a run, as it stands without its script; and when it is written."""

import json
from dataclasses import replace

import pytest
from harness import scopeprobe, summary
from lxml import html
from pages import FleetOfPage

from scopeprobe.audits import order
from scopeprobe.model.cell import COLUMNS, PermissionMap, Reason, Verdict, values_of
from scopeprobe.reports import page as pages
from scopeprobe.reports.page import report_page
from scopeprobe.reports.page.data import Table

HOSTILE = "<script>alert(1)</script>&<!--\u202egpj.exe\x00'\""


@pytest.fixture(scope="module")
def bad_night():
    return FleetOfPage().bad_night()


@pytest.fixture(scope="module")
def document(bad_night):
    return html.fromstring(bad_night.page().encode())


def texts(document, path):
    return [" ".join(found.text_content().split()) for found in document.xpath(path)]


def data_of(document):
    (block,) = document.xpath("//script[@id='data']")
    return json.loads(block.text)


def cells_of(data):
    """The cells of the JSON block, as CSV files have them."""
    at = data.__getitem__
    for client in data["clients"]:
        for target in client["targets"]:
            for scope, answer in zip(
                data["sets"][target["scopes"]], target["answers"], strict=True
            ):
                verdict, reason, evidence, *rest = data["answers"][answer]
                yield (
                    client["name"], client["id"], target["audience"], at("scopes")[scope],
                    at("verdicts")[verdict], at("reasons")[reason], at("evidence")[evidence], *rest,
                )  # fmt: skip


def test_the_page_says_first_what_is_wrong_and_what_to_do(document):
    (title,) = texts(document, "//h1")
    assert title == (
        "3 clients cannot log in, 16 excess, 5 missing; 1 server cannot be reached; 1 warning"
    )
    rows = texts(document, "//section[@id='findings']//li")
    assert rows[0].startswith(
        "unauthenticated billing-0006 on kc-us credentials_rejected: 401 Invalid client or Invalid"
        " client credentials since 2026"
    )
    assert "owner: billing@corp.example" in rows[0]
    assert rows[0].endswith("scopeprobe explain clients.toml billing-0006")
    assert [row.split()[0] for row in rows] == [
        *["unauthenticated"] * 3, *["excess"] * 3, *["missing"] * 2, *["unknown"] * 2,
    ]  # fmt: skip
    assert any("unknown (warning) kc-ap, 12 clients all 12 clients: unreachable" in r for r in rows)


def test_the_page_says_what_changed_and_what_was_not_tested(document):
    changes = texts(document, "//section[@id='changes']//li")
    assert "crm-0013: was granted until 2026-11-25, is denied: invoices.write" in changes
    assert len(changes) == 5
    told = texts(document, "//section[@id='changes']/p")
    assert told == [
        "New clients: billing-0000",
        "Clients that the run before had, and this one has not: crm-retired",
    ]
    untested = texts(document, "//section[@id='untested']//li")
    assert untested[0].startswith("kc-ap: unreachable; 960 cells of billing-0012, billing-0042,")
    assert untested[1] == "kc-eu: timed_out; 8 cells of payroll-0015"


def test_the_page_has_a_line_a_client_and_a_sign_a_cell(document, bad_night):
    (line,) = texts(document, "//tr[@id='client=billing-0006']")
    assert line.startswith("billing-0006kc-usbilling@corp.exampleprod")
    assert len(texts(document, "//tbody/tr")) == len(bad_night.clients)
    matrices = document.xpath("//section[@id='matrix']//pre")
    lines = [line for matrix in matrices for line in matrix.text_content().splitlines()]
    (rejected,) = [line for line in lines if line.startswith("billing-0006")]
    assert rejected.split() == ["billing-0006", "!" * 80]
    (lacking,) = [line for line in lines if line.startswith("crm-0013")]
    assert lacking.count("M") == 1
    assert any("  13 catalog.export" in line for line in lines)


def test_the_data_of_the_script_are_the_cells(document, bad_night):
    data = data_of(document)
    cells = [cell for permissions in bad_night.maps for cell in permissions.cells]
    assert list(cells_of(data)) == [values_of(cell) for cell in cells]
    assert len(COLUMNS) == len(values_of(cells[0]))


def test_the_data_tell_the_past_of_each_cell(document):
    data = data_of(document)
    (client,) = [one for one in data["clients"] if one["name"] == "crm-0013"]
    (target,) = client["targets"]
    of_scope = dict(zip(data["sets"][target["scopes"]], target["pasts"], strict=True))
    intervals = data["pasts"][of_scope[data["scopes"].index("invoices.write")]]
    granted, denied = (data["verdicts"].index(verdict) for verdict in ("granted", "denied"))
    assert intervals == [
        [granted, "2026-11-14", "2026-11-25", 12, 0], [denied, "2026-11-26", "2026-11-26", 1, 0],
    ]  # fmt: skip


def test_nothing_that_a_server_sends_becomes_a_part_of_the_page():
    fleet = FleetOfPage(clients=2, scopes=3)
    before = {element.tag for element in html.fromstring(fleet.page().encode()).iter()}
    fleet.clients[0] = replace(fleet.clients[0], owner=HOSTILE, tags=(HOSTILE,))
    cells = tuple(
        replace_cell(cell, error_description=HOSTILE, scope=HOSTILE + cell.scope, audience=HOSTILE)
        for cell in fleet.maps[0].cells
    )
    fleet.maps[0] = PermissionMap(fleet.maps[0].client, cells)
    text = fleet.page()
    document = html.fromstring(text.encode())
    assert {element.tag for element in document.iter()} - {"li", "details", "summary"} <= before
    assert not document.xpath("//section//script")
    assert "\u202e" not in text.replace(json.dumps("\u202e"), "").partition('id="data"')[0]
    assert "\x00" not in text
    data = data_of(document)
    assert next(cells_of(data))[-2] == HOSTILE


def replace_cell(cell, **values):
    return type(cell)(**{name: getattr(cell, name) for name in cell.__struct_fields__} | values)


def test_an_empty_run_is_not_shown_as_a_good_one():
    document = html.fromstring(FleetOfPage(clients=0).page().encode())
    assert texts(document, "//h1") == ["Nothing was tested"]
    assert document.get("class") == "bad"
    assert not document.xpath("//script[@id='data']")


def test_a_night_that_proved_nothing_is_not_shown_as_a_good_one():
    fleet = FleetOfPage(clients=3, scopes=2)
    for number in range(3):
        fleet.change(number, "*", Verdict.UNKNOWN, Reason.UNREACHABLE)
    assert html.fromstring(fleet.page().encode()).get("class") == "bad"


def test_a_good_night_is_shown_as_one():
    fleet = FleetOfPage(clients=3, scopes=20)
    document = html.fromstring(fleet.page().encode())
    assert document.get("class") == "good"
    assert texts(document, "//h1") == ["No findings"]


@pytest.mark.parametrize(
    ("unknown", "complete", "words"),
    [
        (0, True, "Complete: every cell was settled."),
        (1, True, "Complete; 1 cell of 4 unknown."),
        (2, False, "Incomplete: 2 cells of 4 unknown. Go on with --resume."),
    ],
)
def test_how_complete_a_run_is_stands_on_its_page(unknown, complete, words):
    fleet = FleetOfPage(clients=1, scopes=4)
    counts = {"granted": 4 - unknown} | ({"unknown": unknown} if unknown else {})
    summary = replace(fleet.summary(), counts=counts, complete=complete)
    text = "".join(report_page(fleet.maps, summary, fleet.past()))
    assert words in texts(html.fromstring(text.encode()), "//p")


def test_who_cannot_log_in_is_an_alarm_unless_that_is_accepted():
    fleet = FleetOfPage(clients=3, scopes=2)
    fleet.change(1, "*", Verdict.UNAUTHENTICATED, Reason.CREDENTIALS_REJECTED)
    summary = fleet.summary()
    accepted = replace(summary, findings=(), over_bar=False)
    for told, classes in ((summary, ["error"]), (accepted, [])):
        text = "".join(report_page(fleet.maps, told, fleet.past()))
        figures = html.fromstring(text.encode()).xpath("//dl[@class='figures']/div")
        assert [one.get("class") for one in figures if one.get("class")] == classes


class Weighed(PermissionMap):
    """A map of which it is known how many there are."""

    alive = most = 0

    def __del__(self):
        Weighed.alive -= 1


class Stream:
    """Maps that are made when they are asked for, as a store decodes them."""

    def __init__(self, maps):
        self.maps = maps

    def __iter__(self):
        for permissions in self.maps:
            Weighed.alive += 1
            Weighed.most = max(Weighed.most, Weighed.alive)
            yield Weighed(permissions.client, permissions.cells)


def test_no_more_than_a_few_maps_are_held_at_a_time():
    fleet = FleetOfPage(clients=40, scopes=10)
    text = "".join(report_page(Stream(fleet.maps), fleet.summary(), fleet.past()))
    assert text == fleet.page()
    assert 0 < Weighed.most <= 3


def test_a_full_table_tells_values_in_the_place_of_indexes():
    table = Table(most=2)
    assert [table.index(value) for value in "abcab"] == [0, 1, "c", 0, 1]
    assert table.values == ["a", "b"]


# -- when it is written


def test_every_audit_writes_the_page_and_names_it_last(fleet_of_nights):
    told = fleet_of_nights.night("--log-format", "console").stderr.splitlines()
    page = fleet_of_nights.out / "report.html"
    assert told[-2:] == [f"to look at it all: {page}", "no findings"]
    assert html.fromstring(page.read_bytes()).get("class") == "good"
    assert page.stat().st_mode & 0o777 == 0o600


def test_the_commands_of_the_page_are_those_that_explain_this_run(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.secrets["two"] = "rotated"
    fleet.night(codes=(1,))
    page = html.fromstring((fleet.out / "report.html").read_bytes())
    (told,) = texts(page, "//section[@id='findings']//code")
    inputs = f"--scopes {fleet.folder / 'scopes.txt'} {fleet.folder / 'clients.toml'}"
    assert told == f"scopeprobe explain -o {fleet.out} {inputs} two"
    data = data_of(page)
    assert f"{data['explain']} two" == told
    assert data["history"] == f"scopeprobe history -o {fleet.out}"


def test_the_page_of_an_earlier_run_does_not_stay_where_a_run_has_none(fleet_of_nights):
    fleet_of_nights.night()
    told = fleet_of_nights.night("--no-html").stderr
    assert not (fleet_of_nights.out / "report.html").exists()
    assert "report.html" not in told


def test_many_cells_get_a_page_only_where_it_is_asked_for(fleet_of_nights, monkeypatch):
    page = fleet_of_nights.out / "report.html"
    monkeypatch.setattr(order, "MOST_CELLS", 11)
    fleet_of_nights.night()
    assert not page.exists()
    fleet_of_nights.night("-f", "html")
    assert page.exists()
    monkeypatch.setattr(order, "MOST_CELLS", 12)
    fleet_of_nights.night()
    assert page.exists()
    assert pages.MOST_CELLS == 200_000


def test_a_page_that_is_both_wanted_and_not_is_an_input_error(fleet_of_nights):
    told = fleet_of_nights.night("--no-html", "-f", "html", codes=(2,)).stderr
    assert "--no-html" in told


def test_a_report_html_of_somebody_else_stays(fleet_of_nights):
    fleet_of_nights.out.mkdir()
    page = fleet_of_nights.out / "report.html"
    page.write_text("<!doctype html><title>mine</title>")
    assert "report.html" in fleet_of_nights.night(codes=(2,)).stderr
    fleet_of_nights.night("--no-html")
    assert "mine" in page.read_text()


def test_report_alone_renders_the_page_and_says_where_it_is(fleet_of_nights):
    fleet_of_nights.night()
    page = fleet_of_nights.out / "report.html"
    before = page.read_bytes()
    page.unlink()
    ended = scopeprobe("report", "-o", fleet_of_nights.out)
    assert (ended.returncode, ended.stderr) == (0, f"written: {page}\n")
    assert page.read_bytes() == before


def test_the_page_of_an_older_run_tells_the_past_of_then(fleet_of_nights):
    fleet_of_nights.night()
    fleet_of_nights.granted["one"].remove("a.write")
    fleet_of_nights.night()
    page, run = fleet_of_nights.out / "report.html", summary(fleet_of_nights.out)["run"]
    before = page.read_bytes()
    changes = texts(html.fromstring(before), "//section[@id='changes']//li")
    assert [line.partition(": ")[2][:11] for line in changes] == ["was granted"]
    fleet_of_nights.granted["one"].add("a.write")
    fleet_of_nights.night()
    assert scopeprobe("report", run, "-o", fleet_of_nights.out).returncode == 0
    assert page.read_bytes() == before
