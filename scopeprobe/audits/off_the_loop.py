"""Work that blocks, or takes its time, while the event loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
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


@asynccontextmanager
async def entered_off_the_loop(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    """What the manager gives; it is entered and left in threads."""
    given = await off_the_loop(manager.__enter__)
    try:
        yield given
    finally:
        await off_the_loop(manager.__exit__, None, None, None)
