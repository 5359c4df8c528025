"""Ctrl-C, SIGTERM, kill -9: nothing is lost or asked twice for nothing."""

import json
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from harness import (
    Entry,
    lab,
    maps,
    raw_server,
    reasons,
    scopeprobe,
    started,
    write_inputs,
)
from long_runs import SCOPES, inputs, strict

from scopeprobe.lab import AuthorizationServer, Client, read_profile

KILLS = 20


def wait_for(condition, process):
    """Wait while the process runs."""
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def test_kill_9_at_twenty_random_moments_changes_no_byte(tmp_path):
    chance = random.Random(2026)
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path / "whole", server, 8)
        assert scopeprobe(*words, env=environment).returncode == 0
        uninterrupted = maps(tmp_path / "whole" / "out")
        asked_once = Counter((a.client, a.scopes) for a in server.asked)
        repeated = []
        for kill in range(KILLS):
            folder = tmp_path / f"killed-{kill}"
            words, environment = inputs(folder, server, 8)
            server.asked.clear()
            # Some kills come before the first request, some in the middle, some at the very end.
            moment = chance.randint(0, asked_once.total())
            process = started(*words, env=environment)
            if moment == 0:
                time.sleep(chance.uniform(0.0, 0.5))
            while len(server.asked) < moment and process.poll() is None:
                time.sleep(0.001)
            process.kill()
            process.communicate()
            listed = scopeprobe("runs", "-o", folder / "out", "--print", "json")
            is_stored = listed.returncode == 0 and json.loads(listed.stdout)["runs"]
            resumed = scopeprobe(*words, *(["--resume"] if is_stored else []), env=environment)
            assert resumed.returncode == 0, resumed.stderr
            assert maps(folder / "out") == uninterrupted
            again = Counter((a.client, a.scopes) for a in server.asked) - asked_once
            repeated.append(again.total())
    print(f"requests repeated of {asked_once.total()}: {sorted(repeated)}")
    # In the air: 2 groups x 4; answers of the last 20 ms at 800/s: 16; a control each.
    assert sum(repeated) <= KILLS * (8 + 16 + 16)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_is_known_and_says_how_to_go_on(tmp_path, number, code):
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path / "whole", server, 4)
        scopeprobe(*words, env=environment)
        words, environment = inputs(tmp_path / "cut", server, 4, rate="20/s")
        server.asked.clear()
        process = started(*words, "--log-format", "console", env=environment)
        wait_for(lambda: len(server.asked) >= 20, process)
        process.send_signal(number)
        asked = len(server.asked)
        _, stderr = process.communicate()
        assert process.returncode == code
        assert len(server.asked) <= asked + 2 * 4  # what both servers may have in the air
        found = Counter(reasons(tmp_path / "cut" / "out").values())
        assert found["interrupted"] > 0
        assert found["refused_alone"] > 0
        resume = next(line for line in stderr.splitlines() if line.startswith("to go on: "))
        again = resume.removeprefix("to go on: scopeprobe ").split()
        assert scopeprobe(*again, env=environment).returncode == 0
    assert maps(tmp_path / "cut" / "out") == maps(tmp_path / "whole" / "out")


def processor_time(process):
    """Seconds that a running process has computed so far."""
    after_its_name = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, after_its_name[11:13])) / os.sysconf("SC_CLK_TCK")


def test_to_stop_with_ten_times_the_cells_costs_about_ten_times_as_much(tmp_path):
    """In processor time: the machine may have other things to do."""
    cost = {}
    for clients in (100, 1000):
        folder = tmp_path / str(clients)
        folder.mkdir()
        scopes = [f"s{n:03}" for n in range(100)]
        with raw_server(strict) as server:
            words, environment = inputs(folder, server, clients, scopes=scopes, rate="100/s")
            process = started(*words, env=environment)
            wait_for(lambda server=server: len(server.asked) >= 100, process)
            before = processor_time(process)
            process.send_signal(signal.SIGINT)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            process.communicate()
        assert process.returncode == 130
        assert len(reasons(folder / "out")) == 100 * clients
        cost[clients] = used.ru_utime + used.ru_stime - before
    print(f"SIGINT: {cost} seconds of processor time")
    assert cost[1000] < 20 * cost[100]


def test_an_interrupted_run_gives_back_what_is_in_the_air(tmp_path):
    client = Client("one", "one-s3cret", SCOPES[:8])
    server = AuthorizationServer("corp", read_profile("strict"), [client], scopes=SCOPES)
    with lab([server]) as url:
        settings = f'token_endpoint = "{url}/corp/token"\nrate = "20/s"\nclient_rate = "20/s"\n'
        settings += f'revocation_endpoint = "{url}/corp/revoke"'
        entries = [Entry("one", "corp", secret="one-s3cret")]
        arguments, secrets = write_inputs(tmp_path, {"corp": settings}, entries, SCOPES)
        process = started("audit", *arguments, "--revoke", "-o", tmp_path / "out", env=secrets)
        while server.token_store.counts["revoked"] < 4:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    counts = server.token_store.counts
    assert counts["revoked"] == counts["issued"] >= 4
