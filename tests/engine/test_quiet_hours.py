"""Hours in which a server is left alone, and folders that are in use."""

from datetime import UTC, datetime, timedelta

import anyio
import pytest
from harness import Entry, Reply, raw_server, reasons, scopeprobe, write_inputs

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
