"""One night with a clock a year ahead spoils no quota, no resume and no history."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from harness import raw_server, scopeprobe, summary
from long_runs import inputs, strict

from scopeprobe.model.run import Run
from scopeprobe.store import Store

YEAR, HOURS = 365 * 86400, 3600
REQUESTS = 6
"""Of one client that is asked for two scopes."""


class Folder:
    def __init__(self, tmp_path, monkeypatch, server):
        self.out = tmp_path / "out"
        self._words, self._environment = inputs(
            tmp_path, server, 1, scopes=["s01", "s03"], rate=f"{3 * REQUESTS}/8h"
        )
        self._real, self._monkeypatch = time.time, monkeypatch
        self.server = server

    def night(self, *options, ahead=0, code=0):
        self._monkeypatch.setattr(time, "time", lambda: self._real() + ahead)
        before = len(self.server.asked)
        ended = scopeprobe(*self._words, *options, env=self._environment)
        assert ended.returncode == code, ended.stderr
        return len(self.server.asked) - before

    def runs(self):
        ended = scopeprobe("runs", "-o", self.out, "--print", "json")
        return [run["run"] for run in json.loads(ended.stdout)["runs"]]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    with raw_server(strict) as server:
        yield Folder(tmp_path, monkeypatch, server)


def test_a_quota_is_not_used_up_for_a_year(folder):
    folder.night()
    folder.night(ahead=YEAR)
    folder.night()
    folder.night("--max-pause", "1s", code=3)  # three nights in one period is all there is
    assert folder.night("--resume", ahead=9 * HOURS) > 0


def test_a_run_that_was_left_unfinished_before_goes_on_afterwards(folder):
    folder.night("--max-requests", "5", code=3)
    (unfinished,) = folder.runs()
    folder.night(ahead=YEAR)
    assert folder.night("--resume", "--run", unfinished) < REQUESTS


def test_the_last_run_is_the_one_that_came_last(folder):
    folder.night()
    folder.night(ahead=YEAR)
    future = summary(folder.out)["run"]
    folder.night("--previous", "last")
    today = summary(folder.out)["run"]
    assert folder.runs()[:2] == [today, future]
    ended = scopeprobe("report", "-o", folder.out, "--print", "json")
    assert json.loads(ended.stdout)["summary"]["run"] == today


TODAY = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
TONIGHT = Run("after", TODAY + 0.5, None, "digest", "each", 1, 1)


def test_what_was_dated_ahead_lies_between_the_nights_around_it_however_soon_they_follow(tmp_path):
    """In the order in which it came; what was left unfinished is unfinished still."""
    began = {"before": TODAY, "ahead": TODAY + YEAR, "ahead too": TODAY + YEAR + 60}
    with Store.open(tmp_path / "out") as store:
        for name, started in began.items():
            run = replace(TONIGHT, id=name, started=started)
            store.begin(run)
            if name != "ahead too":
                ended = replace(run, finished=started + 30, complete=True)
                store.finish(ended, [], [], written_files={}, keep=10)
        store.begin(TONIGHT)
        runs = store.runs()
    assert [run.id for run in runs] == ["after", "ahead too", "ahead", "before"]
    assert all(TODAY < run.started < TONIGHT.started for run in runs[1:3])
    assert runs[1].finished is None
    assert runs[2].started <= runs[2].finished <= TONIGHT.started


def test_the_first_runs_of_a_folder_may_be_those_that_were_dated_ahead(tmp_path):
    with Store.open(tmp_path / "out") as store:
        for n in range(2):
            store.begin(replace(TONIGHT, id=f"ahead {n}", started=TODAY + YEAR + n))
        store.begin(TONIGHT)
        runs = store.runs()
    assert [run.id for run in runs] == ["after", "ahead 1", "ahead 0"]
    assert TONIGHT.started - runs[-1].started < 60


def test_failures_of_an_explanation_that_was_dated_ahead_count_for_one_day(tmp_path):
    """The last count is the one that counts, and none of them is of the run that began later."""
    tomorrow = datetime.fromtimestamp(TODAY + 86400, UTC)
    with Store.open(tmp_path / "out") as store:
        store.remember_failures(TODAY + YEAR, {"corp c": 2})
        store.remember_failures(TODAY + YEAR + 1, {"corp c": 3})
        store.begin(TONIGHT)
        today = datetime.fromtimestamp(TODAY + 1, UTC)
        assert store.failures_today("corp c", "c", today) == 3
        assert store.failures_today("corp c", "c", tomorrow) == 0
        assert store.facts(TONIGHT).failures_of("corp c") == 0
