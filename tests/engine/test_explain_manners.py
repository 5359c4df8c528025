"""`explain` keeps to what an audit keeps to: quiet hours, quotas, pauses, tries."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from harness import Entry, Reply, raw_server, scopeprobe, write_inputs

from scopeprobe.audits.explain import Explain, explain
from scopeprobe.errors import InputError
from scopeprobe.model.quiet_hours import QuietHours
from scopeprobe.model.rate import Rate
from scopeprobe.store import Store

TOKEN = b'{"access_token":"opaque-token","token_type":"Bearer"}'
FAILED = Reply(401, b'{"error":"invalid_client"}')
FAST = (Rate(1000, 1),)


def explained(client, out, **order):
    return anyio.run(explain, Explain(client, out=out, **order))


@pytest.fixture
def out(tmp_path):
    """The output folder of an audit that knows a server."""
    with Store.open(tmp_path / "out"):
        pass
    return tmp_path / "out"


def noted(out, table):
    with closing(sqlite3.connect(out / "scopeprobe.db")) as database:
        return database.execute(f"select * from {table}").fetchall()


def test_in_quiet_hours_nothing_is_sent_and_the_user_is_told_so(make_client, tmp_path):
    now = datetime.now(UTC)
    quiet = QuietHours(
        (now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time(), "Etc/UTC"
    )
    with raw_server() as server:
        client = make_client("a", issuer=server.url, token_endpoint=f"{server.url}/t", quiet=quiet)
        with pytest.raises(
            InputError, match=r"^billing: corp gets no attempts during its quiet hours, .*Etc/UTC$"
        ):
            explained(client, tmp_path)
    assert server.asked == []


def test_the_command_line_ends_with_2_in_quiet_hours_and_makes_no_folder(tmp_path):
    now = datetime.now(UTC)
    hours = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=1):%H:%M} UTC"
    with raw_server(lambda _asked: Reply(body=TOKEN)) as server:
        entries = [Entry("billing", "corp", extra='scopes = ["a"]')]
        text = f'token_endpoint = "{server.url}/t"\n'
        for quiet, code in ((f'quiet = "{hours}"', 2), ("", 0)):
            words, environment = write_inputs(tmp_path, {"corp": text + quiet}, entries)
            result = scopeprobe(
                "explain", *words, "billing", "-o", tmp_path / "out", env=environment
            )
            assert result.returncode == code, result.stderr
            assert not (tmp_path / "out").exists()


def test_a_quota_is_shared_with_the_audits_of_the_folder(make_client, out):
    with raw_server(lambda _asked: Reply(body=TOKEN)) as server:
        rates = *FAST, Rate(2, 86400)
        client = make_client("a", token_endpoint=f"{server.url}/t", rates=rates, client_rates=FAST)
        first = explained(client, out)
        assert first.requests == len(server.asked) == len(noted(out, "used_permits")) == 2
        with pytest.raises(InputError, match="its quota is used up"):
            explained(client, out)
        assert len(server.asked) == 2


def test_a_folder_that_an_audit_writes_to_is_read(make_client, out):
    with raw_server(lambda _asked: Reply(body=TOKEN)) as server:
        rates = *FAST, Rate(9, 86400)
        client = make_client("a", token_endpoint=f"{server.url}/t", rates=rates, client_rates=FAST)
        with Store.open(out):
            assert explained(client, out).outcome == "working"
        assert noted(out, "used_permits") == []
        explained(client, out)
        assert len(noted(out, "used_permits")) == 2


def test_a_pause_that_a_server_asked_for_is_kept_by_the_next_explanation(make_client, out):
    wait = Reply(429, b"", {"Retry-After": "3600"})
    with raw_server(lambda _asked: wait) as server:
        client = make_client("a", token_endpoint=f"{server.url}/t", rates=FAST, client_rates=FAST)
        explanation = explained(client, out)
        assert [cause.code for cause in explanation.causes] == ["throttled"]
        ((_, until),) = noted(out, "pauses")
        assert until > time.time() + 3000
        with pytest.raises(InputError, match="or it asked for a pause"):
            explained(client, out)
    assert len(server.asked) == 1


@pytest.mark.parametrize("accepted", [1, 2, 5, 9])
def test_a_secret_that_is_rotated_meanwhile_fails_three_times_at_most(
    make_client, tmp_path, accepted
):
    scopes = [f"s{n}" for n in range(16)]

    def answer(asked):
        if len(server.asked) > accepted:
            return FAILED
        is_whole = len((asked.scopes or "").split()) > 1
        return Reply(400, b'{"error":"invalid_scope"}') if is_whole else Reply(body=TOKEN)

    with raw_server(answer) as server:
        client = make_client(
            *scopes, token_endpoint=f"{server.url}/t", rates=FAST, client_rates=FAST
        )
        explanation = explained(client, tmp_path)
    assert len(server.asked) <= accepted + 3
    assert explanation.requests == len(server.asked)


def test_the_tries_of_the_clients_file_hold(make_client, tmp_path):
    with raw_server(lambda _asked: FAILED) as server:
        client = make_client(
            "a", secret=" padded ", token_endpoint=f"{server.url}/t", max_auth_failures=1
        )
        explained(client, tmp_path / "one")
        assert len(server.asked) == 1
        server.asked.clear()
        explained(client, tmp_path / "two", max_auth_failures=2)
        assert len(server.asked) == 2
