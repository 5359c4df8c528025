"""What people look at first: the findings of a run, the worst first, and one for each incident."""

import json
from pathlib import Path

import pytest
from harness import rows, scopeprobe, summary

from scopeprobe.cli.tell_findings import finding_lines
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.reports.findings import COLUMNS, sentence
from scopeprobe.reports.markdown import report_markdown
from scopeprobe.reports.summary import Summary

EAST = ("one", "two")


@pytest.fixture
def bad_night(fleet_of_nights):
    """One client has too much, one lacks something, and one is rejected."""
    fleet = fleet_of_nights
    fleet.extra["one"] = 'owner = "=team"\nexpect = { granted = ["a.read"], denied = [] }'
    fleet.extra["two"] = 'expect = { granted = ["a.read", "b.read"] }'
    fleet.secrets["three"] = "rotated"
    fleet.night(codes=(1,))
    return fleet


def findings(fleet):
    return rows(fleet.out / "findings.csv")


def kinds(fleet):
    return [(one["severity"], one["kind"], one["client"], one["scope"]) for one in findings(fleet)]


def test_they_are_always_written_the_worst_first(bad_night):
    assert tuple(findings(bad_night)[0]) == COLUMNS
    assert kinds(bad_night) == [
        ("error", "unauthenticated", "three", ""),
        ("error", "excess", "one", "a.write"),
        ("error", "missing", "two", "b.read"),
    ]
    rejected, excess, missing = findings(bad_night)
    assert (rejected["verdict"], rejected["reason"]) == ("unauthenticated", "credentials_rejected")
    assert excess["owner"] == "'=team"  # a spreadsheet runs nothing
    assert (missing["verdict"], missing["reason"]) == ("denied", "refused_alone")
    assert all(one["since"] and one["next_step"] for one in findings(bad_night))


def test_a_night_without_any_writes_the_header_alone(fleet_of_nights):
    fleet_of_nights.night()
    assert (fleet_of_nights.out / "findings.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_a_file_of_somebody_else_is_not_overwritten(fleet_of_nights):
    fleet_of_nights.night()
    foreign = fleet_of_nights.out / "findings.csv"
    foreign.write_text("finding,price\n")
    assert "findings.csv: was not written by scopeprobe" in fleet_of_nights.night(codes=(2,)).stderr
    assert foreign.read_text() == "finding,price\n"


def test_what_does_not_fail_the_run_is_a_warning(bad_night):
    bad_night.night("--fail-on", "missing", codes=(1,))
    assert [one["severity"] for one in findings(bad_night)] == ["error", "warning", "warning"]
    told = summary(bad_night.out)
    assert [one["kind"] for one in told["warnings"]] == ["excess", "unauthenticated"]


def test_it_is_rendered_again_from_the_store(bad_night):
    again = scopeprobe("report", "--print", "findings", "-o", bad_night.out)
    assert again.stdout == (bad_night.out / "findings.csv").read_text()


def test_a_server_all_of_whose_clients_are_rejected_is_one_finding(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.secrets |= dict.fromkeys(EAST, "rotated")
    fleet.night(codes=(1,))
    assert kinds(fleet) == [("error", "unauthenticated", "", "")]
    (one,) = findings(fleet)
    why = "credentials_rejected: 401 invalid_client"
    assert one["detail"] == f"east: all 2 clients: {why} (one, two)"
    assert summary(fleet.out)["findings"][0]["clients"] == ["one", "two"]


def test_a_server_that_is_down_is_one_warning(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.down.add("east")
    fleet.night(codes=(3,))
    assert kinds(fleet) == [("warning", "unknown", "", "")]
    (one,) = findings(fleet)
    assert one["detail"].startswith("east: all 2 clients: server_error")


def test_what_failed_for_different_reasons_stays_apart(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.secrets["one"] = "rotated"
    fleet.night(codes=(1,))
    assert kinds(fleet) == [("error", "unauthenticated", "one", "")]


def test_all_are_in_the_page_of_a_job_the_worst_first(bad_night):
    bad_night.night("-f", "markdown", "--fail-on", "unauthenticated,excess", codes=(1,))
    text = (bad_night.out / "report.md").read_text()
    told = [line.split(" | ")[:2] for line in text.splitlines() if line.startswith("| ")]
    assert told == [
        ["| finding", "client or server"],
        ["| unauthenticated", "three"],
        ["| excess", "one"],
        ["| warning", "client or server"],
        ["| missing", "two"],
    ]


def test_the_page_of_a_job_leaves_none_out():
    many = tuple(
        Finding(FindingKind.EXCESS, ClientName(f"c{n}"), "", "s", "too much") for n in range(65)
    )
    time = "2026-11-24T00:00:00Z"
    told = Summary("run", time, time, True, True, {"granted": 65}, 1, 1, (), (), (), many)
    assert "".join(report_markdown((), told)).count("| excess |") == 65


def test_a_full_stop_of_a_server_is_the_only_one():
    one = Finding(FindingKind.UNAUTHENTICATED, ClientName("a"), "", "", "rejected: 401 Bad key.")
    assert sentence(one) == "a: rejected: 401 Bad key. To do: scopeprobe explain CLIENTS a."


# -- in front of people, and in logs


def test_on_a_terminal_the_worst_is_last_right_above_the_headline(bad_night):
    told = bad_night.night("--log-format", "console", codes=(1,)).stderr.splitlines()
    clients, out = bad_night.folder / "clients.toml", bad_night.out
    explain = f"  to learn why: scopeprobe explain -o {out} --scopes {bad_night.folder}/scopes.txt"
    assert told[-10:] == [
        "two",
        "  missing: b.read: expected granted, is denied: refused_alone",
        f"{explain} {clients} two",
        "one",
        "  excess: a.write: not expected, is granted",
        f"  since when: scopeprobe history -o {out} one",
        "three",
        "  unauthenticated: credentials_rejected: 401 invalid_client",
        f"{explain} {clients} three",
        "1 client cannot log in, 1 excess, 1 missing",
    ]


def test_quiet_leaves_the_findings_in(bad_night):
    told = bad_night.night("--log-format", "console", "-q", codes=(1,)).stderr.splitlines()
    assert "  excess: a.write: not expected, is granted" in told
    assert told[-1] == "1 client cannot log in, 1 excess, 1 missing"


def test_quiet_says_nothing_where_there_is_none(fleet_of_nights):
    told = fleet_of_nights.night("--log-format", "console", "-q").stderr.splitlines()
    assert all(line.startswith("notice: ") for line in told)  # of the inputs
    told = fleet_of_nights.night("--log-format", "console").stderr.splitlines()
    assert told[-1] == "no findings"


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_each_is_an_event_in_json_logs_and_in_the_log_file(bad_night, quiet):
    log = bad_night.folder / "log"
    words = ("--log-format", "json", *quiet, "--fail-on", "missing,unauthenticated")
    lines = bad_night.night(*words, codes=(1,)).stderr.splitlines()
    told = [json.loads(line) for line in lines]
    events = [one for one in told if one["event"] == "finding"]
    assert [(one["level"], one["kind"], one["client"]) for one in events] == [
        ("warning", "excess", "one"),
        ("error", "missing", "two"),
        ("error", "unauthenticated", "three"),
    ]
    assert set(COLUMNS) - {"severity"} <= set(events[0])
    bad_night.night("--log-format", "console", "--log-file", log, codes=(1,))
    kept = [json.loads(line) for line in log.read_text().splitlines()]
    assert [one["client"] for one in kept if one["event"] == "finding"] == ["two", "one", "three"]
    assert kept[-1]["findings"] == "1 client cannot log in, 1 excess, 1 missing"


def test_a_warning_is_called_one_and_what_is_open_is_told_once(fleet_of_nights):
    fleet = fleet_of_nights
    fleet.down.add("east")
    told = fleet.night("--log-format", "console", codes=(3,)).stderr
    assert "east\n  warning, unknown: all 2 clients: server_error" in told
    assert told.splitlines()[-1] == "no finding fails the run; 1 warning"
    assert "not tested" not in told


def test_a_client_with_many_hides_no_other():
    many = [
        Finding(FindingKind.EXCESS, ClientName(name), "", f"s{n:02}", "too much")
        for name in ("a", "b")
        for n in range(30)
    ]
    time = "2026-11-24T00:00:00Z"
    told = Summary("run", time, time, True, True, {}, 1, 1, (), (), (), tuple(many))
    lines = list(finding_lines(told, (), Path("out"), None))
    assert lines[0] == "… and 50 more in out/findings.csv"
    assert [line for line in lines if not line.startswith("  ")][1:] == ["b", "a"]
