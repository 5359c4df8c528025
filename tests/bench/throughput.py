"""
How fast an audit is from end to end, beside what its HTTP library and others make of it.

    python tests/bench/throughput.py [--quick]

Every contender asks one server, 50 requests in flight, on the same event loop (uvloop where it is
installed); `requests` asks in sequence, and `wrk` shows the limit. httpx, requests and wrk take
part where they are installed. An audit keeps its journal and a JSON log file, judges every cell and
writes its CSV files; the others throw answers away. The machine is shared: all alternate for five
rounds, and the medians of their ratios count; processor time tells more than wall time where others
are busy. Ends with exit code 1 where a target is missed.
"""

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import aiohttp
import msgspec
from yarl import URL

# Not beside this folder: its `requests.py` is no HTTP library.
sys.path[0] = str(Path(__file__).parents[1] / "support")

from benches import (  # noqa: E402 - behind the line above
    alternating,
    audited,
    fast_server,
    finish,
    has_uvloop,
    print_table,
    ratio,
)

AUDIT = "scopeprobe audit"
IN_FLIGHT, CLIENTS = 50, 100
QUICK = "--quick" in sys.argv
REQUESTS = 6_000 if QUICK else 30_000
FEW = 500 if QUICK else 2_000
FORM = {"grant_type": "client_credentials", "scope": "s1"}
BODY = b"grant_type=client_credentials&scope=s1"
FAST = 'rate = "1000000/s"\nclient_rate = "1000000/s"'
AUTHORIZATION = {"Authorization": aiohttp.encode_basic_auth("client", "secret")}
HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
    **AUTHORIZATION,
}


class Body(msgspec.Struct):
    """What an answer is decoded to; the token stays bytes."""

    access_token: msgspec.Raw = msgspec.Raw()
    scope: str | None = None
    error: str | None = None


decode = msgspec.json.Decoder(Body).decode


async def in_flight(work) -> None:
    """So many workers, who share what is left to ask."""
    left = iter(range(REQUESTS))
    await asyncio.gather(*(work(left) for _ in range(IN_FLIGHT)))


async def tuned(url: str) -> None:
    """Everything made once that can be; no cookies, no automatic headers, no decompression."""
    address = URL(url, encoded=True)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=HEADERS,
        skip_auto_headers=("User-Agent", "Accept-Encoding"),
        auto_decompress=False,
    ) as session:

        async def work(left: Iterator[int]) -> None:
            for _ in left:
                async with session.post(address, data=BODY) as answer:
                    decode(await answer.read())

        await in_flight(work)


async def plain(url: str) -> None:
    """As the documentation of aiohttp shows it."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def work(left: Iterator[int]) -> None:
            for _ in left:
                async with session.post(url, data=FORM, headers=AUTHORIZATION) as answer:
                    await answer.json()

        await in_flight(work)


async def by_httpx(url: str) -> None:
    import httpx  # noqa: PLC0415 - only where it is installed

    left = iter(range(FEW))
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:

        async def work() -> None:
            for _ in left:
                (await client.post(url, data=FORM, auth=("client", "secret"))).json()

        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))


def by_requests(url: str) -> int:
    import requests  # noqa: PLC0415 - only where it is installed

    with requests.Session() as session:
        session.trust_env = False
        for _ in range(FEW):
            session.post(url, data=FORM, auth=("client", "secret"), timeout=15).json()
    return FEW


def by_wrk(url: str) -> int:
    words = ["wrk", "-t1", f"-c{IN_FLIGHT}", "-d2", url]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return int(re.search(r"(\d+) requests in", told)[1])


def on_loop(ask, url: str, requests: int) -> int:
    loop_factory = None
    if has_uvloop():
        import uvloop  # noqa: PLC0415 - only where it is installed

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(ask(url))
    return requests


def by_audit(url: str) -> int:
    """Of every four scopes one is refused."""
    scopes = [f"{'s' if n % 4 else 'denied'}{n}" for n in range(REQUESTS // CLIENTS - 3)]
    server = f'token_endpoint = "{url}"\nin_flight = {IN_FLIGHT}\n{FAST}'
    with tempfile.TemporaryDirectory() as folder:
        return audited(Path(folder) / "run", {"s": server}, {"s": CLIENTS}, scopes).requests


def contenders_at(url: str):
    """By name; each returns how often it asked."""
    contenders = {
        AUDIT: lambda: by_audit(url),
        "aiohttp, tuned": lambda: on_loop(tuned, url, REQUESTS),
        "aiohttp, plain": lambda: on_loop(plain, url, REQUESTS),
        "httpx": lambda: on_loop(by_httpx, url, FEW),
        "requests": lambda: by_requests(url),
        "wrk": lambda: by_wrk(url),
    }
    is_there = {"httpx": find_spec("httpx"), "requests": find_spec("requests")}
    is_there["wrk"] = shutil.which("wrk")
    return {name: ask for name, ask in contenders.items() if is_there.get(name, True)}


def main() -> None:
    with fast_server() as address:
        contenders = contenders_at(f"{address}/token")
        by_audit(f"{address}/token")  # imports what is imported when it is first used
        found = alternating({name: partial(seconds, ask) for name, ask in contenders.items()})
    rates = {name: [1 / wall for wall, _ in times] for name, times in found.items()}
    spent = {name: [1e6 * processor for _, processor in times] for name, times in found.items()}
    ratios = {name: ratio(rates[AUDIT], others) for name, others in rates.items()}
    print_table(
        f"Requests per second, {IN_FLIGHT} in flight{', uvloop' if has_uvloop() else ''}",
        ("", "median", "least", "most", "the audit is", "processor, us", "the audit takes"),
        [
            (
                name,
                *(f"{of(rates[name]):,.0f}" for of in (median, min, max)),
                f"{ratios[name]:.2f} times",
                *(
                    (f"{median(spent[name]):.0f}", f"{ratio(spent[AUDIT], spent[name]):.2f} times")
                    if name != "wrk"
                    else ("", "")
                ),
            )
            for name in contenders
        ],
    )
    figures = {
        "requests_per_second": {name: median(each) for name, each in rates.items()},
        "ratios": ratios,
        "processor_microseconds": {name: median(each) for name, each in spent.items()},
    }
    least = {"aiohttp, tuned": 0.5, "aiohttp, plain": 0.9, "httpx": 15, "requests": 6}
    there = least.keys() & ratios.keys()
    finish(figures, {f"{least[n]} times {n}": ratios[n] >= least[n] for n in sorted(there)})


def seconds(ask) -> tuple[float, float]:
    """Of wall and of processor time, for each request."""
    began, spent = time.perf_counter(), time.process_time()
    requests = ask()
    wall, processor = time.perf_counter() - began, time.process_time() - spent
    return wall / requests, processor / requests


if __name__ == "__main__":
    main()
