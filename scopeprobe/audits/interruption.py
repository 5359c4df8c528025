"""Ctrl-C and SIGTERM: stop asking, keep what is known."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable

import anyio


async def until_interrupted(work: Callable[[], Awaitable[None]]) -> signal.Signals | None:
    """Run `work` to its end, or until a signal comes. Returns the signal."""
    received: signal.Signals | None = None

    async def listen() -> None:
        nonlocal received
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                received = number
                tasks.cancel_scope.cancel()
                return

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        await work()
        tasks.cancel_scope.cancel()
    return received
