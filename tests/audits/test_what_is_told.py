"""What an audit says of itself and its inputs: resumed, without issuers, with a guard."""

import json

import pytest
from granting import FAST
from harness import Entry, Reply, raw_server, scopeprobe, summary, token_body, write_inputs


def events(result):
    return [json.loads(line) for line in result.stderr.splitlines()]


def test_a_run_that_goes_on_says_how_much_it_knows(fleet_of_nights):
    first = events(fleet_of_nights.night("--max-requests", "5", codes=(3,)))
    assert "run_resumed" not in {event["event"] for event in first}
    again = events(fleet_of_nights.night("--resume"))
    (resumed,) = (event for event in again if event["event"] == "run_resumed")
    (started,) = (event for event in again if event["event"] == "run_started")
    assert resumed["run"] == started["run"] == first[-1]["run"]
    assert resumed["answers_known"] == 5


@pytest.mark.parametrize("strategy", ["each", "adaptive", "recheck"])
def test_each_client_is_told_to_start_and_to_finish_once(fleet_of_nights, strategy):
    told = events(fleet_of_nights.night("-vv", strategy=strategy))
    for client in ("one", "two", "three"):
        names = [event["event"] for event in told if event.get("client") == client]
        assert (names[0], names[-1]) == ("client_started", "client_finished")
        assert set(names[1:-1]) == {"request_answered"}


def test_the_first_run_says_that_there_is_nothing_to_compare_with(fleet_of_nights):
    assert "no earlier run is finished here" in fleet_of_nights.night("--previous", "last").stderr
    assert "no earlier run" not in fleet_of_nights.night("--previous", "last").stderr


def test_where_no_server_names_an_issuer_there_is_nothing_to_discover(fleet_of_nights):
    fleet_of_nights.night()
    told = scopeprobe(
        "discover", fleet_of_nights.folder / "clients.toml", "--print", "json",
        env={f"SECRET_{n}": "s3cret-of-nobody" for n in range(3)},
    )  # fmt: skip
    assert (told.returncode, told.stdout) == (2, "")
    assert "clients.toml: names no issuer to read metadata of; write `issuer`" in told.stderr


@pytest.mark.parametrize("listed", ["", "admin.all"])
def test_a_guard_is_matched_by_what_a_token_carries_beside_the_candidates(tmp_path, listed):
    def answer(asked):
        known = " ".join(scope for scope in (asked.scopes, listed) if scope in {"a", listed})
        return Reply(body=token_body(scope=known.strip()))

    with raw_server(answer) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}
        entries = [Entry("c", "s", extra='expect = { denied = ["admin.*"] }')]
        words, environment = write_inputs(tmp_path, settings, entries, ["a"])
        scopeprobe("audit", *words, "-o", tmp_path / "out", env=environment)
    told = summary(tmp_path / "out")
    kinds = {one["kind"] for one in (*told["findings"], *told["warnings"])}
    assert kinds == ({"excess"} if listed else {"unmatched_expectation"})
