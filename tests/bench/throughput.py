"""
How fast the engine carries requests out, beside a bare aiohttp loop in the same process.

    python tests/bench/throughput.py [REQUESTS]

Prints requests per second of both and their ratio; the machine is shared, so the ratio counts.
The server runs in a process of its own and answers at once.
"""

import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import anyio

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from fast_server import fast_server, fleet, grants_all

from scopeprobe import Audit, audit

CLIENTS, IN_FLIGHT = 50, 50


async def bare(url, requests):
    """Workers that post one body again and again: what aiohttp itself allows here."""
    left = iter(range(requests))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    async def work(session):
        for _ in left:
            async with session.post(url, data=b"grant_type=client_credentials") as response:
                await response.read()

    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector, headers=headers) as session,
        anyio.create_task_group() as workers,
    ):
        for _ in range(IN_FLIGHT):
            workers.start_soon(work, session)


def main():
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with fast_server(grants_all) as url:
        for turn in range(3):
            began = time.perf_counter()
            anyio.run(bare, url, requests)
            alone = requests / (time.perf_counter() - began)
            asked = fleet(url, clients=CLIENTS, scopes=requests // CLIENTS - 2)
            with tempfile.TemporaryDirectory() as out:
                began = time.perf_counter()
                result = anyio.run(audit, Audit(asked, Path(out)))
                ours = result.summary.requests / (time.perf_counter() - began)
            print(f"{turn}: bare {alone:7.0f}/s   audit {ours:7.0f}/s   ratio {ours / alone:.2f}")


if __name__ == "__main__":
    main()
