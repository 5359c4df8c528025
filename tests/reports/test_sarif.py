"""SARIF: what the official schema allows, and a finding at the line where its client is written."""

import json
from pathlib import Path

import jsonschema
import pytest
from summaries import told

from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.reports.findings import next_step
from scopeprobe.reports.rules import rules
from scopeprobe.reports.sarif import report_sarif
from scopeprobe.reports.summary import ClientSummary

DATA = Path(__file__).parents[1] / "data" / "sarif"
SCHEMA = json.loads((DATA / "sarif-schema-2.1.0.json").read_text())


@pytest.fixture
def bad_night(fleet_of_nights):
    """An excess, a client that is rejected, and a server that is down."""
    fleet = fleet_of_nights
    fleet.extra["one"] = 'expect = { granted = ["a.read"], denied = [] }\nowner = "platform"'
    fleet.secrets["two"] = "rotated"
    fleet.down.add("west")
    fleet.night("-f", "sarif", codes=(3,))
    return fleet


def run_of(text):
    document = json.loads("".join(text))
    jsonschema.Draft4Validator(SCHEMA).validate(document)
    [run] = document["runs"]
    return run


def line_of(file, client):
    lines = file.read_text().splitlines()
    return lines.index(f'name = "{client}"')  # the line before it, counted from 1


def test_a_finding_points_at_its_client_in_the_clients_file(bad_night):
    run = run_of((bad_night.out / "report.sarif").read_text())
    found = {(one["ruleId"], one["properties"].get("client")): one for one in run["results"]}
    excess = found["excess", "one"]
    [location] = excess["locations"]
    file = bad_night.folder / "clients.toml"
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": file.as_uri()},
        "region": {"startLine": line_of(file, "one")},
    }
    assert excess["level"] == "error"
    about = {name: excess["properties"][name] for name in ("client", "scope", "owner")}
    assert about == {"client": "one", "scope": "a.write", "owner": "platform"}
    assert excess["message"]["text"].startswith("one a.write: not expected, is granted. To do: ")
    assert found["unauthenticated", "two"]["level"] == "error"
    assert found["unknown", "three"]["level"] == "warning"
    assert [one["level"] for one in run["results"]] == sorted(o["level"] for o in run["results"])


def test_every_result_has_its_rule_and_every_kind_has_one(bad_night):
    run = run_of((bad_night.out / "report.sarif").read_text())
    kinds = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert sorted(kinds) == sorted(FindingKind)
    assert all(kinds[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    assert rules().keys() == set(FindingKind)


def test_a_rule_ends_with_the_next_step_that_findings_of_its_kind_have_everywhere():
    run = run_of(report_sarif((), told()))
    helps = {rule["id"]: rule["help"] for rule in run["tool"]["driver"]["rules"]}
    for kind in FindingKind:
        step = next_step(Finding(kind, ClientName("CLIENT"), "", "", ""))
        assert helps[kind]["text"].endswith(f" To do: {step}.")
        assert helps[kind]["markdown"].endswith(f"To do: {step}.")


def test_fingerprints_stay_where_clients_are_moved_within_their_file(bad_night):
    before = run_of((bad_night.out / "report.sarif").read_text())
    bad_night.extra = dict(reversed(bad_night.extra.items()))
    bad_night.night("-f", "sarif", codes=(3,))
    after = run_of((bad_night.out / "report.sarif").read_text())
    prints = [
        {one["partialFingerprints"]["finding/v1"] for one in run["results"]}
        for run in (before, after)
    ]
    assert prints[0] == prints[1]
    assert len(prints[0]) == len(before["results"])
    lines = [
        [one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in run["results"]]
        for run in (before, after)
    ]
    assert lines[0] != lines[1]


def client(name, file="clients.toml", line=0):
    return ClientSummary(ClientName(name), "corp", {}, 1, "strict", file=file, line=line)


def places(result):
    return [
        (place["physicalLocation"]["artifactLocation"]["uri"],
         place["physicalLocation"].get("region", {}).get("startLine"))
        for key in ("locations", "relatedLocations") for place in result.get(key, ())
    ]  # fmt: skip


def test_an_incident_of_a_server_points_at_all_its_clients():
    one = Finding(
        FindingKind.UNKNOWN,
        ClientName(""),
        "",
        "",
        "corp: refused",
        server="corp",
        clients=("a", "b"),
    )
    clients = (client("a", line=3), client("b", "more clients/ü.yaml", 9))
    [result] = run_of(report_sarif((), told(one, clients=clients)))["results"]
    assert places(result) == [("clients.toml", 3), ("more%20clients/%C3%BC.yaml", 9)]


def test_what_is_about_no_client_points_at_the_first_file_and_standard_input_is_none():
    one = Finding(FindingKind.STALE_WAIVER, ClientName("b*"), "", "*", "expired")
    [result] = run_of(report_sarif((), told(one, clients=(client("a", line=3),))))["results"]
    assert places(result) == [("clients.toml", None)]
    [result] = run_of(report_sarif((), told(one, clients=(client("a", file=""),))))["results"]
    assert places(result) == []


def test_no_name_is_a_link_or_a_placeholder():
    one = Finding(FindingKind.EXCESS, ClientName("a"), "", "[x](https://evil.example){0}\x1b", "\\")
    [result] = run_of(report_sarif((), told(one)))["results"]
    assert result["message"]["text"].startswith(
        "a \\[x\\](https://evil.example){{0}} : \\\\. To do"
    )


def test_an_empty_run_is_one_without_results():
    assert run_of(report_sarif((), told()))["results"] == []
