"""Starts a server as a process of its own, waits until it serves, and stops it again."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bound import bound

DEADLINE = 60.0


@dataclass(frozen=True)
class Process:
    process: subprocess.Popen
    folder: Path
    deadline: float

    def printed(self) -> dict[str, int]:
        """The line of JSON that names the ports."""
        while True:
            for line in (self.folder / "stdout").read_text().splitlines(keepends=True):
                if line.startswith('{"port":') and line.endswith("\n"):
                    return json.loads(line)
            self.wait_a_little()

    def wait_for(self, port: int) -> None:
        """Waits until it answers, for a server that prints no port."""
        while not _answers(port):
            self.wait_a_little()

    def wait_a_little(self) -> None:
        if self.process.poll() is not None:
            raise RuntimeError(f"ended with {self.process.returncode}:\n{self._stderr()}")
        if time.monotonic() > self.deadline:
            raise TimeoutError(f"no answer within {DEADLINE:.0f} s:\n{self._stderr()}")
        time.sleep(0.02)

    def _stderr(self) -> str:
        return (self.folder / "stderr").read_text()


@contextmanager
def running(command: list[str | Path], folder: Path, **options) -> Iterator[Process]:
    with (
        (folder / "stdout").open("wb") as stdout,
        (folder / "stderr").open("wb") as stderr,
        subprocess.Popen(
            bound(command), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, **options
        ) as process,
    ):
        try:
            yield Process(process, folder, time.monotonic() + DEADLINE)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def gunicorn(app: str, folder: Path, env: Mapping[str, str], port: int = 0) -> Iterator[int]:
    """Serves a WSGI application of this folder; gives the port, once it answers."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        port = listener.getsockname()[1]
        command = [
            *(sys.executable, "-m", "gunicorn", "--no-control-socket"),
            *("--workers", "1", "--threads", "4", "--keep-alive", "60"),
            *("--graceful-timeout", "1", "--worker-tmp-dir", folder),
            *("--bind", f"fd://{listener.fileno()}", app),
        ]
        here = Path(__file__).parent
        inherited = [listener.fileno()]
        with running(command, folder, cwd=here, env=env, pass_fds=inherited) as server:
            listener.close()  # else connections to a dead gunicorn would wait for ever
            server.wait_for(port)
            yield port


def _answers(port: int) -> bool:
    """The socket listens before the worker runs: only an answer shows that it does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            return connection.recv(1) != b""
    except OSError:
        return False
