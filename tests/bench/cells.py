"""
What a cell costs when a server tells a whole map in two requests: processor time and memory.

    python tests/bench/cells.py                     10,000, 100,000 and 1,000,000 cells
    python tests/bench/cells.py --quick             the first two
    python tests/bench/cells.py --json new.json     the same, to be kept

The program audits clients of 1,000 scopes each on a server in a process of its own, audits them
again with `recheck`, and renders the stored run in every format; each command is a process too.
Processor time counts from its start to its exit. `until` and `after` are what an audit takes before
its first request and behind its last: reading inputs and stored maps; judging, and writing files.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from urllib.parse import parse_qs

SCOPES = 1000
SIZES = (10_000, 100_000, 1_000_000)
FORMATS = ("csv", "jsonl", "markdown", "junit", "json", "html")
_TICKS = os.sysconf("SC_CLK_TCK")
_WORDS_OF_EACH_CLIENT = ("--in-flight", "50", "--yes", "--no-progress", "-q")


@dataclass(frozen=True)
class Measured:
    """One command: what it took in all."""

    command: str
    cells: int
    cpu: float
    """Seconds of processor time, in user and kernel mode."""
    until: float
    after: float
    seconds: float
    peak: float
    """The most memory it ever held at once (RSS), in MB."""
    requests: int

    @property
    def per_cell(self) -> float:
        return self.cpu / self.cells * 1e6


# -- the server


class Listing(asyncio.Protocol):
    """Answers every request at once: with every other of the scopes that were asked for."""

    asked: Synchronized[int]
    first: Synchronized[float]
    last: Synchronized[float]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].decode()
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
            size = end + 4 + int(headers["content-length"])
            if len(self.buffer) < size:
                return
            form = parse_qs(self.buffer[end + 4 : size].decode())
            self.buffer = self.buffer[size:]
            credentials = head.partition("Basic ")[2].split("\r\n")[0]
            self.answer(b64decode(credentials).decode(), form.get("scope", [""])[0].split())

    def answer(self, credentials: str, scopes: list[str]) -> None:
        number = int(credentials.partition(":")[0].removeprefix("id-"))
        given = [scope for scope in scopes if scope[:1] == "r" and is_given(number, scope)]
        self.asked.value += 1
        token = {"access_token": f"opaque-{self.asked.value}", "token_type": "Bearer"}
        body = json.dumps(token | {"scope": " ".join(given)}).encode()
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )
        now = time.monotonic()
        self.first.value = self.first.value or now
        self.last.value = now


def is_given(client: int, scope: str) -> bool:
    return (client + int(scope[-1])) % 2 == 0


def serve(port: Synchronized[int], *shared: Synchronized[float]) -> None:
    Listing.asked, Listing.first, Listing.last = shared

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Listing, "127.0.0.1", 0)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    asyncio.run(forever())


@dataclass(frozen=True)
class Server:
    port: int
    asked: Synchronized[int]
    first: Synchronized[float]
    """When it was asked first and last, by the clock of this machine; 0: not yet."""
    last: Synchronized[float]

    def begin_again(self) -> None:
        self.asked.value, self.first.value, self.last.value = 0, 0.0, 0.0


@contextmanager
def listing_server() -> Iterator[Server]:
    port = multiprocessing.Value("i", 0)
    shared = [multiprocessing.Value(kind, 0) for kind in "idd"]
    process = multiprocessing.Process(target=serve, args=(port, *shared), daemon=True)
    process.start()
    try:
        while not port.value:
            time.sleep(0.01)
        yield Server(port.value, *shared)
    finally:
        process.kill()
        process.join()


# -- the program


def write_inputs(folder: Path, port: int, clients: int) -> list[str]:
    """Write clients and scopes; the words of the command line that name them."""
    server = {
        "token_endpoint": f"http://127.0.0.1:{port}/token",
        "rate": "1000000/s",
        "client_rate": "1000000/s",
    }
    entries = [
        {
            "name": f"c{n:04}",
            "server": "s",
            "client_id": f"id-{n}",
            "client_secret": {"env": "SECRET"},
        }
        for n in range(clients)
    ]
    file = folder / "clients.json"
    file.write_text(json.dumps({"servers": {"s": server}, "clients": entries}))
    scopes = folder / "scopes.txt"
    scopes.write_text("".join(f"r{n // 10:02}.o{n % 10}\n" for n in range(SCOPES)))
    return [str(file), "--scopes", str(scopes)]


def measure(command: str, words: list[str], cells: int, server: Server) -> Measured:
    """Run the program; its processor time is looked at 50 times a second."""
    server.begin_again()
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "scopeprobe", *words],
        env={**os.environ, "SECRET": "a secret", "SSL_CERT_FILE": os.devnull},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    seen = [(began, 0.0)]
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        seen.append((time.monotonic(), (int(fields[11]) + int(fields[12])) / _TICKS))
        time.sleep(0.02)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    _, errors = process.communicate()
    if process.returncode not in {0, 1}:
        raise SystemExit(f"{command}: {process.returncode}\n{errors.decode()}")
    cpu = usage.ru_utime + usage.ru_stime

    def spent_by(moment: float) -> float:
        return max(spent for at, spent in seen if at <= moment)

    return Measured(
        command,
        cells,
        cpu=cpu,
        until=spent_by(server.first.value) if server.asked.value else 0.0,
        after=cpu - spent_by(server.last.value) if server.asked.value else 0.0,
        seconds=time.monotonic() - began,
        peak=usage.ru_maxrss / 1024,
        requests=server.asked.value,
    )


def measure_all(cells: int, server: Server) -> Iterator[Measured]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = write_inputs(folder, server.port, cells // SCOPES)
        out = str(folder / "out")
        for strategy in ("adaptive", "recheck"):
            words = ["audit", *inputs, "-s", strategy, "-o", out, *_WORDS_OF_EACH_CLIENT]
            yield measure(f"audit -s {strategy}", words, cells, server)
        for form in FORMATS:
            words = ["report", "-f", form, "-o", out, "--into", str(folder / "reports")]
            (folder / "reports").mkdir(exist_ok=True)
            yield measure(f"report -f {form}", words, cells, server)


def print_row(one: Measured) -> None:
    print(
        f"{one.command:20} {one.cells:9,} {one.requests:6,} | {one.cpu:7.2f} {one.until:6.2f}"
        f" {one.after:6.2f} {one.seconds:7.2f} | {one.per_cell:7.1f} {one.peak:6.0f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="not the million")
    parser.add_argument("--cells", type=int, action="append", help="other sizes; repeatable")
    parser.add_argument("--json", type=Path, help="keep the figures")
    options = parser.parse_args()
    print(
        f"{'':20} {'cells':>9} {'asked':>6} | {'CPU s':>7} {'until':>6} {'after':>6} {'wall':>7}",
        end="",
    )
    print(f" | {'us/cell':>7} {'MB':>6}")
    found = []
    with listing_server() as server:
        for cells in options.cells or (SIZES[:2] if options.quick else SIZES):
            for one in measure_all(cells, server):
                print_row(one)
                found.append(one)
    if options.json:
        figures = [asdict(one) | {"us_per_cell": one.per_cell} for one in found]
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
