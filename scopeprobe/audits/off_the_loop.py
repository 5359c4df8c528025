"""Work that blocks, or takes its time, while the event loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio

P = ParamSpec("P")
T = TypeVar("T")


async def off_the_loop(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Do it in a thread. It is never left half done: who cancels this waits for its end."""
    thread = asyncio.ensure_future(asyncio.to_thread(work, *arguments, **named))
    with anyio.CancelScope(shield=True):
        try:
            await asyncio.wait([thread])
        finally:
            await asyncio.wait([thread])
    return thread.result()
