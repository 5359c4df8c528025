"""Audits that are asked by workers of a Dask cluster, which are threads of this process."""

import json
import threading
import time
from collections import Counter

import pytest
from distributed import LocalCluster
from harness import Reply, maps, raw_server, reasons, scopeprobe, summary
from long_runs import inputs, strict

REJECTED = Reply(401, b'{"error":"invalid_client"}')


@pytest.fixture
def server():
    with raw_server(strict) as server:
        yield server


@pytest.fixture
def cluster():
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", host="127.0.0.1",
        dashboard_address="127.0.0.1:0", memory_limit=0,
    ) as cluster:  # fmt: skip
        yield cluster


def asked_of(server):
    return Counter((asked.client, asked.scopes) for asked in server.asked)


def on(cluster, words):
    return [*words, "--cluster", cluster.scheduler_address]


def test_maps_and_counts_are_those_of_one_machine_night_after_night(tmp_path, server, cluster):
    for strategy in ("each", "adaptive", "recheck"):
        words, environment = inputs(tmp_path / "alone", server, 8)
        alone = scopeprobe(*words, "-s", strategy, env=environment)
        assert alone.returncode == 0, alone.stderr
        asked_alone = asked_of(server)
        server.asked.clear()
        words, environment = inputs(tmp_path / "together", server, 8)
        together = scopeprobe(*on(cluster, words), "-s", strategy, env=environment)
        assert together.returncode == 0, together.stderr
        assert asked_of(server) == asked_alone
        server.asked.clear()
        assert maps(tmp_path / "together" / "out") == maps(tmp_path / "alone" / "out")
        told = [summary(tmp_path / place / "out") for place in ("together", "alone")]
        for counted in ("counts", "requests", "tokens"):
            assert told[0][counted] == told[1][counted]
        for listed in ("clients", "servers"):
            requests = [{one["name"]: one["requests"] for one in each[listed]} for each in told]
            assert requests[0] == requests[1]


def test_the_file_of_a_scheduler_tells_where_it_is(tmp_path, server, cluster):
    words, environment = inputs(tmp_path / "run", server, 2)
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": cluster.scheduler_address}))
    ended = scopeprobe(*words, "--cluster", file, env=environment)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("bound", ["requests", "tokens"])
def test_a_budget_is_spent_by_all_workers_together_and_a_resume_asks_the_rest(
    tmp_path, server, cluster, bound
):
    words, environment = inputs(tmp_path / "alone", server, 8, servers=4)
    assert scopeprobe(*words, env=environment).returncode == 0
    server.asked.clear()
    words, environment = inputs(tmp_path / "run", server, 8, servers=4)
    out = tmp_path / "run" / "out"
    ended = scopeprobe(*on(cluster, words), f"--max-{bound}", "60", env=environment)
    assert ended.returncode == 3, ended.stderr
    assert summary(out)[bound] == 60
    if bound == "requests":
        assert len(server.asked) == 60
    assert "budget_spent" in reasons(out).values()
    again = scopeprobe(*on(cluster, words), "--resume", env=environment)
    assert again.returncode == 0, again.stderr
    assert maps(out) == maps(tmp_path / "alone" / "out")


def test_a_secret_that_no_worker_finds_ends_the_run_before_anything_is_asked(
    tmp_path, server, cluster
):
    words, environment = inputs(tmp_path / "run", server, 8, servers=4)
    missing = {name: text for name, text in environment.items() if name != "SECRET_3"}
    ended = scopeprobe(*on(cluster, words), env=missing)
    assert ended.returncode == 2
    assert "c003: client_secret: environment variable SECRET_3 is not set" in ended.stderr
    assert not server.asked


def test_nobody_is_asked_before_a_worker_has_the_secrets_of_all(tmp_path, server, cluster):
    words, environment = inputs(tmp_path / "run", server, 8, servers=4)
    path = tmp_path / "run" / "clients.toml"
    slow = '{ command = ["sh", "-c", "sleep 1; exit 3"] }'
    path.write_text(path.read_text().replace('{ env = "SECRET_3" }', slow))
    ended = scopeprobe(*on(cluster, words), env=environment)
    assert ended.returncode == 2
    assert "c003: client_secret: command sh ended with exit code 3" in ended.stderr
    assert not server.asked


def test_a_network_without_workers_is_unreachable_and_keeps_no_other_waiting(
    tmp_path, server, cluster
):
    words, environment = inputs(tmp_path / "run", server, 4)
    path = tmp_path / "run" / "clients.toml"
    path.write_text(path.read_text().replace("[servers.srv1]", '[servers.srv1]\nnetwork = "eu"'))
    ended = scopeprobe(*on(cluster, words), "--max-pause", "3s", env=environment)
    assert ended.returncode == 3, ended.stderr
    found = reasons(tmp_path / "run" / "out")
    unreachable = {client for (client, _), reason in found.items() if reason == "unreachable"}
    reached = {client for (client, _), reason in found.items() if reason != "unreachable"}
    assert (unreachable, reached) == ({"c001", "c003"}, {"c000", "c002"})
    assert "no worker of the cluster is in eu" in ended.stderr


@pytest.mark.parametrize("cluster_named", ["tcp://127.0.0.1:1", "no-such-file", "local:0"])
def test_a_cluster_that_is_not_there_is_an_input_error(
    tmp_path, server, cluster_named, monkeypatch
):
    monkeypatch.setattr("scopeprobe.cluster.connect.SECONDS_TO_CONNECT", 0.5)
    words, environment = inputs(tmp_path / "run", server, 2)
    ended = scopeprobe(*words, "--cluster", cluster_named, env=environment)
    assert ended.returncode == 2
    assert f"--cluster {cluster_named}: " in ended.stderr
    assert not server.asked
    assert not (tmp_path / "run" / "out").exists()


def test_a_resume_on_a_cluster_adds_no_try_to_those_of_one_machine(tmp_path, cluster):
    with raw_server(lambda _asked: REJECTED) as server:
        words, environment = inputs(tmp_path / "run", server, 2)
        scopeprobe(*words, "--max-requests", 2, env=environment)
        assert len(server.asked) == 2
        ended = scopeprobe(*on(cluster, words), "--resume", env=environment)
    assert ended.returncode == 4, ended.stderr
    assert set(server.count().values()) == {3}


def test_a_worker_keeps_no_thread_of_an_audit_that_is_over(tmp_path, server, cluster):
    words, environment = inputs(tmp_path / "run", server, 4)
    before = threading.active_count()
    assert scopeprobe(*on(cluster, words), env=environment).returncode == 0
    patience = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < patience:
        time.sleep(0.05)
    assert "scopeprobe" not in {thread.name for thread in threading.enumerate()}


def test_a_client_that_fails_everywhere_is_given_as_many_tries_as_on_one_machine(tmp_path, cluster):
    with raw_server(lambda _asked: REJECTED) as server:
        asked = []
        for place, words_of in (("alone", list), ("together", lambda words: on(cluster, words))):
            words, environment = inputs(tmp_path / place, server, 2)
            ended = scopeprobe(*words_of(words), env=environment)
            assert ended.returncode == 4, ended.stderr
            asked.append(asked_of(server))
            server.asked.clear()
    assert asked[0] == asked[1]
    assert maps(tmp_path / "together" / "out") == maps(tmp_path / "alone" / "out")
