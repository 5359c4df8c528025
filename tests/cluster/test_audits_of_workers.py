"""Audits that are asked by workers of a Dask cluster, which are threads of this process."""

import pytest
from distributed import LocalCluster
from harness import maps, raw_server, scopeprobe, summary
from long_runs import inputs, strict


@pytest.fixture
def server():
    with raw_server(strict) as server:
        yield server


@pytest.fixture
def cluster():
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", host="127.0.0.1",
        dashboard_address=None, memory_limit=0,
    ) as cluster:  # fmt: skip
        yield cluster


def test_maps_are_those_of_one_machine(tmp_path, server, cluster):
    words, environment = inputs(tmp_path / "alone", server, 8)
    alone = scopeprobe(*words, env=environment)
    assert alone.returncode == 0, alone.stderr
    words, environment = inputs(tmp_path / "together", server, 8)
    together = scopeprobe(*words, "--cluster", cluster.scheduler_address, env=environment)
    assert together.returncode == 0, together.stderr
    assert maps(tmp_path / "together" / "out") == maps(tmp_path / "alone" / "out")
    told = [summary(tmp_path / place / "out") for place in ("together", "alone")]
    assert told[0]["counts"] == told[1]["counts"]
