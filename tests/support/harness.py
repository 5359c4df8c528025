"""What many tests need: the program, servers to audit, files to read back."""

import asyncio
import csv
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from io import BytesIO, TextIOWrapper
from itertools import count
from pathlib import Path
from unittest.mock import patch
from urllib.parse import parse_qs

from anyio.from_thread import start_blocking_portal
from bound import bound
from serving import serving

from scopeprobe.cli import main
from scopeprobe.lab import Lab

CellKey = tuple[str, str]
"""(client, scope)"""


@dataclass(frozen=True)
class Ended:
    """How the program ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def scopeprobe(
    *words: object, env: Mapping[str, str] | None = None, stdin: str = "", cwd: Path | None = None
) -> Ended:
    """Run the command line to its end, in this process."""
    argv = [str(word) for word in words]
    environment = {**os.environ, "COLUMNS": "80", **(env or {})}
    standard_input, standard_output, standard_error = (
        TextIOWrapper(BytesIO(text), encoding="utf-8", newline="", write_through=True)
        for text in (stdin.encode(), b"", b"")
    )
    with (
        chdir(cwd or Path.cwd()),
        patch.dict(os.environ, environment, clear=True),
        patch.multiple(
            sys,
            argv=["scopeprobe", *argv],
            stdin=standard_input,
            stdout=standard_output,
            stderr=standard_error,
        ),
    ):
        returncode = main(argv)
    return Ended(returncode, _written_to(standard_output), _written_to(standard_error))


def _written_to(stream: TextIOWrapper) -> str:
    return stream.buffer.getvalue().decode()


def command(*words: object) -> list[str]:
    """The command line of a process of its own."""
    return [sys.executable, "-m", "scopeprobe", *map(str, words)]


def scopeprobe_process(
    *words: object, env: Mapping[str, str] | None = None, stdin: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end in a process of its own, as a user would."""
    return subprocess.run(
        bound(command(*words)),
        env={**os.environ, "COLUMNS": "80", **(env or {})},
        input=stdin,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def started(*words: object, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the program as a process of its own."""
    return subprocess.Popen(
        bound(command(*words)),
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Entry:
    """One client of an inputs file."""

    name: str
    server: str
    client_id: str = ""
    secret: str = "s3cret-of-nobody"
    method: str = "client_secret_basic"
    extra: str = ""


def write_inputs(
    folder: Path, servers: dict[str, str], entries: list[Entry], scopes: list[str] | None = None
) -> tuple[list[object], dict[str, str]]:
    """Write clients.toml and scopes.txt; return the arguments and the environment to use them."""
    environment = {f"SECRET_{n}": entry.secret for n, entry in enumerate(entries)}
    text = "".join(f"[servers.{name}]\n{settings}\n" for name, settings in servers.items())
    for n, entry in enumerate(entries):
        text += f'[[clients]]\nname = "{entry.name}"\nserver = "{entry.server}"\n'
        text += f'client_id = "{entry.client_id or entry.name}"\n'
        text += f'token_endpoint_auth_method = "{entry.method}"\n'
        text += f'client_secret = {{ env = "SECRET_{n}" }}\n{entry.extra}\n'
    (folder / "clients.toml").write_text(text)
    arguments: list[object] = [folder / "clients.toml"]
    if scopes is not None:
        (folder / "scopes.txt").write_text("\n".join(scopes))
        arguments += ["--scopes", folder / "scopes.txt"]
    return arguments, environment


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def verdicts(out: Path) -> dict[CellKey, str]:
    return {(row["client"], row["scope"]): row["verdict"] for row in rows(out / "permissions.csv")}


def reasons(out: Path) -> dict[CellKey, str]:
    return {(row["client"], row["scope"]): row["reason"] for row in rows(out / "permissions.csv")}


def summary(out: Path) -> dict:
    return json.loads((out / "summary.json").read_text())


def maps(out: Path) -> dict[str, bytes]:
    """The files that equal nights and resumed runs must have equal, byte for byte."""
    paths = [out / "permissions.csv", out / "matrix.csv", *(out / "clients").iterdir()]
    return {path.name: path.read_bytes() for path in paths}


@contextmanager
def lab(servers) -> Iterator[str]:
    """The lab in a thread of its own: its servers can be looked at and changed meanwhile."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Lab(servers).serve()) as base_url,
    ):
        yield base_url


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# -- a token endpoint of a few lines, fast enough to measure a client with


@dataclass
class Asked:
    """One request as a raw server saw it."""

    at: float
    client: str
    scopes: str | None
    headers: dict[str, str]
    form: str
    path: str = ""
    method: str = "POST"


_tokens = count()


def token_body(**members: object) -> bytes:
    """A successful answer; no two hold the same token."""
    token = f"opaque-token-{next(_tokens)}"
    return json.dumps({"access_token": token, "token_type": "Bearer", **members}).encode()


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = field(default_factory=token_body)
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    raw: bytes | None = None
    """Sent as it is instead of an HTTP response, after which the connection is closed."""
    endless: bool = False


@dataclass
class RawServer:
    """Answers every request by what `answer` says; remembers what it was asked, and when."""

    answer: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)
    in_air: int = 0
    most_in_air: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self) -> Counter[str]:
        return Counter(asked.client for asked in self.asked)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._exchange(head.decode(), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _exchange(self, head, reader, writer) -> None:
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines) if k}
        body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
        form = parse_qs(body)
        client = form.get("client_id", [headers.get("authorization", "")])[0]
        asked = Asked(
            time.monotonic(), client, form.get("scope", [None])[0], headers, body, path, method
        )
        self.asked.append(asked)
        self.in_air += 1
        self.most_in_air = max(self.most_in_air, self.in_air)
        reply = self.answer(asked)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        self.in_air -= 1
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            writer.close()
            return
        more = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        length = "" if reply.endless else f"Content-Length: {len(reply.body)}\r\n"
        writer.write(f"HTTP/1.1 {reply.status} X\r\n{length}{more}\r\n".encode() + reply.body)
        while reply.endless:
            writer.write(b" " * 65536)
            await writer.drain()
        await writer.drain()


@contextmanager
def raw_server(
    answer: Callable[[Asked], Reply] = lambda _asked: Reply(), tls=None, host="127.0.0.1", port=0
) -> Iterator[RawServer]:
    server = RawServer(answer)
    with serving(server.serve, host, port, tls) as server.port:
        yield server
