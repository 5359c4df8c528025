"""
The way to a server, part of which fails: handshakes, names, a proxy that wants credentials.

Each serves what is at a URL under another one, and says what is to be written of that server. Of
what passes a seeded share fails; `spoiled` counts what did.
"""

import asyncio
import random
import socket
import ssl
import time
from collections import Counter
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from unittest.mock import patch
from urllib.parse import urlsplit

import trustme
from fault_proxy import FaultProxy, fault_proxy
from serving import serving

ALERT = bytes([21, 3, 3, 0, 2, 2, 40])
"""A fatal alert of TLS: handshake_failure (RFC 8446 section 6)."""
NAME = "corp.example"
HANDSHAKES = ("an alert", "hangs up", "no TLS", "silence", "another's certificate")
LOOKUPS = ("hangs", "is refused", "fails for now")


@dataclass
class Way:
    """Where the server is now, and its settings in a clients file."""

    url: str
    settings: dict[str, object] = field(default_factory=dict)
    spoiled: Counter = field(default_factory=Counter)


@contextmanager
def through_handshakes(url, folder, *, seed=0, share=0.3):
    """TLS in front of it; each answer ends its connection, so that there are many handshakes."""
    authority, chance = trustme.CA(), random.Random(seed)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    good, wrong = (_tls(authority, host) for host in ("127.0.0.1", "other.example"))
    parts = urlsplit(url)
    proxy = FaultProxy((parts.hostname, parts.port), share=0)
    way = Way("", {"ca_file": str(folder / "ca.pem")})

    async def connected(reader, writer):
        fault = chance.choice(HANDSHAKES) if chance.random() < share else None
        way.spoiled.update([fault] if fault else [])
        with closing(writer), suppress(OSError, asyncio.IncompleteReadError):
            match fault:
                case "an alert" | "no TLS":
                    await reader.read(1000)
                    writer.write(ALERT if fault == "an alert" else b"HTTP/1.1 200 OK\r\n\r\n")
                    await writer.drain()
                case "silence":
                    await asyncio.sleep(3)
                case "another's certificate":
                    await writer.start_tls(wrong)
                case None:
                    await writer.start_tls(good)
                    await proxy.answer_one(reader, writer)

    with serving(connected) as port:
        way.url = f"https://127.0.0.1:{port}{parts.path}"
        yield way


def _tls(authority, host):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


@contextmanager
def through_names(url, _folder, *, seed=0, share=0.3):
    """A name for it, of which the first lookups hang and fail, and then a share of all others."""
    parts, chance, real = urlsplit(url), random.Random(seed), socket.getaddrinfo
    to_come = list(LOOKUPS)
    way = Way(f"http://{NAME}:{parts.port}{parts.path}", {"allow_http": True})

    def getaddrinfo(host, *arguments, **options):
        if host != NAME:
            return real(host, *arguments, **options)
        fault = chance.choice(LOOKUPS) if chance.random() < share else None
        fault = to_come.pop(0) if to_come else fault
        if fault is None:
            return real(parts.hostname, *arguments, **options)
        way.spoiled[fault] += 1
        if fault == "hangs":
            time.sleep(1.5)
        number = socket.EAI_NONAME if fault == "is refused" else socket.EAI_AGAIN
        raise socket.gaierror(number, fault)

    with patch.object(socket, "getaddrinfo", getaddrinfo):
        yield way


@contextmanager
def through_a_proxy(url, _folder, *, seed=0, share=0.3):
    """A proxy that wants credentials for some of the requests: 407 (RFC 9110 section 15.5.8)."""
    with fault_proxy(url, seed=seed, share=share, faults=("407",)) as (proxy, its_url):
        parts = urlsplit(its_url)
        yield Way(url, {"proxy": f"http://{parts.netloc}"}, proxy.spoiled)


WAYS = {
    "handshakes": through_handshakes,
    "names": through_names,
    "a proxy": through_a_proxy,
}
