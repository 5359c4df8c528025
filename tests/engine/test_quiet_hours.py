"""Hours in which a server is left alone, and folders that are in use."""

import os
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from harness import Entry, Reply, command, raw_server, reasons, scopeprobe, verdicts, write_inputs

from scopeprobe.audits.audit import Audit, audit
from scopeprobe.inputs import Fleet
from scopeprobe.inputs.units import parse_quiet
from scopeprobe.model.cell import Reason
from scopeprobe.model.quiet_hours import QuietHours
from scopeprobe.model.rate import Rate

NOON = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "moment", "holds", "begins_in_h"),
    [
        ("11:00-13:00", NOON, True, 0),
        ("12:00-13:00", NOON, True, 0),
        ("11:00-12:00", NOON, False, 23),
        ("13:30-14:00 UTC", NOON, False, 1.5),
        ("22:00-02:00 Europe/Berlin", NOON, False, 9),  # 21:00 UTC in winter time
        ("22:00-02:00 Europe/Berlin", NOON + timedelta(hours=11), True, 0),
        ("22:00-02:00 Europe/Berlin", NOON + timedelta(hours=13), False, 19),  # summer time by then
        ("13:00-14:00 Asia/Kolkata", NOON, False, 19.5),
    ],
)
def test_hours_are_those_of_their_time_zone(hours, moment, holds, begins_in_h):
    quiet = parse_quiet(hours)
    assert quiet.holds(moment) is holds
    assert quiet.begins_in(moment) == begins_in_h * 3600


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("at night", "must be hours and a time zone"),
        ("25:00-02:00", "must be times of a day"),
        ("22:00-22:00", "begins when it ends"),
        ("22:00-02:00 Europe/Atlantis", "names no time zone"),
        (22, "must be hours and a time zone"),
    ],
)
def test_what_is_no_hours_is_told_so(text, words):
    with pytest.raises(ValueError, match=words):
        parse_quiet(text)


def around(now, before, after):
    return f"{now - before:%H:%M}-{now + after:%H:%M} UTC"


def test_nothing_is_asked_in_quiet_hours_and_other_servers_are_not_held_up(tmp_path):
    quiet = around(datetime.now(UTC), timedelta(hours=1), timedelta(hours=1))
    with raw_server(lambda _asked: Reply(body=b'{"access_token":"t","scope":"a"}')) as wire:
        pace = 'rate = "900/s"\nclient_rate = "900/s"'
        servers = {
            "night": f'token_endpoint = "{wire.url}/n"\nquiet = "{quiet}"\n{pace}',
            "day": f'token_endpoint = "{wire.url}/d"\n{pace}',
        }
        entries = [Entry("one", "night"), Entry("two", "day")]
        words, environment = write_inputs(tmp_path, servers, entries, ["a"])
        result = scopeprobe("audit", *words, "-o", tmp_path / "out", env=environment)
        assert result.returncode == 3, result.stderr
        assert {asked.path for asked in wire.asked} == {"/d"}
    assert reasons(tmp_path / "out")["one", "a"] == "quiet"


def test_a_run_stops_asking_when_quiet_hours_begin(tmp_path, make_client):
    begins = datetime.now(UTC) + timedelta(seconds=2)
    quiet = QuietHours(begins.time(), (begins + timedelta(hours=1)).time())
    with raw_server(lambda _asked: Reply(body=b'{"access_token":"t","scope":"a"}')) as wire:
        client = make_client(
            *(f"s{n}" for n in range(40)),
            token_endpoint=f"{wire.url}/t",
            client_rates=(Rate(5, 1),),
            quiet=quiet,
        )
        result = anyio.run(
            audit, Audit(Fleet((client,), frozenset([client.name])), tmp_path / "out")
        )
        asked = len(wire.asked)
    told = {cell.reason for cell in result.cells}
    assert Reason.QUIET in told
    assert told - {Reason.QUIET}
    assert asked <= 12
    assert not result.is_complete


@pytest.fixture
def slow(tmp_path):
    """An audit that is under way and takes a while."""
    with raw_server(lambda _asked: Reply(body=b'{"access_token":"t","scope":"a"}')) as wire:
        servers = {"s": f'token_endpoint = "{wire.url}/t"\nclient_rate = "4/s"'}
        words, environment = write_inputs(tmp_path, servers, [Entry("one", "s")], list("abcdefgh"))
        words = ("audit", *words, "-o", tmp_path / "out")
        first = subprocess.Popen(
            command(*words), env={**os.environ, **environment}, stderr=subprocess.DEVNULL
        )
        while not wire.asked:
            time.sleep(0.02)
        yield first, words, environment, tmp_path / "out"
        first.kill()
        first.wait()


def test_a_second_audit_waits_where_it_is_told_to(slow):
    first, words, environment, out = slow
    refused = scopeprobe(*words, env=environment)
    assert refused.returncode == 2
    assert "wait for it with --wait" in refused.stderr
    second = scopeprobe(*words, "--wait", env=environment)
    assert first.poll() == 0
    assert second.returncode == 0, second.stderr
    assert len(verdicts(out)) == 8


def test_the_lock_of_a_killed_audit_holds_nobody_up(slow):
    first, words, environment, out = slow
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert scopeprobe(*words, "--resume", env=environment).returncode == 0
    assert len(verdicts(out)) == 8
