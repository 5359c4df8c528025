"""New findings are told once, to a real server, by a URL that nobody sees."""

import json
import sys
from unittest.mock import patch

import pytest
from harness import Reply, raw_server, summary
from summaries import told

from scopeprobe.cli.notify import MOST_TOLD, Notifier
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.model.secret import Secret

SECRET = "t0ken-of-the-team"


@pytest.fixture
def team():
    """A service that takes messages; `team.says` is what it answers with."""
    with raw_server(lambda _asked: Reply(server.says, b"{}")) as server:
        server.says = 200
        server.address = f"json://127.0.0.1:{server.port}/{SECRET}"
        server.messages = lambda: [json.loads(asked.form) for asked in server.asked]
        yield server


@pytest.fixture
def night(fleet_of_nights, team, monkeypatch, capfd):
    """Audit by night, with the team told; the URL shows up nowhere."""
    monkeypatch.setenv("TEAM_URL", team.address)

    def run(*codes, notify="env:TEAM_URL", words=()):
        log = fleet_of_nights.folder / "log.jsonl"
        result = fleet_of_nights.night("--notify", notify, "--log-file", log, *words, codes=codes)
        texts = [result.stdout, result.stderr, *capfd.readouterr()]
        texts += [path.read_text(errors="replace") for path in (log,) if path.exists()]
        assert not any(SECRET in text for text in texts)
        return result

    run.fleet = fleet_of_nights
    return run


def test_a_finding_is_told_when_it_is_new_and_only_then(night, team):
    night.fleet.extra["one"] = 'expect = { granted = ["a.read"] }'
    night(1)
    [message] = team.messages()
    assert message["title"] == "scopeprobe: 1 new finding"
    assert message["message"].startswith("one a.write: not expected, is granted. To do: ")
    assert "All of the run: 1 excess." in message["message"]
    assert f"/{SECRET}" in team.asked[0].path
    night(1)
    assert len(team.messages()) == 1
    night.fleet.secrets["two"] = "rotated"
    night(1)
    assert [told["title"] for told in team.messages()[1:]] == ["scopeprobe: 1 new finding"]
    assert team.messages()[1]["message"].startswith("two: credentials_rejected")


def test_a_night_that_proves_nothing_makes_no_finding_new(night, team):
    night.fleet.extra["three"] = "expect = { granted = [] }"
    night(1)
    night.fleet.down.add("west")
    night(3)
    night.fleet.down.clear()
    night(1)
    assert len(team.messages()) == 1


def test_what_comes_back_on_the_same_day_is_not_told_again(night, team):
    for secret, code in (("rotated", 1), ("s3cret-of-nobody", 0), ("rotated", 1)):
        night.fleet.secrets["two"] = secret
        night(code)
    assert len(team.messages()) == 1


def test_nothing_new_asks_nobody(night, team):
    night(0)
    assert team.asked == []


def test_a_service_that_fails_changes_no_exit_code(night, team):
    team.says = 500
    night.fleet.secrets["two"] = "rotated"
    result = night(1)
    assert "env:TEAM_URL: the notification of new findings failed" in result.stderr
    assert summary(night.fleet.out)["over_bar"] is True


def test_a_service_that_is_not_there_changes_none_either(night, monkeypatch):
    monkeypatch.setenv("TEAM_URL", f"json://127.0.0.1:1/{SECRET}")
    night.fleet.secrets["two"] = "rotated"
    assert "failed" in night(1).stderr


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("env:NOT_SET_ANYWHERE", "error: --notify env:NOT_SET_ANYWHERE: environment variable"),
        ("file:/nowhere/at/all", "error: --notify file:/nowhere/at/all: the file cannot be read"),
        (f"json://127.0.0.1/{SECRET}", "error: --notify: takes env:NAME, file:PATH or keyring:"),
        (SECRET, "error: --notify: takes env:NAME, file:PATH or keyring:"),
        ("env:NONSENSE", "error: --notify env:NONSENSE: holds no URL that Apprise knows"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_asked(night, monkeypatch, given, words):
    monkeypatch.setenv("NONSENSE", f"nonsense {SECRET}")
    assert words in night(2, notify=given).stderr
    assert not night.fleet.out.exists()


def test_a_missing_extra_is_said_before_anything_is_asked(night):
    with patch.dict(sys.modules, {"apprise": None}):
        assert (
            "error: --notify: apprise is not installed: pip install 'scopeprobe[notify]'"
            in night(2).stderr
        )


def test_a_file_holds_the_url(night, team, tmp_path):
    (tmp_path / "url").write_text(team.address + "\n")
    night.fleet.secrets["two"] = "rotated"
    night(1, notify=f"file:{tmp_path}/url")
    assert len(team.messages()) == 1


def message_about(team, *found):
    summary_ = told(*found)
    teller = Notifier("env:X", Secret(team.address))
    assert teller.send(summary_, teller.news(summary_))
    [message] = team.messages()
    return message


def excesses(count, detail="not expected, is granted"):
    return [
        Finding(FindingKind.EXCESS, ClientName(f"c{n:02}"), "", "s", detail) for n in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "more"), [(MOST_TOLD, []), (MOST_TOLD + 3, ["… and 3 more in findings.csv"])]
)
def test_a_message_names_the_first_findings_and_counts_the_others(team, count, more):
    message = message_about(team, *excesses(count))
    assert message["title"] == f"scopeprobe: {count} new findings"
    *lines, blank, all_of_it = message["message"].splitlines()
    assert [line.partition(":")[0] for line in lines[:MOST_TOLD]] == [
        f"c{n:02} s" for n in range(MOST_TOLD)
    ]
    assert lines[MOST_TOLD:] == more
    assert (blank, all_of_it) == ("", f"All of the run: {count} excess.")


def test_a_message_calls_nobody(team):
    message = message_about(team, *excesses(1, "@everyone <!channel>\x1b[31m"))
    assert message["message"].startswith("c00 s: ＠everyone ‹!channel>[31m. To do: ")  # noqa: RUF001
