"""Audits that are asked by the workers of a Dask cluster."""

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64decode
from collections import Counter, defaultdict
from contextlib import ExitStack, suppress
from itertools import chain
from pathlib import Path

import pytest
import trustme
from bound import bound
from dask_cluster import dask_cluster
from harness import (
    Entry,
    maps,
    raw_server,
    reasons,
    scopeprobe,
    scopeprobe_process,
    started,
    summary,
    write_inputs,
)
from locking_server import DRESSES, LockingServer
from long_runs import SCOPES, inputs, strict

TELLS_WORKER = 'headers = { X-Worker = { env = "WORKER" } }'
"""Every worker looks it up in its own environment."""
PARTIES = ("SCHEDULER", "WORKER", "CLIENT")
STRATEGIES = ["each", "adaptive", "recheck"]


@pytest.fixture
def server():
    with raw_server(strict) as server:
        yield server


@pytest.fixture
def cluster(tmp_path):
    with dask_cluster(tmp_path / "cluster") as cluster:
        cluster.start()
        yield cluster


def asked_of(server):
    return Counter((asked.client, asked.scopes) for asked in server.asked)


def on(cluster, words):
    return [*words, "--cluster", cluster.address]


def wait_for(condition, process):
    """Wait while the process runs."""
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def test_maps_are_those_of_one_machine_byte_for_byte_night_after_night(tmp_path, server, cluster):
    for night, strategy in enumerate(STRATEGIES):
        server.asked.clear()
        words, environment = inputs(tmp_path / "alone", server, 8)
        if night == 0:
            for name in ("one", "two"):
                cluster.add_worker(name, env=environment)
        alone = scopeprobe(*words, "-s", strategy, env=environment)
        assert alone.returncode == 0, alone.stderr
        asked_alone = asked_of(server)
        server.asked.clear()
        words, _ = inputs(tmp_path / "together", server, 8)
        together = scopeprobe(*on(cluster, words), "-s", strategy)
        assert together.returncode == 0, together.stderr
        assert maps(tmp_path / "together" / "out") == maps(tmp_path / "alone" / "out")
        assert asked_of(server) == asked_alone
        told = [summary(tmp_path / place / "out") for place in ("together", "alone")]
        for counted in ("counts", "requests", "tokens"):
            assert told[0][counted] == told[1][counted]
        requests = [{one["name"]: one["requests"] for one in each["clients"]} for each in told]
        assert requests[0] == requests[1]


def test_each_rate_group_is_asked_by_one_worker(tmp_path, server, cluster):
    words, environment = inputs(tmp_path / "run", server, 8, servers=4, more=TELLS_WORKER)
    for name in ("one", "two"):
        cluster.add_worker(name, env={**environment, "WORKER": name})
    assert scopeprobe(*on(cluster, words)).returncode == 0
    workers_of = defaultdict(set)
    for asked in server.asked:
        workers_of[asked.path].add(asked.headers["x-worker"])
    assert sorted(map(len, workers_of.values())) == [1, 1, 1, 1]
    assert Counter(chain.from_iterable(workers_of.values())) == {"one": 2, "two": 2}


@pytest.mark.parametrize("moment", [5, 60, 150])
def test_a_worker_that_is_killed_loses_nothing(tmp_path, server, cluster, moment):
    words, environment = inputs(tmp_path / "alone", server, 8)
    assert scopeprobe(*words, env=environment).returncode == 0
    asked_once = asked_of(server)
    words, environment = inputs(tmp_path / "together", server, 8)
    workers = [cluster.add_worker(name, env=environment) for name in ("one", "two")]
    server.asked.clear()
    process = started(*on(cluster, words))
    wait_for(lambda: len(server.asked) >= moment, process)
    workers[0].kill()
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert maps(tmp_path / "together" / "out") == maps(tmp_path / "alone" / "out")
    again = asked_of(server) - asked_once
    # In the air: 4; answers of 20 ms at 400/s: 8; a control of each client that had begun.
    assert again.total() <= 4 + 8 + 4, again
    assert asked_of(server) >= asked_once


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_is_known_and_a_resume_asks_the_rest(
    tmp_path, server, cluster, number, code
):
    words, environment = inputs(tmp_path / "alone", server, 4)
    assert scopeprobe(*words, env=environment).returncode == 0
    words, environment = inputs(tmp_path / "cut", server, 4, rate="20/s")
    for name in ("one", "two"):
        cluster.add_worker(name, env=environment)
    server.asked.clear()
    process = started(*on(cluster, words))
    wait_for(lambda: len(server.asked) >= 20, process)
    process.send_signal(number)
    asked = len(server.asked)
    _, stderr = process.communicate()
    assert process.returncode == code, stderr
    assert len(server.asked) <= asked + 2 * 4
    found = Counter(reasons(tmp_path / "cut" / "out").values())
    assert found["interrupted"] > 0
    assert found["refused_alone"] > 0
    again = scopeprobe(*on(cluster, words), "--resume")
    assert again.returncode == 0, again.stderr
    assert maps(tmp_path / "cut" / "out") == maps(tmp_path / "alone" / "out")


def memory_of(process):
    """All that a process holds in memory it has written."""
    found = []
    with Path(f"/proc/{process.pid}/mem").open("rb") as memory:
        for line in Path(f"/proc/{process.pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            begin, end = (int(number, 16) for number in span.split("-"))
            if rights.startswith("rw"):
                memory.seek(begin)
                with suppress(OSError):
                    found.append(memory.read(end - begin))
    return b"".join(found)


def test_no_secret_leaves_the_worker_that_looks_it_up(tmp_path, server, cluster):
    secret = "canary-s3cret-\u00e4-of-the-clients"
    words, environment = inputs(tmp_path / "run", server, 4, more=TELLS_WORKER)
    environment = dict.fromkeys(environment, secret) | {"WORKER": "canary-s3cret-of-a-header"}
    worker = cluster.add_worker("one", env=environment)
    process = started(*on(cluster, words), "--log-file", tmp_path / "log.json", "-vv")
    wait_for(lambda: len(server.asked) >= 40, process)
    held = {name: memory_of(one) for name, one in (("main", process), ("worker", worker))}
    held["scheduler"] = memory_of(cluster.processes[0])
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    canary = b"canary-s3cret"
    # It is found where it is: on the wire as Basic, and in the memory of the worker.
    assert canary in b64decode(server.asked[0].headers["authorization"].removeprefix("Basic "))
    assert canary in held.pop("worker")
    assert len(held) == 2
    for place in (*held.values(), *files, stderr.encode()):
        assert canary not in place
        assert not any(asked.headers["authorization"].encode() in place for asked in server.asked)
    assert b"c003" in held["scheduler"]


def test_a_worker_that_hangs_asks_nothing_once_another_may(tmp_path, server, cluster):
    """Neither what it had in the air nor what it would ask next is heard of again."""
    words, environment = inputs(tmp_path / "alone", server, 4, servers=1, more=TELLS_WORKER)
    assert scopeprobe(*words, env={**environment, "WORKER": "none"}).returncode == 0
    words, environment = inputs(tmp_path / "together", server, 4, servers=1, more=TELLS_WORKER)
    first = cluster.add_worker("one", env={**environment, "WORKER": "one"})
    server.asked.clear()
    process = started(*on(cluster, words))
    wait_for(lambda: len(server.asked) >= 30, process)
    first.send_signal(signal.SIGSTOP)
    cluster.add_worker("two", env={**environment, "WORKER": "two"})
    stopped_at = len(server.asked)
    wait_for(lambda: len(server.asked) > stopped_at + 4, process)
    first.send_signal(signal.SIGCONT)
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert maps(tmp_path / "together" / "out") == maps(tmp_path / "alone" / "out")
    asked_by = [asked.headers["x-worker"] for asked in server.asked]
    turn = asked_by.index("two")
    assert set(asked_by[turn:]) == {"two"}
    # Nobody asks while the first one may still do so.
    assert server.asked[turn].at - server.asked[turn - 1].at > 5


@pytest.mark.parametrize("strategy", ["each", "adaptive"])
def test_a_wrong_secret_fails_three_times_however_many_workers_are_lost(
    tmp_path, cluster, strategy
):
    """What a lost worker had in the air may have failed."""
    server = LockingServer({"c": set(SCOPES)}, dress=DRESSES["401 invalid_client"])
    server.secrets["c"], server.delay = "another", 0.5
    with raw_server(server) as wire:
        entries = [Entry("c", "corp")]
        settings = {"corp": f'token_endpoint = "{wire.url}/token"\nclient_rate = "50/s"'}
        arguments, environment = write_inputs(tmp_path, settings, entries, SCOPES)
        words = ["audit", *arguments, "-s", strategy, "-o", tmp_path / "out"]
        process = started(*on(cluster, words))
        for lost in range(1, 3):
            worker = cluster.add_worker(f"worker-{lost}", env=environment)
            wait_for(lambda lost=lost: len(wire.asked) >= lost, process)
            worker.kill()
        cluster.add_worker("last", env=environment)
        process.communicate()
    assert len(wire.asked) == server.most["c"] == 3


@pytest.fixture
def networks():
    """Two networks beside each other: who is in one reaches this machine, and not the other."""
    made = {}
    try:
        for number, name in enumerate(("eu", "us")):
            space, outer, inner = f"sp-{name}-{os.getpid()}", f"spo{number}", f"spi{number}"
            host, guest = f"198.18.{number}.1", f"198.18.{number}.2"
            ip("netns", "add", space)
            made[name] = (space, host, guest)
            ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", space)
            ip("addr", "add", f"{host}/24", "dev", outer)
            ip("link", "set", outer, "up")
            ip("-n", space, "addr", "add", f"{guest}/24", "dev", inner)
            ip("-n", space, "link", "set", inner, "up")
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "route", "add", "default", "via", host)
        yield made
    finally:
        for space, _, _ in made.values():
            ip("netns", "del", space)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def may_make_networks():
    """Some containers give their root no leave to."""
    made = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return os.geteuid() == 0 and made.returncode == 0


@pytest.mark.skipif(sys.platform != "linux" or not may_make_networks(), reason="takes root")
def test_each_group_is_asked_from_its_own_network_only(tmp_path, networks):
    """Every server is reached from within its network, and from nowhere else."""
    entries, servers = [], {}
    logs = {name: tmp_path / f"{name}.jsonl" for name in networks}
    with ExitStack() as stack:
        cluster = stack.enter_context(dask_cluster(tmp_path / "cluster"))
        cluster.start(host="0.0.0.0")
        for name, (space, _, _) in networks.items():
            script = Path(__file__).parents[1] / "support/server_of_network.py"
            words = bound(["ip", "netns", "exec", space, sys.executable, script, logs[name]])
            server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
            stack.enter_context(server)
            stack.callback(server.kill)
            port = server.stdout.readline().strip()
            servers[name] = f'token_endpoint = "http://127.0.0.1:{port}/token"\n'
            servers[name] += f'network = "{name}"\nrate = "100/s"\nclient_rate = "100/s"'
            servers[name] += f'\nrate_group = "{name}"'
            entries += [Entry(f"{name}-{n}", name) for n in range(2)]
        arguments, environment = write_inputs(tmp_path, servers, entries, SCOPES)
        for name, (space, host, _) in networks.items():
            port = cluster.address.rpartition(":")[2]
            cluster.add_worker(
                f"worker-{name}",
                networks=[name],
                env=environment,
                prefix=["ip", "netns", "exec", space],
                address=f"tcp://{host}:{port}",
            )
        ended = scopeprobe(
            "audit", *arguments, "-o", tmp_path / "out", "--cluster", cluster.address
        )
    assert ended.returncode == 0, ended.stderr
    for name in networks:
        asked = [json.loads(line) for line in logs[name].read_text().splitlines()]
        assert {one["client"].partition("-")[0] for one in asked} == {name}
        assert len(asked) >= 2 * len(SCOPES)


def test_dasks_own_configuration_says_how_connections_are_secured(tmp_path, server):
    authority = trustme.CA()
    node = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    node.private_key_and_cert_chain_pem.write_to_path(tmp_path / "node.pem")
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    secured = {f"{tls}CA_FILE": str(tmp_path / "ca.pem")}
    secured |= {f"{tls}{party}__CERT": str(tmp_path / "node.pem") for party in PARTIES}
    secured |= {f"{tls}{party}__KEY": str(tmp_path / "node.pem") for party in PARTIES}
    words, environment = inputs(tmp_path / "run", server, 2)
    with dask_cluster(tmp_path / "cluster", **secured) as cluster:
        cluster.start(protocol="tls")
        cluster.add_worker("one", env=environment)
        assert cluster.address.startswith("tls://")
        strangers = scopeprobe_process(*on(cluster, words))
        asked_for_strangers = len(server.asked)
        ours = scopeprobe_process(*on(cluster, words), env=secured)
    assert strangers.returncode == 2, strangers.stderr
    assert f"--cluster {cluster.address}: " in strangers.stderr
    assert "Warning" not in strangers.stderr
    assert asked_for_strangers == 0
    assert ours.returncode == 0, ours.stderr
