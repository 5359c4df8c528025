"""Pace, pauses, bounds: what servers see of a run."""

import json
import threading
import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from harness import (
    Entry,
    Reply,
    raw_server,
    reasons,
    scopeprobe,
    summary,
    token_body,
    write_inputs,
)

FAST = 'rate = "2000/s"\nclient_rate = "2000/s"'


def listing(asked, **more):
    """Grants whatever exists; the canary does not."""
    exists = asked.scopes and not asked.scopes.startswith("scopeprobe-canary-")
    return Reply(body=token_body(scope=asked.scopes if exists else ""), **more)


def audit(tmp_path, servers, entries, scopes, *options, expect=(0, 1, 3)):
    arguments, environment = write_inputs(tmp_path, servers, entries, scopes)
    result = scopeprobe("audit", *arguments, "-o", tmp_path / "out", *options, env=environment)
    assert result.returncode in expect, result.stderr
    return result


def events_in(log, name):
    events = map(json.loads, log.read_text().splitlines())
    return [event for event in events if event["event"] == name]


@pytest.mark.parametrize("clients", [1, 12])
def test_three_hundred_requests_at_200_a_second_take_no_less_than_their_time(tmp_path, clients):
    scopes = [f"s{n}" for n in range(300 // clients - 2)]
    with raw_server(listing) as server:
        settings = f'token_endpoint = "{server.url}/t"\nrate = "200/s"\nclient_rate = "200/s"'
        entries = [Entry(f"c{n}", "s") for n in range(clients)]
        began = time.monotonic()
        audit(tmp_path, {"s": settings}, entries, scopes)
        took = time.monotonic() - began
    assert len(server.asked) == 300
    assert took >= 299 / 200


def test_a_clients_own_pace_holds_beside_the_servers(tmp_path):
    with raw_server(listing) as server:
        settings = f'token_endpoint = "{server.url}/t"\nrate = "900/s"\nclient_rate = "20/s"'
        entries = [Entry(f"c{n}", "s") for n in range(3)]
        began = time.monotonic()
        audit(tmp_path, {"s": settings}, entries, [f"s{n}" for n in range(18)])
        took = time.monotonic() - began
    assert set(server.count().values()) == {20}
    assert took >= 19 / 20


@pytest.mark.parametrize("bound", [1, 3, 8])
def test_no_more_is_in_flight_than_its_bound(tmp_path, bound):
    with raw_server(lambda asked: listing(asked, delay=0.1)) as server:
        settings = f'token_endpoint = "{server.url}/t"\n{FAST}\nin_flight = {bound}'
        entries = [Entry(f"c{n}", "s") for n in range(bound + 1)]
        audit(tmp_path, {"s": settings}, entries, [f"s{n}" for n in range(4)])
    assert server.most_in_air == bound


def test_until_its_first_success_a_client_has_one_request_in_the_air(tmp_path):
    in_air, most = {}, {}
    lock = threading.Lock()

    def needs_a_scope(asked):
        with lock:
            in_air[asked.client] = in_air.get(asked.client, 0) + 1
            most[asked.client] = max(most.get(asked.client, 0), in_air[asked.client])
            in_air[asked.client] -= 1
        return Reply(400, b'{"error":"invalid_scope"}', delay=0.01)

    with raw_server(needs_a_scope) as server:
        settings = f'token_endpoint = "{server.url}/t"\n{FAST}\nin_flight = 8'
        scopes = [f"s{n}" for n in range(12)]
        audit(tmp_path, {"s": settings}, [Entry("c", "s")], scopes, expect=(4,))
    times = [asked.at for asked in server.asked]
    assert server.most_in_air == 1
    assert min(later - sooner for sooner, later in pairwise(times)) >= 0.01


def test_a_thousand_rate_groups_keep_their_own_rate_each(tmp_path):
    """Behind one gate, 4,000 requests at 2 a second would take longer than a test may."""
    with raw_server(listing) as server:
        servers = {
            f"s{n}": f'token_endpoint = "{server.url}/{n}"\nrate = "2/s"\n'
            f'rate_group = "g{n}"\nclient_rate = "900/s"'
            for n in range(1000)
        }
        entries = [Entry(f"c{n}", f"s{n}") for n in range(1000)]
        began = time.monotonic()
        audit(tmp_path, servers, entries, ["a", "b"], "--yes")
        took = time.monotonic() - began
    assert len(server.count()) == 1000
    assert set(server.count().values()) == {4}
    assert took >= 3 / 2


@pytest.mark.parametrize("disguised", [False, True], ids=["429", "400-in-disguise"])
def test_a_throttle_holds_the_whole_group_back_and_no_other(tmp_path, disguised):
    throttled_at = []

    def throttles_once(asked):
        if asked.headers["host"].endswith(str(slow.port)) and len(slow.asked) == 20:
            throttled_at.append(time.monotonic())
            if disguised:
                said = b'{"error":"invalid_request","description":"rate limit exceeded; '
                return Reply(400, said + b'try again in 2 seconds"}')
            return Reply(429, b"slow down", {"Retry-After": "2"})
        return listing(asked, delay=0.01)

    with raw_server(throttles_once) as slow, raw_server(throttles_once) as other:
        servers = {
            "slow": f'token_endpoint = "{slow.url}/t"\n{FAST}\nin_flight = 8',
            "other": f'token_endpoint = "{other.url}/t"\nrate = "20/s"\nclient_rate = "20/s"',
        }
        entries = [Entry(f"c{n}", "slow") for n in range(8)] + [Entry("o", "other")]
        audit(tmp_path, servers, entries, [f"s{n}" for n in range(30)])
    (at,) = throttled_at
    meanwhile = [asked.at for asked in slow.asked if at < asked.at < at + 2.0]
    # In the air already, or sent while the throttle waited to be read.
    assert len(meanwhile) <= 2 * 8
    assert any(asked.at > at + 2.0 for asked in slow.asked)
    assert any(at < asked.at < at + 2.0 for asked in other.asked)
    assert set(reasons(tmp_path / "out").values()) == {"listed_in_response"}


def test_each_try_of_a_request_is_told_with_its_number(tmp_path):
    replies = iter([Reply(503, b"down")] * 2)
    with raw_server(lambda asked: next(replies, None) or listing(asked)) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}
        audit(tmp_path, settings, [Entry("c", "s")], ["a"], "--log-file", tmp_path / "log", "-vv")
    tries = [
        (event["scopes"], event["attempt"])
        for event in events_in(tmp_path / "log", "request_answered")
    ]
    assert tries[:4] == [(None, 1), (None, 2), (None, 3), (tries[3][0], 1)]


def test_throttles_without_a_time_pause_for_half_a_second_and_then_for_twice_as_long(tmp_path):
    replies = iter([Reply(429, b"")] * 3)
    with raw_server(lambda asked: next(replies, None) or listing(asked)) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}\nin_flight = 1'}
        audit(tmp_path, settings, [Entry("c", "s")], ["a"], "--log-file", tmp_path / "log")
    pauses = [one["wait_s"] for one in events_in(tmp_path / "log", "endpoint_throttled")]
    for pause, longest in zip(pauses, (0.5, 1.0, 2.0), strict=True):
        assert 0.75 * longest <= pause <= longest


def test_a_longer_pause_than_the_run_may_hang_ends_the_servers_cells(tmp_path):
    def throttles(asked):
        if asked.scopes == "s3":
            return Reply(429, b"", {"Retry-After": "28800"})
        return listing(asked)

    with raw_server(throttles) as server:
        settings = f'token_endpoint = "{server.url}/t"\n{FAST}\nin_flight = 1'
        scopes, began = [f"s{n}" for n in range(6)], time.time()
        result = audit(tmp_path, {"s": settings}, [Entry("c", "s")], scopes, expect=[3])
        ends = {datetime.fromtimestamp(at + 28800, UTC) for at in (began, time.time())}
        first = reasons(tmp_path / "out")
        sent = len(server.asked)
        # The pause outlives the process: nothing is sent to a group that asked for eight hours.
        arguments = [tmp_path / "clients.toml", "--scopes", tmp_path / "scopes.txt"]
        words = ("audit", *arguments, "-o", tmp_path / "out", "--resume")
        words += ("--log-file", tmp_path / "log")
        second = scopeprobe(*words, env={"SECRET_0": "s3cret-of-nobody"})
        assert len(server.asked) == sent
    assert "no more attempts" in second.stderr
    assert any(f"no more attempts until {end:%Y-%m-%d %H:%M} UTC" in result.stderr for end in ends)
    [left] = events_in(tmp_path / "log", "endpoint_left_alone")
    assert (left["server"], left["reason"], left["detail"]) == ("s", "throttled", "")
    assert reasons(tmp_path / "out")["c", "s4"] == "throttled"
    assert first[("c", "s2")] == "listed_in_response"
    assert {first[("c", scope)] for scope in ("s3", "s4", "s5")} == {"throttled"}


def test_a_pause_beyond_all_reason_is_told_and_ends_before_the_next_night(tmp_path, monkeypatch):
    def throttles_once(asked):
        if len(server.asked) == 2:
            return Reply(429, b"", {"Retry-After": "99999999"})
        return listing(asked)

    with raw_server(throttles_once) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}\nin_flight = 1'}
        scopes, now = ["s0", "s1"], time.time()
        nights = []
        for hours in (0, 1, 24):
            monkeypatch.setattr(time, "time", lambda later=hours: now + later * 3600)
            before = len(server.asked)
            result = audit(tmp_path, settings, [Entry("c", "s")], scopes)
            told = "asked for a pause longer" in result.stderr
            nights.append(
                (set(reasons(tmp_path / "out").values()), told, len(server.asked) - before)
            )
    (first, later, next_night) = nights
    assert first == ({"throttled"}, True, 2)
    assert later == ({"throttled"}, True, 0)
    assert next_night == ({"listed_in_response"}, False, 4)


def test_a_quota_of_hours_is_spent_once_and_remembered(tmp_path):
    with raw_server(listing) as server:
        settings = f'token_endpoint = "{server.url}/t"\nrate = ["500/s", "10/8h"]\n'
        settings += 'client_rate = "500/s"'
        audit(
            tmp_path, {"s": settings}, [Entry("c", "s")], [f"s{n}" for n in range(20)], expect=[3]
        )
        assert len(server.asked) == 10
        audit(
            tmp_path,
            {"s": settings},
            [Entry("c", "s")],
            [f"s{n}" for n in range(20)],
            "--resume",
            expect=[3],
        )
        assert len(server.asked) == 10
    assert "budget_spent" in reasons(tmp_path / "out").values()


def test_faults_are_retried_and_refusals_are_not(tmp_path):
    def moody(asked):
        tries = sum(other.scopes == asked.scopes for other in server.asked)
        if asked.scopes == "flaky" and tries < 3:
            return Reply(503, b"{}")
        if asked.scopes == "refused":
            return Reply(400, b'{"error":"invalid_scope"}')
        return listing(asked)

    with raw_server(moody) as server:
        settings = f'token_endpoint = "{server.url}/t"\n{FAST}'
        audit(tmp_path, {"s": settings}, [Entry("c", "s")], ["flaky", "refused", "plain"])
    asked = [request.scopes for request in server.asked]
    assert asked.count("flaky") == 3
    assert asked.count("refused") == 1
    assert reasons(tmp_path / "out")[("c", "flaky")] == "listed_in_response"
    assert summary(tmp_path / "out")["requests"] == len(server.asked)


@pytest.mark.parametrize(
    ("option", "most"), [("--max-requests", 50), ("--max-requests-per-client", 10)]
)
def test_a_budget_is_kept_and_resume_makes_the_same_map(tmp_path, option, most):
    def strict(asked):
        if asked.scopes in {"s1", "s7"} or (asked.scopes or "").startswith("scopeprobe-canary"):
            return Reply(400, b'{"error":"invalid_scope"}')
        return listing(asked)

    scopes = [f"s{n}" for n in range(12)]
    with raw_server(strict) as server:
        settings = f'token_endpoint = "{server.url}/t"\n{FAST}'
        entries = [Entry(f"c{n}", "s") for n in range(8)]
        audit(tmp_path, {"s": settings}, entries, scopes)
        whole = (tmp_path / "out" / "permissions.csv").read_bytes()
        server.asked.clear()
        (tmp_path / "cut").mkdir()
        arguments, environment = write_inputs(tmp_path / "cut", {"s": settings}, entries, scopes)
        words = ["audit", *arguments, "-o", tmp_path / "cut" / "out"]
        result = scopeprobe(*words, option, most, env=environment)
        assert result.returncode == 3
        assert "--resume" in result.stderr
        counted = server.count()
        assert (sum(counted.values()) if most == 50 else max(counted.values())) == most
        assert "budget_spent" in reasons(tmp_path / "cut" / "out").values()
        result = scopeprobe(*words, "--resume", env=environment)
        assert result.returncode == 0, result.stderr
    assert (tmp_path / "cut" / "out" / "permissions.csv").read_bytes() == whole


def test_no_more_tokens_are_issued_than_were_allowed(tmp_path):
    with raw_server(lambda asked: listing(asked, delay=0.005)) as server:
        settings = f'token_endpoint = "{server.url}/t"\n{FAST}\nin_flight = 8'
        entries = [Entry(f"c{n}", "s") for n in range(8)]
        audit(tmp_path, {"s": settings}, entries, ["a", "b", "c"], "--max-tokens", 17, expect=[3])
    assert len(server.asked) == 17


def test_servers_that_issue_no_token_are_all_asked_under_a_budget_of_one(tmp_path):
    """One waits while a request to the other might use it up, and goes on when it has not."""

    def refuses(_asked):
        return Reply(400, b'{"error":"invalid_scope"}', delay=0.02)

    with raw_server(refuses) as one, raw_server(refuses) as other:
        servers = {
            name: f'token_endpoint = "{server.url}/t"\n{FAST}'
            for name, server in {"one": one, "other": other}.items()
        }
        entries = [Entry(f"c-{name}", name) for name in servers]
        words = ["--max-tokens", 1, "--max-time", "8s"]
        audit(tmp_path, servers, entries, ["a", "b", "c"], *words, expect=[4])
    assert len(one.asked) == len(other.asked) >= 3
    assert "deadline" not in reasons(tmp_path / "out").values()


def test_the_deadline_stops_the_asking_and_keeps_what_is_known(tmp_path):
    with raw_server(listing) as server:
        settings = f'token_endpoint = "{server.url}/t"\nrate = "20/s"\nclient_rate = "20/s"'
        scopes = [f"s{n}" for n in range(60)]
        audit(tmp_path, {"s": settings}, [Entry("c", "s")], scopes, "--max-time", "1s", expect=[3])
    found = list(reasons(tmp_path / "out").values())
    assert 2 < len(server.asked) <= 22
    assert found.count("listed_in_response") == len(server.asked) - 2
    assert found.count("deadline") == 60 - found.count("listed_in_response")
