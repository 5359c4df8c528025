"""The cluster that `--cluster` names."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from scopeprobe.errors import InputError

if TYPE_CHECKING:
    from distributed import Client

SECONDS_TO_CONNECT = 15
_LOCAL = re.compile(r"local:([1-9][0-9]*)")
_ADDRESS = re.compile(r"([a-z]+://)?[^/\s]+:[0-9]+")


@asynccontextmanager
async def connected(cluster: str, networks: Iterable[str]) -> AsyncIterator[Client]:
    """
    Connect to the scheduler at an address, or that of a scheduler file, or of `local:N` workers.

    Local workers are in all networks: they reach what this machine reaches. How connections are
    secured, Dask's own configuration says.
    :raises InputError: where there is no such cluster.
    """
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError:
        words = "dask.distributed is not installed: pip install 'scopeprobe[cluster]'"
        raise InputError([f"--cluster: {words}"]) from None
    async with AsyncExitStack() as stack:
        try:
            where = await _where(cluster, networks, stack)
            client = Client(**where, asynchronous=True, timeout=SECONDS_TO_CONNECT)
            stack.push_async_callback(client.close)
            await client
        except (OSError, ValueError, TypeError, RuntimeError) as error:  # as TLS that is not ours
            words = f"no scheduler answers there ({type(error).__name__})"
            raise InputError([f"--cluster {cluster}: {words}"]) from None
        yield client


async def _where(
    cluster: str, networks: Iterable[str], stack: AsyncExitStack
) -> Mapping[str, object]:
    """What tells Dask's client of the scheduler."""
    if local := _LOCAL.fullmatch(cluster):
        return {"address": await stack.enter_async_context(_local(int(local[1]), networks))}
    if await anyio.Path(cluster).is_file():
        return {"scheduler_file": cluster}
    if _ADDRESS.fullmatch(cluster):
        return {"address": cluster}
    words = "is no address (tcp://HOST:PORT), no scheduler file and not local:N"
    raise InputError([f"--cluster {cluster}: {words}"])


@asynccontextmanager
async def _local(workers: int, networks: Iterable[str]) -> AsyncIterator[object]:
    """Workers on this machine, for as long as they are needed."""
    from distributed import LocalCluster  # noqa: PLC0415 - an extra

    async with LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=0,
        resources=dict.fromkeys(networks, 1),
        preload="scopeprobe.cluster.local_worker",
        silence_logs=logging.CRITICAL,
        asynchronous=True,
    ) as cluster:
        yield cluster
