"""
What stands between us and a server, and spoils what passes.

Which attempt of which question is spoiled, and how, is the same in every run with the same seed.
"""

import asyncio
import gzip
import random
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from urllib.parse import parse_qs, urlsplit

from serving import serving


@dataclass(frozen=True)
class _Answer:
    """What the server said."""

    first: bytes
    headers: bytes
    body: bytes

    def with_headers(self, *lines):
        return b"\r\n".join((self.first, *lines, b"", self.body))

    @property
    def whole(self):
        return self.with_headers(self.headers, b"Content-Length: %d" % len(self.body))


BOMB = gzip.compress(b" " * 30_000_000)


def _reset(writer):
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))


async def _drip(writer, answer):
    for byte in answer.whole:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


async def _half(writer, answer):
    writer.write(answer.whole[: len(answer.first) + 4 + len(answer.headers) // 2])
    await writer.drain()
    writer.write_eof()
    await asyncio.sleep(0.05)


async def _reset_in_the_middle(writer, answer):
    writer.write(answer.whole[:-5])
    await writer.drain()
    await asyncio.sleep(0.02)
    _reset(writer)


async def _reset_at_once(writer, _answer):
    _reset(writer)


async def _hang_up(_writer, _answer):
    pass


async def _stray(writer, answer):
    """The true answer, and a moment later a token that nobody asked for."""
    writer.write(answer.whole)
    await writer.drain()
    await asyncio.sleep(0.02)
    body = b'{"access_token":"stray","token_type":"Bearer"}'
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def _saying(spoil: Callable[[_Answer], bytes]):
    async def say(writer, answer):
        writer.write(spoil(answer))

    return say


LOSSES = {
    "reset at once": _reset_at_once,
    "reset in the middle": _reset_in_the_middle,
    "hangs up": _hang_up,
    "half closed": _half,
    "a byte a second": _drip,
    "a length too small": _saying(lambda a: a.with_headers(a.headers, b"Content-Length: 3")),
    "a length too large": _saying(
        lambda a: a.with_headers(a.headers, b"Content-Length: %d" % (len(a.body) + 99))
    ),
    "two lengths": _saying(
        lambda a: a.with_headers(
            a.headers, b"Content-Length: 3", b"Content-Length: %d" % len(a.body)
        )
    ),
    "chunks that are none": _saying(
        lambda a: a.with_headers(a.headers, b"Transfer-Encoding: chunked")
    ),
    "gzip that is none": _saying(
        lambda a: a.with_headers(
            a.headers, b"Content-Encoding: gzip", b"Content-Length: %d" % len(a.body)
        )
    ),
    "a bomb": _saying(
        lambda a: b"\r\n".join(
            (
                a.first,
                b"Content-Encoding: gzip",
                b"Content-Length: %d" % len(BOMB),
                b"",
                BOMB,
            )
        )
    ),
    "a huge header": _saying(
        lambda a: a.with_headers(
            a.headers, b"X: " + b"x" * 20_000, b"Content-Length: %d" % len(a.body)
        )
    ),
    "a page": _saying(
        lambda _a: b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 12\r\n\r\n<html>oops</"
    ),
}
"""An answer never comes, or cannot be read. The server has read the request."""
NUISANCES = {
    "interim answers": _saying(
        lambda a: b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + a.whole
    ),
    "doubled": _saying(lambda a: a.whole * 2),
    "a stray answer": _stray,
}
"""The answer comes, and something else with it."""
FAULTS = LOSSES | NUISANCES
OF_PROXIES = {
    "407": _saying(
        lambda _a: (
            b"HTTP/1.1 407 Proxy Authentication Required\r\n"
            b"Proxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
        )
    )
}
"""What no server says: only where clients know that they speak with a proxy."""
ENDS_CONNECTION = LOSSES.keys() | {"doubled"}


@dataclass
class FaultProxy:
    """Stands in front of `upstream`; spoils a `share` of the answers, by what `faults` names."""

    upstream: tuple[str, int]
    seed: int = 0
    share: float = 0.3
    faults: tuple[str, ...] = tuple(FAULTS)
    spoiled: Counter = field(default_factory=Counter)
    """How often each fault came to pass."""
    requests: int = 0
    port: int = 0
    _attempts: Counter = field(default_factory=Counter)

    def fault_of(self, head, body):
        """By question and attempt, as a server sees them."""
        form = parse_qs(body.decode())
        secret_or_name = form.get("client_id") or [
            line for line in head.split("\r\n") if line.lower().startswith("authorization:")
        ]
        question = (head.split()[1], *secret_or_name, *form.get("scope", []))
        self._attempts[question] += 1
        chance = random.Random(repr((self.seed, question, self._attempts[question])))
        return chance.choice(self.faults) if chance.random() < self.share else None

    async def serve(self, reader, writer):
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self.answer_one(reader, writer) not in ENDS_CONNECTION:
                pass

    async def answer_one(self, reader, writer):
        """Answer one request; returns by which fault it was spoiled, if any."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        body = await reader.readexactly(_length_in(head))
        self.requests += 1
        fault = self.fault_of(head, body)
        answer = await self._ask(head, body)
        if fault is None:
            writer.write(answer.whole)
        else:
            self.spoiled[fault] += 1
            await (FAULTS | OF_PROXIES)[fault](writer, answer)
        await writer.drain()
        return fault

    async def _ask(self, head, body):
        reader, writer = await asyncio.open_connection(*self.upstream)
        with closing(writer):
            return await self._answer(reader, writer, head, body)

    async def _answer(self, reader, writer, head, body):
        lines = [
            line
            for line in head.split("\r\n")
            if line and not line.lower().startswith("connection:")
        ]
        writer.write("\r\n".join((*lines, "Connection: close", "", "")).encode() + body)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        first, *headers = head.strip().split(b"\r\n")
        said = b"".join([line.lower() for line in headers if b"chunked" in line.lower()])
        if said:
            body = await _dechunked(reader)
        elif length := _length_in(head.decode()):
            body = await reader.readexactly(length)
        else:
            body = b""
        kept = [
            line
            for line in headers
            if line.lower().split(b":")[0]
            not in {b"connection", b"content-length", b"transfer-encoding", b"keep-alive"}
        ]
        return _Answer(first, b"\r\n".join(kept) or b"X-None: 1", body)


async def _dechunked(reader):
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    return body


def _length_in(head):
    for line in head.lower().split("\r\n"):
        if line.startswith("content-length:"):
            return int(line.partition(":")[2])
    return 0


@contextmanager
def fault_proxy(url, **settings):
    """A fault proxy in a thread of its own, and the URL under which it serves what is at `url`."""
    parts = urlsplit(url)
    proxy = FaultProxy((parts.hostname, parts.port), **settings)
    with serving(proxy.serve) as proxy.port:
        yield proxy, url.replace(parts.netloc, f"127.0.0.1:{proxy.port}", 1)


def assert_true(found, truth):
    """No verdict of a map that was drawn through faults is false, and most cells have one."""
    judged = {cell: verdict for cell, verdict in found.items() if verdict != "unknown"}
    assert judged == {cell: truth[cell] for cell in judged}
    assert len(judged) >= len(found) * 2 // 3
