"""A Dask cluster of real processes on this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bound import bound

SCHEDULER, WORKER = "distributed.cli.dask_scheduler", "distributed.cli.dask_worker"
STARTS_WITHIN = 60


@dataclass
class DaskCluster:
    """A scheduler and the workers that were added to it, each a process with a log of its own."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.folder / "scheduler.json"

    @property
    def address(self) -> str:
        return json.loads(self.file.read_text())["address"]

    def start(self, host: str = "127.0.0.1", protocol: str = "tcp") -> None:
        """Start the scheduler, and wait until its file, which it writes in steps, is whole."""
        words = ["--host", host, "--port", "0", "--protocol", protocol, "--no-dashboard"]
        self._process("scheduler", SCHEDULER, [*words, "--scheduler-file", self.file], {}, ())
        self._wait_for(lambda: self.file.exists() and self.file.read_text().endswith("}"))

    def add_worker(
        self,
        name: str,
        *,
        networks: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        address: str | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until it is there."""
        words = [address or self.address, "--no-nanny", "--nthreads", "1", "--no-dashboard"]
        words += ["--name", name, "--memory-limit", "0"]
        if networks:
            words += ["--resources", ",".join(f"{network}=1" for network in networks)]
        process = self._process(name, WORKER, words, env or {}, prefix)
        self._wait_for(lambda: "Registered to" in self.log(name))
        return process

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def _process(self, name, module, words, env, prefix) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                bound([*prefix, sys.executable, "-m", module, *words]),
                env={**os.environ, "DASK_TEMPORARY_DIRECTORY": ".", **self.environment, **env},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def _wait_for(self, condition) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        while not condition():
            assert time.monotonic() < deadline, [p.read_text() for p in self.folder.glob("*.log")]
            time.sleep(0.02)


@contextmanager
def dask_cluster(folder: Path, **environment: str) -> Iterator[DaskCluster]:
    folder.mkdir()
    cluster = DaskCluster(folder, environment)
    try:
        yield cluster
    finally:
        for process in reversed(cluster.processes):
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
