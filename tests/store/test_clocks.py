"""One night with a clock a year ahead spoils no quota, no resume and no history."""

import json
import time

import pytest
from harness import raw_server, scopeprobe, summary
from long_runs import inputs, strict

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
