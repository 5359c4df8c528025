"""In quiet hours nothing is asked."""

from datetime import UTC, datetime, timedelta

import anyio
from harness import Entry, Reply, raw_server, reasons, scopeprobe, token_body, write_inputs

from scopeprobe.audits.audit import audit
from scopeprobe.audits.order import Audit
from scopeprobe.inputs import Fleet
from scopeprobe.model.cell import Reason
from scopeprobe.model.quiet_hours import QuietHours
from scopeprobe.model.rate import Rate


def around(now, before, after):
    return f"{now - before:%H:%M}-{now + after:%H:%M} UTC"


def test_nothing_is_asked_in_quiet_hours_and_other_servers_are_not_held_up(tmp_path):
    quiet = around(datetime.now(UTC), timedelta(hours=1), timedelta(hours=1))
    with raw_server(lambda _asked: Reply(body=token_body(scope="a"))) as wire:
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
    with raw_server(lambda _asked: Reply(body=token_body(scope="a"))) as wire:
        client = make_client(
            *(f"s{n}" for n in range(40)),
            token_endpoint=f"{wire.url}/t",
            client_rates=(Rate(5, 1),),
            quiet=quiet,
        )
        result = anyio.run(audit, Audit(Fleet((client,), (client,)), tmp_path / "out"))
        asked = len(wire.asked)
    told = {cell.reason for cell in result.cells}
    assert Reason.QUIET in told
    assert told - {Reason.QUIET}
    assert asked <= 12
    assert not result.is_complete
