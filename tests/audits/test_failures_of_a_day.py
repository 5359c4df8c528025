"""Failed authentications in a row: repeated explanations of a day, and runs that are resumed."""

import json
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from harness import Entry, Reply, raw_server, scopeprobe, token_body, write_inputs
from locking_server import DRESSES, LockingServer

from scopeprobe.audits.explain import Explain, explain
from scopeprobe.errors import InputError
from scopeprobe.model.rate import Rate
from scopeprobe.store import Store

OF_NOBODY = {"404", "404 page", "redirect", "no answer"}
"""Nobody has looked at who asks where there is no such place. The last one takes long."""
FAILED = Reply(401, b'{"error":"invalid_client"}')
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Server:
    """Rejects everybody, unless it is told to be kind."""

    def __init__(self):
        self.is_kind = False

    def __call__(self, _asked):
        return Reply(body=token_body()) if self.is_kind else FAILED


@pytest.fixture
def server():
    answer = Server()
    with raw_server(answer) as wire:
        wire.answers = answer
        yield wire


@pytest.fixture
def client(make_client, server):
    rates = (Rate(1000, 1),)
    return make_client("a", token_endpoint=f"{server.url}/t", rates=rates, client_rates=rates)


def explained(client, out, now=NOON, **order):
    return anyio.run(explain, Explain(client, out=out, now=lambda: now, **order))


def test_explanations_of_one_day_spend_three_together(client, server, tmp_path):
    out = tmp_path / "out"
    for hour in range(6):
        try:
            explained(client, out, NOON + timedelta(hours=hour))
        except InputError as error:
            (told,) = error.messages
    assert len(server.asked) == 3
    assert told == (
        "billing: 3 requests in a row may have failed to authenticate today, and one more might"
        " lock the client: nothing more is asked of it until tomorrow (UTC)."
        " `--max-auth-failures 4` allows one more, as when it was mended meanwhile"
    )


@pytest.mark.parametrize("dress", sorted(DRESSES.keys() - OF_NOBODY))
def test_they_do_so_however_a_wrong_secret_is_worded(make_client, tmp_path, dress):
    server = LockingServer({"billing-id": {"a", "b"}}, dress=DRESSES[dress])
    server.secrets["billing-id"] = "another"
    with raw_server(server) as wire:
        rates = (Rate(1000, 1),)
        client = make_client(
            "a",
            "b",
            "c",
            token_endpoint=f"{wire.url}/t",
            rates=rates,
            client_rates=rates,
            retries=1,
        )
        for _ in range(3):
            with suppress(InputError):
                explained(client, tmp_path / "out")
    assert server.most["billing-id"] <= 3


def test_the_next_day_begins_anew(client, server, tmp_path):
    explained(client, tmp_path / "out", max_auth_failures=1)
    explained(client, tmp_path / "out", NOON + timedelta(hours=12), max_auth_failures=1)
    assert len(server.asked) == 2


def test_one_more_may_be_allowed_and_a_success_clears_all(client, server, tmp_path):
    out = tmp_path / "out"
    explained(client, out, max_auth_failures=1)
    with pytest.raises(InputError, match="`--max-auth-failures 2` allows one more"):
        explained(client, out, max_auth_failures=1)
    server.answers.is_kind = True
    assert explained(client, out, max_auth_failures=2).outcome == "working"
    server.answers.is_kind = False
    server.asked.clear()
    explained(client, out, max_auth_failures=1)
    assert len(server.asked) == 1


def test_no_folder_is_made_where_nothing_failed(client, server, tmp_path):
    server.answers.is_kind = True
    explained(client, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_was_there_stays_as_it_was(client, server, tmp_path):
    server.answers.is_kind = True
    (tmp_path / "notes.txt").write_text("mine")
    explained(client, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with Store.open(tmp_path / "out"):
        pass
    explained(client, tmp_path / "out")
    assert (tmp_path / "out" / "scopeprobe.db").exists()


def test_nothing_is_lost_when_an_explanation_is_killed(client, tmp_path):
    """What may have failed is stored before the next request leaves."""
    counts = []

    def answer(_asked):
        if (tmp_path / "out").exists():
            with closing(sqlite3.connect(tmp_path / "out" / "scopeprobe.db")) as database:
                counts.append(database.execute("select count from failures").fetchone()[0])
        return FAILED

    with raw_server(answer) as wire:
        explained(_at(client, wire.url), tmp_path / "out")
        assert counts == list(range(1, len(wire.asked) + 1))


def _at(client, url):
    endpoints = replace(client.server.endpoints, token=f"{url}/t")
    return replace(client, server=replace(client.server, endpoints=endpoints))


@pytest.fixture
def files(tmp_path, server):
    settings = f'token_endpoint = "{server.url}/t"\nrate = "1000/s"\nclient_rate = "1000/s"'
    entries = [Entry("billing", "corp", extra='scopes = ["a", "b"]')]
    words, environment = write_inputs(tmp_path, {"corp": settings}, entries)
    out = tmp_path / "out"
    return lambda command, *more: scopeprobe(command, *words, *more, "-o", out, env=environment)


def test_a_run_that_can_be_resumed_counts_with_its_explanations(files, server):
    files("audit", "--max-requests", 2)
    assert len(server.asked) == 2
    files("explain", "billing")
    assert len(server.asked) == 3
    files("audit", "--resume")
    told = files("explain", "billing", "--print", "json")
    assert len(server.asked) == 3
    assert "3 requests in a row may have failed to authenticate" in told.stderr
    assert "What is said rests on what run 2" in told.stderr
    document = json.loads(told.stdout)
    assert document["requests"] == 0
    assert document["experiments"][0]["curl"].startswith("curl ")
    assert {cause["code"] for cause in document["causes"]} >= {"secret_rejected"}


def test_a_success_of_an_explanation_lets_the_run_go_on(files, server):
    files("audit", "--max-requests", 2)
    server.answers.is_kind = True
    assert files("explain", "billing").returncode == 0
    asked = len(server.asked)
    server.answers.is_kind = False
    files("audit", "--resume")
    assert len(server.asked) > asked + 1


def test_a_token_of_a_later_run_clears_explanations(files, server):
    files("explain", "billing", "--max-auth-failures", 1)
    server.answers.is_kind = True
    files("audit")
    server.answers.is_kind = False
    asked = len(server.asked)
    files("explain", "billing", "--max-auth-failures", 1)
    assert len(server.asked) == asked + 1


def test_a_new_run_begins_anew_and_forgets_no_explanation_of_the_day(files, server):
    files("explain", "billing")
    spent = len(server.asked)
    files("audit")
    assert len(server.asked) > spent
    asked = len(server.asked)
    files("explain", "billing", "--max-auth-failures", spent)
    assert len(server.asked) == asked


def test_the_user_is_told_of_the_last_try_and_of_the_folder(files, tmp_path):
    told = files("explain", "billing", "--max-auth-failures", 1)
    made = f"notice: {tmp_path / 'out'}: was made, to remember failed authentications"
    assert made in told.stderr
    assert made not in files("explain", "billing", "--max-auth-failures", 2).stderr
    assert "`--max-auth-failures 2` allows one more" in told.stderr
