"""Every form of a report, read by what reads it elsewhere, and rendered again from the store."""

import json
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from granting import FAST
from harness import (
    Entry,
    Reply,
    maps,
    raw_server,
    scopeprobe,
    summary,
    token_body,
    write_inputs,
)
from junitparser import JUnitXml, Skipped
from lxml import etree
from nights import SCOPES
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from scopeprobe.model.cell import Cell, Evidence, PermissionMap, Reason, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import ClientId
from scopeprobe.reports.formats import Format
from scopeprobe.reports.json_report import schemas
from scopeprobe.reports.markdown import report_markdown
from scopeprobe.reports.summary import NotTested, Summary

ALL = [word for form in Format for word in ("-f", form)]
XSD = etree.XMLSchema(file=str(Path(__file__).parents[1] / "data" / "junit.xsd"))


@pytest.fixture
def night(fleet_of_nights):
    """A night with a finding, a client that is rejected, and a server that is down."""
    fleet = fleet_of_nights
    fleet.extra["one"] = 'expect = { granted = ["a.read"], denied = [] }'
    fleet.secrets["two"] = "rotated"
    fleet.down.add("west")
    fleet.night(*ALL, codes=(3,))
    return fleet


def test_json_and_its_lines_are_what_the_shipped_schemas_say(night):
    shipped = files("scopeprobe.reports") / "schemas"
    by_name = {name: json.loads((shipped / name).read_text()) for name in schemas()}
    assert by_name == json.loads(json.dumps(dict(schemas())))
    report = json.loads((night.out / "report.json").read_text())
    jsonschema.validate(report, by_name["report-1.json"])
    assert report["summary"] == summary(night.out)
    lines = (night.out / "report.jsonl").read_text().splitlines()
    for line in lines:
        jsonschema.validate(json.loads(line), by_name["cell-1.json"])
    assert [json.loads(line) for line in lines] == report["cells"]
    assert len(lines) == 12


def test_junit_has_a_suite_a_client_and_a_case_a_scope(night):
    document = etree.parse(night.out / "junit.xml")
    XSD.assertValid(document)
    suites = {suite.get("name"): suite for suite in document.getroot()}
    outcomes = {
        name: [(case.get("name"), case[0].tag if len(case) else "passed") for case in suite]
        for name, suite in suites.items()
    }
    assert outcomes["one"] == [
        ("a.read", "passed"), ("a.write", "failure"), ("b.read", "passed"), ("b.write", "passed"),
    ]  # fmt: skip
    assert dict(outcomes["two"]) == {**dict.fromkeys(SCOPES, "skipped"), "unauthenticated": "error"}
    assert {outcome for _, outcome in outcomes["three"]} == {"skipped"}
    assert document.getroot().get("failures") == "1"
    assert document.getroot().get("errors") == "1"  # a bad secret is one, however many scopes


def test_junit_is_read_by_a_reader_that_shares_nothing_with_it(night):
    read = JUnitXml.fromfile(night.out / "junit.xml")
    assert (len(read), read.tests, read.failures, read.errors) == (3, 13, 1, 1)
    wrong = [
        (suite.name, case.name, type(result).__name__, result.type)
        for suite in read
        for case in suite
        for result in case.result
        if not isinstance(result, Skipped)
    ]
    assert wrong == [
        ("one", "a.write", "Failure", "excess"),
        ("two", "unauthenticated", "Error", "unauthenticated"),
    ]


def test_junit_has_a_suite_for_a_server_all_of_whose_clients_fail(night):
    night.secrets["one"] = "rotated"
    night.night("-f", "junit", codes=(3, 4))
    document = etree.parse(night.out / "junit.xml")
    XSD.assertValid(document)
    errors = document.getroot().findall("testsuite/testcase/error")
    assert [one.getparent().getparent().get("name") for one in errors] == ["east"]


def test_openmetrics_is_read_by_prometheus_own_parser(night):
    text = (night.out / "scopeprobe.prom").read_text()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    cells = {
        (s.labels["client"], s.labels["verdict"]): s.value
        for s in families["scopeprobe_cells"].samples
    }
    assert cells["one", "granted"] == 2
    assert cells["three", "unknown"] == 4
    found = {s.labels["kind"]: s.value for s in families["scopeprobe_findings"].samples}
    assert found["excess"] == 1
    assert set(found) == set(FindingKind)
    run = {name.removeprefix("scopeprobe_run_"): family for name, family in families.items()}
    told = summary(night.out)
    for name, value in (
        ("complete", 0),
        ("over_bar", 1),
        ("requests", told["requests"]),
        ("tokens", told["tokens"]),
        ("cells_not_tested", 4),
        ("started_timestamp_seconds", datetime.fromisoformat(told["started"]).timestamp()),
        ("finished_timestamp_seconds", datetime.fromisoformat(told["finished"]).timestamp()),
    ):
        assert [sample.value for sample in run[name].samples] == [value], name


def test_markdown_is_short_and_says_first_what_is_wrong(night):
    lines = (night.out / "report.md").read_text().splitlines()
    assert len(lines) <= 60
    assert lines[0] == "## scopeprobe: 2 findings, incomplete"
    assert any(line.startswith("| excess | one |") for line in lines)
    assert any(line.startswith("| three | server_error: 503") for line in lines)


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        (r"\[x](https://evil.example)", r"\\\[x\](https:&#47;/evil.example)"),
        ("www.evil.example a@b.example", "www&#46;evil.example a&#64;b.example"),
        ("<img src=x>|`code`", "&lt;img src=x&gt;\\|'code'"),
        ("https://api.corp.example", "https:&#47;/api.corp.example"),
    ],
)
def test_no_name_becomes_a_link_in_markdown(night, name, cell):
    stored = json.loads((night.out / "summary.json").read_text())
    stored["findings"] = [{**stored["findings"][0], "detail": name}]
    told = Summary.from_json(json.dumps(stored).encode())
    lines = "".join(report_markdown((), told)).splitlines()
    assert lines[7].endswith(f" {cell} |")


def test_a_run_is_rendered_again_byte_for_byte_without_the_network(night):
    names = [form.file for form in Format]
    before = {name: (night.out / name).read_bytes() for name in names}
    night.down.clear()
    run = summary(night.out)["run"]
    night.night(*ALL, codes=(1,))
    again = night.folder / "again"
    again.mkdir()
    words = ("report", run, *ALL, "-o", night.out, "--into", again)
    assert scopeprobe(*words).returncode == 0
    assert {name: (again / name).read_bytes() for name in names} == before
    printed = scopeprobe("report", run, "--print", "junit", "-o", night.out)
    assert printed.stdout.encode() == before["junit.xml"]


def test_a_report_of_no_run_is_an_input_error(night):
    assert scopeprobe("report", "20200101T000000Z-0000", *ALL, "-o", night.out).returncode == 2
    assert scopeprobe("report", *ALL, "-o", night.folder / "nowhere").returncode == 2


def test_each_client_is_told_by_how_its_server_withholds(tmp_path):
    def answer(asked):
        wanted = asked.scopes or ""
        if "strict" in asked.path and wanted not in {"", "a"}:
            return Reply(400, b'{"error":"invalid_scope"}')
        listed = {"scope": "" if wanted != "a" else "a"} if "ignoring" not in asked.path else {}
        return Reply(body=token_body(**listed))

    families = {"strict", "narrowing", "ignoring", "unknown"}
    with raw_server(answer) as server:
        settings = {
            name: f'token_endpoint = "{server.url}/{name}"\n{FAST}' for name in families
        } | {"unknown": f'token_endpoint = "http://127.0.0.1:1/"\n{FAST}\nretries = 0'}
        entries = [Entry(name, name) for name in families]
        words, environment = write_inputs(tmp_path, settings, entries, ["a", "b"])
        where = ("-o", tmp_path / "out", "--max-pause", "1s")
        scopeprobe("audit", *words, *where, env=environment)
    told = {one["name"]: one["family"] for one in summary(tmp_path / "out")["clients"]}
    assert told == {name: name for name in families}


def test_equal_nights_give_equal_bytes(fleet_of_nights):
    fleet_of_nights.night("-f", "jsonl")
    before = maps(fleet_of_nights.out), (fleet_of_nights.out / "report.jsonl").read_bytes()
    fleet_of_nights.night("-f", "jsonl")
    assert (
        maps(fleet_of_nights.out),
        (fleet_of_nights.out / "report.jsonl").read_bytes(),
    ) == before


HOSTILE = 'a"|`<b>\\\x1b[31m]]>\n\ud83d\ude00'.encode("utf-16", "surrogatepass").decode("utf-16")


def test_hostile_text_breaks_no_format():
    cell = Cell(
        ClientName("c"), ClientId(HOSTILE), HOSTILE, Scope("s|x"), Verdict.DENIED,
        Reason.REFUSED_ALONE, Evidence.ALONE, 400, HOSTILE, HOSTILE,
    )  # fmt: skip
    told = Summary(
        "run", "2026-11-24T00:00:00Z", "2026-11-24T00:00:01Z", True, True, {"denied": 1}, 1, 1,
        (), (), (NotTested(ClientName(HOSTILE), Reason.THROTTLED, 1),),
        (Finding(FindingKind.MISSING, ClientName("c"), HOSTILE, "s|x", HOSTILE),),
    )  # fmt: skip
    permissions = [PermissionMap(ClientName("c"), (cell,))]
    texts = {form: "".join(form.render(permissions, told)) for form in Format if form.is_text}
    XSD.assertValid(etree.fromstring(texts[Format.JUNIT].encode()))
    assert list(text_string_to_metric_families(texts[Format.OPENMETRICS]))
    assert json.loads(texts[Format.JSON])["cells"][0]["audience"] == HOSTILE
    assert all(line.count("\n") == 0 for line in texts[Format.MARKDOWN].splitlines())
    assert "<b>" not in texts[Format.MARKDOWN]
    assert "\x1b" not in texts[Format.MARKDOWN]
