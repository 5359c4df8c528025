"""What is seen while a run goes on: a line a server, and throttles once."""

import io
import json
from datetime import datetime, timedelta

import pytest
from harness import Entry, Reply, raw_server, scopeprobe, write_inputs
from rich.console import Console

from scopeprobe.cli.progress import ProgressBar
from scopeprobe.model.client import ClientName
from scopeprobe.model.events import (
    ClientFinished,
    EndpointLeftAlone,
    EndpointOutOfReach,
    EndpointThrottled,
    RequestAnswered,
    RunStarted,
)
from scopeprobe.reports.plan import Cost, FleetPlan, ServerPlan


class Watch:
    """A progress bar of two servers, and a clock that goes when it is told to."""

    def __init__(self):
        self.now = 1000.0
        costs = {"corp": Cost(600, 600, 600, 10.0, "1/s"), "east": Cost(100, 100, 100, 1.0, "2/s")}
        servers = tuple(ServerPlan(name, 2, 50, {"each": cost}) for name, cost in costs.items())
        self.bar = ProgressBar(FleetPlan(servers, {}), "each", clock=lambda: self.now)
        self.bar(RunStarted("run", 4, 2, 100, 700))

    def answer(self, server, times=1, status=200):
        for _ in range(times):
            self.bar(RequestAnswered(ClientName("c"), server, None, status, "issued", 1, 1.0))

    def lines(self, width=80):
        console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
        console.print(self.bar.table())
        shown = console.file.getvalue().splitlines()
        assert all(len(line) <= width for line in shown)
        return {line.split()[0]: " ".join(line.split()[1:]) for line in shown}


@pytest.fixture
def watch():
    return Watch()


def test_time_left_is_that_of_the_rates_before_anything_was_measured(watch):
    assert watch.lines() == {
        "corp": "not asked yet 0/600 10 min left",
        "east": "not asked yet 0/100 < 1 min left".replace("< 1", "1"),
        "in": "all 0 of 4 clients 0/700 10 min left",
    }


def test_time_left_is_that_of_the_servers_own_pace_where_it_is_slower(watch):
    watch.answer("corp")
    watch.now += 300
    watch.answer("corp", 99)
    assert watch.lines()["corp"] == "asking 100/600 25 min left"


def test_a_pause_says_until_when_and_who_asks_for_it(watch):
    watch.answer("corp")
    watch.bar(EndpointThrottled("corp", 7200.0, asked_by_server=True))
    until = datetime.now().astimezone() + timedelta(seconds=7200)
    line = watch.lines()["corp"]
    assert f"paused until {until:%H:%M}: the server asks for that" in line
    assert line.endswith("2.2 h left")
    watch.now += 7195
    assert "paused 5 s" in watch.lines()["corp"]
    watch.now += 6
    assert watch.lines()["corp"].startswith("asking 1/600")


def test_who_is_paused_goes_first_until_the_moment_at_which_the_pause_ends(watch):
    watch.answer("east")
    watch.bar(EndpointThrottled("east", 5.0, asked_by_server=True))
    watch.now += 4.5
    assert list(watch.lines()) == ["east", "corp", "in"]
    watch.now += 0.5
    assert list(watch.lines()) == ["corp", "east", "in"]
    assert watch.lines()["east"].startswith("asking")


def test_an_answer_ends_a_pause(watch):
    watch.bar(EndpointOutOfReach("corp", 30.0, "corp.example:443 refuses connections"))
    assert "paused 30 s: corp.example:443 refuses" in watch.lines()["corp"]
    watch.answer("corp")
    assert watch.lines()["corp"].startswith("asking")


def test_a_server_that_is_given_up_says_why_and_one_that_is_done_is_gone(watch):
    watch.bar(EndpointLeftAlone("corp", "unreachable", "corp.example:443 refuses connections"))
    for name in ("a", "b"):
        watch.bar(ClientFinished(ClientName(name), "east", 50))
    lines = watch.lines()
    assert lines["corp"] == "given up: corp.example:443 refuses connections 0/600"
    assert "east" not in lines
    assert lines["in"] == "all 2 of 4 clients 0/700 < 1 min left"


def test_before_a_run_begins_nothing_is_expected():
    console = Console(file=io.StringIO(), width=80)
    console.print(ProgressBar(None, "each").table())
    assert " ".join(console.file.getvalue().split()) == "in all 0 of 0 clients 0/0 < 1 min left"


def throttled_audit(folder, *words):
    """An audit of a server that throttles every other request."""
    count = iter(range(10_000))

    def answer(_asked):
        return Reply(429, b"", {"Retry-After": "0"}) if next(count) % 2 else Reply()

    with raw_server(answer) as server:
        text = f'token_endpoint = "{server.url}/t"\nrate = "900/s"\nclient_rate = "900/s"'
        arguments, secrets = write_inputs(folder, {"corp": text}, [Entry("c", "corp")], ["a", "b"])
        where = ("-o", folder / "out", "--max-pause", "5s")
        return scopeprobe("audit", *arguments, *where, *words, env=secrets).stderr


def test_people_are_told_once_of_throttles_and_their_sum_in_the_end(tmp_path):
    told = throttled_audit(tmp_path, "--log-format", "console", "--log-file", tmp_path / "log")
    assert told.count("[warning] throttled ") == 1
    events = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    throttled = [one for one in events if one["event"] == "endpoint_throttled"]
    assert len(throttled) > 1
    assert all(one["asked_by_server"] for one in throttled)
    assert "throttled: corp " in told
