"""Ctrl-C and SIGTERM: stop asking, keep what is known."""

from __future__ import annotations

import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def until_interrupted(work: Callable[[], Awaitable[None]]) -> signal.Signals | None:
    """Run `work` to its end, or until a signal comes. Returns the signal."""
    received: signal.Signals | None = None

    async def listen() -> None:
        nonlocal received
        with anyio.open_signal_receiver(*_SIGNALS) as signals:
            async for number in signals:
                received = number
                tasks.cancel_scope.cancel()
                return

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        await work()
        tasks.cancel_scope.cancel()
    return received


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let nobody interrupt what takes a moment and must be whole, such as writing the files."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
