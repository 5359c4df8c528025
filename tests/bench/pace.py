"""
Whether servers are asked as fast as they allow, and no faster, from the first request to the last.

    python tests/bench/pace.py [TABLE ...]

Times are those at which the server was asked. Ends with exit code 1 where a target is missed.
"""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from statistics import median

import aiohttp

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from benches import (
    ROUNDS,
    Measured,
    asked,
    audited,
    fast_server,
    finish,
    print_table,
)

from scopeprobe.engine.rate_limit import RateLimiter
from scopeprobe.model.rate import Rate

UNBOUND = "1000000/s"
figures: dict[str, object] = {}
targets: dict[str, bool] = {}


def rate_of(times: Iterable[float]) -> float:
    """Requests per second, from the first to the last."""
    first, *_, last = moments = sorted(times)
    return (len(moments) - 1) / (last - first)


def audit(address: str, servers: dict[str, str], clients: int, scopes: int) -> Measured:
    """Ask so many clients of each server for so many scopes, one of four is refused."""
    settings = {
        name: f'token_endpoint = "{address}/{name}/token"\nrate_group = "{name}"\n{text}'
        for name, text in servers.items()
    }
    names = [f"{'s' if n % 4 else 'denied'}{n}" for n in range(scopes)]
    folder = Path(tempfile.mkdtemp())
    try:
        return audited(folder / "run", settings, dict.fromkeys(servers, clients), names)
    finally:
        shutil.rmtree(folder)


def latency() -> None:
    """
    50 in flight, and a server that takes 100 ms: nothing but its latency may be waited for.

    Beside a bare loop: on a machine that others keep busy, both are late.
    """
    in_flight, seconds = 50, 0.1
    server = f'in_flight = {in_flight}\nrate = "{UNBOUND}"\nclient_rate = "{UNBOUND}"'
    shares: dict[str, list[float]] = {"the audit": [], "a bare loop": []}
    with fast_server(round(seconds * 1000)) as address:
        for _ in range(ROUNDS):
            audit(address, {"slow": server}, clients=100, scopes=100)
            (times,) = asked(address).values()
            asyncio.run(bare(f"{address}/bare/token", len(times), 1_000_000, in_flight))
            (alone,) = asked(address).values()
            for found, moments in zip(shares.values(), (times, alone), strict=True):
                # The first are in flight together, and the last for one more latency.
                took = max(moments) + seconds - min(moments)
                found.append(len(moments) / took / (in_flight / seconds))
    medians = {name: median(found) for name, found in shares.items()}
    figures["latency"] = medians
    targets["0.97 of in-flight / latency"] = medians["the audit"] >= 0.97
    print_table(
        "Latency-bound: 50 in flight, 100 ms",
        ("share of 500 requests per second", "median", "least"),
        [(name, f"{medians[name]:.3f}", f"{min(found):.3f}") for name, found in shares.items()],
    )


def even_finish() -> None:
    """
    6 clients of 1,000 scopes at 200/s, each as fast as it may: the rate is kept to the end.

    Beside a bare loop at the same pace, which catches up on one period as well: on a machine that
    others keep busy, both are late.
    """
    rate = 200
    server = f'rate = "{rate}/s"\nclient_rate = "{UNBOUND}"'
    shares: dict[str, list[float]] = {"the audit": [], "its last tenth": [], "a bare loop": []}
    with fast_server() as address:
        for _ in range(ROUNDS):
            audit(address, {"even": server}, clients=6, scopes=1000)
            (times,) = asked(address).values()
            asyncio.run(bare(f"{address}/bare/token", len(times), rate, 4))
            (alone,) = asked(address).values()
            tenth = times[-len(times) // 10 :]
            for found, moments in zip(shares.values(), (times, tenth, alone), strict=True):
                found.append(rate_of(moments) / rate)
    medians = {name: median(found) for name, found in shares.items()}
    figures["even_finish"] = medians
    targets["0.97 of the rate"] = medians["the audit"] >= 0.97
    print_table(
        "Rate-bound: 6 clients of 1,000 scopes at 200/s",
        ("share of the rate", "median", "least"),
        [(name, f"{medians[name]:.3f}", f"{min(found):.3f}") for name, found in shares.items()],
    )


async def bare(url: str, requests: int, rate: int, in_flight: int) -> None:
    """Workers that post the same again and again, one permit a request."""
    spacing = Rate(rate, 1)
    limiter, turn = RateLimiter([spacing], now=time.monotonic(), spacing=spacing), asyncio.Lock()
    left = iter(range(requests))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work() -> None:
            for _ in left:
                async with turn:
                    await asyncio.sleep(max(limiter.opens_at() - time.monotonic(), 0))
                    limiter.take(time.monotonic())
                async with session.post(url, data={"scope": "s1"}) as answer:
                    await answer.read()

        await asyncio.gather(*(work() for _ in range(in_flight)))


def many_endpoints() -> None:
    """1,000 rate groups at 1/s, 200 requests each: every one at its rate, on less than one core."""
    groups = {f"g{n}": f'rate = "1/s"\nclient_rate = "{UNBOUND}"' for n in range(1000)}
    with fast_server() as address:
        found = audit(address, groups, clients=1, scopes=192)
        times = asked(address)
    rates = [rate_of(moments) for moments in times.values()]
    gaps = [later - sooner for moments in times.values() for sooner, later in pairwise(moments)]
    cores = found.processor_seconds / found.seconds
    figures["many_endpoints"] = {
        "requests_each": found.requests / len(groups),
        "least": min(rates),
        "most": max(rates),
        "shortest_gap": min(gaps),
        "cores": cores,
    }
    targets["every rate group within 1 % of its rate"] = all(0.99 <= r <= 1.01 for r in rates)
    targets["less than one core"] = cores < 1
    print_table(
        f"1,000 rate groups at 1/s, {found.requests / len(groups):.0f} requests each",
        ("", "least", "median", "most"),
        [
            ("requests per second", *(f"{f(rates):.4f}" for f in (min, median, max))),
            ("seconds between two", *(f"{f(gaps):.4f}" for f in (min, median, max))),
        ],
    )
    print(f"{cores:.2f} cores")


TABLES = {table.__name__: table for table in (latency, even_finish, many_endpoints)}

if __name__ == "__main__":
    for name in sys.argv[1:] or TABLES:
        TABLES[name]()
    finish(figures, targets)
