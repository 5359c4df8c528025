"""Ctrl-C, SIGTERM and a terminal that hangs up: stop asking, keep what is known."""

from __future__ import annotations

import signal
import threading
from asyncio import get_running_loop
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import ClassVar, Never, NoReturn

import anyio

SECONDS_OF_A_CALL = 120.0
"""Of processor time, that one callback of the event loop may take."""
_BEATS_EVERY = 1.0

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """The first signal that came; all that come later change nothing."""

    has_come: ClassVar[bool] = False
    """One came in this process: the command line is about to end it, and needs no other."""

    def __init__(self) -> None:
        self.by: signal.Signals | None = None
        self._came = anyio.Event()
        self._loop = get_running_loop()

    async def unless_it_comes(self, work: Callable[[], Awaitable[None]]) -> signal.Signals | None:
        """Run `work` to its end, or until a signal comes. Returns the signal."""

        async def stop() -> None:
            await self._came.wait()
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop)
            await work()
            tasks.cancel_scope.cancel()
        return self.by

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal: between two instructions of whatever the main thread does."""
        if self.by is None:
            Interruption.has_come = True
            self.come(signal.Signals(number))

    def come(self, by: signal.Signals) -> None:
        """It came, here or where the work was asked for; from any thread."""
        self.by = by
        self._loop.call_soon_threadsafe(self._came.set)


@contextmanager
def noted_signals() -> Iterator[Interruption]:
    """
    Note signals instead of dying of them, to the end of what must be whole: files are written.

    One that is ignored already stays so: `nohup` means to outlive its terminal.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if number is not signal.SIGHUP or handler is not signal.SIG_IGN:
            signal.signal(number, interruption.note)
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Endless(RuntimeError):
    """A bug: something does not come to an end, on the event loop or off it."""


async def end_what_is_endless() -> Never:
    """
    Raise Endless in the middle of what keeps the event loop from going on.

    Processor time is measured: a machine that sleeps, or is busy otherwise, ends nothing.
    """

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise Endless

    if threading.current_thread() is not threading.main_thread():
        await anyio.sleep_forever()
    before = signal.signal(signal.SIGVTALRM, end)
    try:
        while True:
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_OF_A_CALL)
            await anyio.sleep(_BEATS_EVERY)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
