"""
How fast the engine carries requests out, beside a bare aiohttp loop in the same process.

    python tests/bench/throughput.py [REQUESTS]

Prints requests per second of both and their ratio; the machine is shared, so the ratio counts.
The server runs in a process of its own and answers at once.
"""

import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import anyio

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from harness import Reply, raw_server

from scopeprobe.audits.audit import Audit, audit
from scopeprobe.inputs import Fleet
from scopeprobe.model.client import AuthMethod, Client, ClientName, Target
from scopeprobe.model.rate import Rate
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.model.server import ClientId, Endpoints, Server, ServerLimits

CLIENTS, IN_FLIGHT = 50, 50
BODY = b'{"access_token":"opaque","token_type":"Bearer","scope":"x"}'


def serve(port, over):
    with raw_server(lambda _asked: Reply(body=BODY)) as server:
        port.value = server.port
        over.wait()


def fleet(url, requests):
    fast = (Rate(1_000_000, 1),)
    limits = ServerLimits(fast, fast, in_flight=IN_FLIGHT, max_auth_failures=IN_FLIGHT)
    server = Server("s", Endpoints(url), limits=limits)
    scopes = tuple(Scope(f"s{n}") for n in range(requests // CLIENTS - 2))
    return Fleet(
        tuple(
            Client(
                ClientName(f"c{n}"),
                ClientId(f"c{n}"),
                server,
                Secret("secret"),
                AuthMethod.CLIENT_SECRET_BASIC,
                (Target(scopes),),
            )
            for n in range(CLIENTS)
        )
    )


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
    port, over = multiprocessing.Value("i", 0), multiprocessing.Event()
    server = multiprocessing.Process(target=serve, args=(port, over))
    server.start()
    while not port.value:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{port.value}/token"
    for turn in range(3):
        began = time.perf_counter()
        anyio.run(bare, url, requests)
        alone = requests / (time.perf_counter() - began)
        with tempfile.TemporaryDirectory() as out:
            began = time.perf_counter()
            result = anyio.run(audit, Audit(fleet(url, requests), Path(out)))
            ours = result.summary.requests / (time.perf_counter() - began)
        print(f"{turn}: bare {alone:7.0f}/s   audit {ours:7.0f}/s   ratio {ours / alone:.2f}")
    over.set()
    server.join()


if __name__ == "__main__":
    main()
