"""kill -9, a power cut, a full disk at any moment: the maps are those of an undisturbed run."""

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bound import bound
from faulty_servers import FaultyServers, inputs
from harness import maps, raw_server, scopeprobe

PROGRAM = Path(__file__).parents[1] / "support/impatient.py"
SEEDS = [*range(6), *(pytest.param(n, marks=pytest.mark.torture) for n in range(6, 200))]
"""The first few on every run, all of them with `pytest -m torture`."""
MOST_RESUMES = 3
SECONDS_TO_DIE = 30
STRATEGIES = ("each", "adaptive", "recheck")
DISASTERS = ("kill -9", "power cut", "full disk")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """By strategy: a folder in which it can begin, its maps, and how many requests it takes."""
    whole = {}
    for strategy in STRATEGIES:
        folder = tmp_path_factory.mktemp(strategy)
        before = tmp_path_factory.mktemp("before")
        with raw_server(FaultyServers(0, share=0)) as server:
            words, environment = inputs(folder, server)
            if strategy == "recheck":
                assert scopeprobe(*words, env=environment).returncode == 0
                shutil.copytree(folder / "out", before / "out")
            asked = len(server.asked)
            assert scopeprobe(*words, "-s", strategy, env=environment).returncode == 0
            whole[strategy] = before, maps(folder / "out"), len(server.asked) - asked
    return whole


@pytest.mark.parametrize("seed", SEEDS)
def test_a_disaster_at_a_random_moment_changes_no_byte(undisturbed, tmp_path, seed):
    chance = random.Random(seed)
    strategy = STRATEGIES[seed % len(STRATEGIES)]
    disaster = DISASTERS[seed // len(STRATEGIES) % len(DISASTERS)]
    before, whole, requests = undisturbed[strategy]
    shutil.copytree(before, tmp_path, dirs_exist_ok=True)
    with raw_server(FaultyServers(seed)) as server:
        words, environment = inputs(tmp_path, server)
        words += ["-s", strategy]
        moment = chance.randint(0, requests)
        process = subprocess.Popen(
            bound([sys.executable, PROGRAM, *words]),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if moment == 0:
            time.sleep(chance.uniform(0, 0.8))
        while len(server.asked) < moment and process.poll() is None:
            time.sleep(0.001)
        bring_about(disaster, process, tmp_path / "out", chance)
        for _ in range(MOST_RESUMES):
            resumed = subprocess.run(
                bound([sys.executable, PROGRAM, *words, *resume(tmp_path / "out")]),
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            assert resumed.returncode in {0, 3}, resumed.stderr
            if resumed.returncode == 0:
                break
    assert resumed.returncode == 0, resumed.stderr
    assert maps(tmp_path / "out") == whole


def resume(out):
    """What goes on with the run; nothing where the disaster came before it was stored."""
    listed = scopeprobe("runs", "-o", out, "--print", "json")
    if listed.returncode == 2:
        return []
    runs = json.loads(listed.stdout)["runs"]
    return ["--resume"] if runs and not runs[0]["complete"] else []


def bring_about(disaster, process, out, chance):
    """Let it happen to a running audit; on return that has ended."""
    log = out / "scopeprobe.db-wal"
    if disaster == "full disk":
        room = chance.choice([0, log.stat().st_size if log.exists() else 0])
        if process.poll() is None:
            _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, most))
        began = time.monotonic()
        _, stderr = process.communicate(timeout=SECONDS_TO_DIE)
        assert time.monotonic() - began < SECONDS_TO_DIE
        assert process.returncode in {0, 2, 3}, stderr
        assert "Traceback" not in stderr
        return
    process.kill()
    process.communicate()
    if disaster == "power cut" and log.exists():
        # What was committed last had not reached the disk yet: `synchronous = normal`.
        os.truncate(log, chance.randint(0, log.stat().st_size))
