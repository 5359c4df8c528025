"""A server that is away for a while: its clients wait, and all are asked when it is back."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from itertools import pairwise

import pytest
from granting import grants
from harness import Entry, Reply, free_port, raw_server, reasons, scopeprobe, verdicts, write_inputs

from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.engine.rate_limit import RateLimiter
from scopeprobe.model.rate import Rate

FAST = 'rate = "200/s"\nclient_rate = "200/s"\nretries = 1'
SCOPES = [f"s{n}" for n in range(6)]
GRANTS = grants("s0", "s1")


def audited(tmp_path, port, *options, clients=6):
    settings = f'token_endpoint = "http://127.0.0.1:{port}/token"\n{FAST}'
    entries = [Entry(f"c{n}", "s") for n in range(clients)]
    arguments, environment = write_inputs(tmp_path, {"s": settings}, entries, SCOPES)
    words = ("audit", *arguments, "-o", tmp_path / "out", "-vv", *options)
    return scopeprobe(*words, env=environment)


@contextmanager
def away(port, *, begins_after, seconds, answer=GRANTS):
    """A server that goes away after so many requests, and comes back."""
    asked, is_over = [], threading.Event()
    is_away = threading.Event()

    def counted(request):
        asked.append(request)
        if len(asked) == begins_after:
            is_away.set()
        return answer(request)

    def serve():
        if begins_after:
            with raw_server(counted, port=port):
                is_away.wait(60)
        time.sleep(seconds)
        with raw_server(counted, port=port):
            is_over.wait(60)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield asked
    finally:
        is_away.set()
        is_over.set()
        thread.join()


@pytest.mark.parametrize("strategy", ["each", "adaptive"])
@pytest.mark.parametrize("begins_after", [0, 20])
def test_every_client_is_asked_when_the_server_is_back(tmp_path, begins_after, strategy):
    port = free_port()
    with away(port, begins_after=begins_after, seconds=4):
        result = audited(tmp_path, port, "-s", strategy)
    assert result.returncode == 0, result.stderr
    found = verdicts(tmp_path / "out")
    assert {found[f"c{n}", scope] for n in range(6) for scope in ("s0", "s1")} == {"granted"}
    assert {found[f"c{n}", scope] for n in range(6) for scope in SCOPES[2:]} == {"denied"}
    assert begins_after or '"endpoint_out_of_reach"' in result.stderr
    assert result.stderr.count('"outcome": "unreachable"') <= 2 * 12


def test_a_server_whose_metadata_is_away_is_asked_when_that_is_back(tmp_path):
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    metadata = json.dumps({"issuer": issuer, "token_endpoint": f"{issuer}/token"}).encode()

    def answer(asked):
        return Reply(body=metadata) if asked.method == "GET" else grants("s0")(asked)

    with away(port, begins_after=0, seconds=4, answer=answer):
        settings = {"s": f'issuer = "{issuer}"\n{FAST}'}
        arguments, environment = write_inputs(tmp_path, settings, [Entry("c", "s")], SCOPES)
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    assert verdicts(tmp_path / "out")["c", "s0"] == "granted"


def test_a_server_that_stays_away_is_given_up_after_the_longest_pause(tmp_path):
    began = time.monotonic()
    result = audited(tmp_path, free_port(), "--max-pause", "4s")
    assert 3 < time.monotonic() - began < 8
    assert set(reasons(tmp_path / "out").values()) == {"unreachable"}
    assert result.returncode == 4
    assert '"endpoint_left_alone"' in result.stderr


@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_client_whose_requests_are_hung_up_on_keeps_nobody_waiting(tmp_path, place):
    def answer(asked):
        is_poison = f"c{place}-id" in asked.form
        return Reply(raw=b"") if is_poison else grants("s0", "s1")(asked)

    with raw_server(answer) as server:
        settings = f'token_endpoint = "{server.url}/token"\n{FAST}'
        entries = [
            Entry(f"c{n}", "s", client_id=f"c{n}-id", method="client_secret_post") for n in range(6)
        ]
        arguments, environment = write_inputs(tmp_path, {"s": settings}, entries, SCOPES)
        words = ("audit", *arguments, "-o", tmp_path / "out", "--max-pause", "3s")
        scopeprobe(*words, env=environment)
    found = verdicts(tmp_path / "out")
    for n in range(6):
        unknown = {found[f"c{n}", scope] for scope in SCOPES} == {"unknown"}
        assert unknown is (n == place)


def test_a_group_that_is_away_is_tried_ever_less_often_for_a_quarter_of_an_hour():
    """On a clock of the test's: 20 faults in a row, then single trials, then no more."""
    trials = [0.0]
    limiter = RateLimiter([], now=0.0, spacing=Rate(5, 1))
    group = RateGroup(
        "g", [], limiter=limiter, in_flight=4, max_pause=900.0, clock=lambda: trials[-1]
    )
    while group.broke(None):
        group.gave_up_a_request()
        trials.append(group.paused_until)
    assert trials[-1] == 900.0
    gaps = [later - sooner for sooner, later in pairwise(trials)]
    assert len(gaps) < 30
    assert max(gaps[:19]) <= 10
    assert gaps[19:23] == pytest.approx([30.0, 60.0, 120.0, 240.0])


@pytest.mark.parametrize("manner", ["refused", "hanging"])
def test_a_name_that_resolves_again_is_asked_for_all_its_clients(tmp_path, monkeypatch, manner):
    heals_at, real = time.monotonic() + 4, socket.getaddrinfo

    def getaddrinfo(host, *arguments, **options):
        if host == "login.example":
            if manner == "hanging":
                time.sleep(max(heals_at - time.monotonic(), 0.0))
            if time.monotonic() < heals_at:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            host = "127.0.0.1"
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with raw_server(GRANTS) as server:
        endpoint = f"http://login.example:{server.port}/token"
        settings = f'token_endpoint = "{endpoint}"\nallow_http = true\ntimeout = "1s"\n{FAST}'
        entries = [Entry(f"c{n}", "s") for n in range(6)]
        arguments, environment = write_inputs(tmp_path, {"s": settings}, entries, SCOPES)
        result = scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    assert result.returncode == 0, result.stderr
    assert set(verdicts(tmp_path / "out").values()) == {"granted", "denied"}
