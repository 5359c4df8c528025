"""Work that blocks, or takes its time, while the event loop goes on."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import ParamSpec, TypeVar

import anyio

from scopeprobe.audits.signals import Endless

SECONDS_OF_WORK = 3600.0
"""That one piece of work may take: of the clock, and of processor time."""
SECONDS_BETWEEN_LOOKS = 5.0

P = ParamSpec("P")
T = TypeVar("T")


async def off_the_loop(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """
    Do it in a thread. It is never left half done: who cancels this waits for its end.

    Raises Endless where that does not come. No thread can be ended from outside: this one is left
    behind, and the process does not wait for it.
    """
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()

    def carry_out() -> None:
        try:
            outcome.set_result(work(*arguments, **named))
        except BaseException as error:  # noqa: BLE001 - raised where the outcome is awaited
            outcome.set_exception(error)

    thread = Thread(target=copy_context().run, args=(carry_out,), name="work", daemon=True)
    thread.start()
    awaited = asyncio.wrap_future(outcome)
    watch = _Watch(thread)
    with anyio.CancelScope(shield=True):
        try:
            await watch.until_done(awaited)
        except asyncio.CancelledError:
            await watch.until_done(awaited)
            raise
    return awaited.result()


class _Watch:
    """Sees to it that a thread comes to its end."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._moment, self._spent = time.monotonic(), time.process_time()

    async def until_done(self, awaited: asyncio.Future[T]) -> None:
        while not awaited.done():
            await asyncio.wait([awaited], timeout=SECONDS_BETWEEN_LOOKS)
            if not awaited.done() and self._seconds > SECONDS_OF_WORK and (place := self._place):
                awaited.cancel()
                failure = Endless()
                failure.add_note(f"{place} does not come to an end")
                raise failure

    @property
    def _seconds(self) -> float:
        """Neither a machine that is busy otherwise nor what other threads do is held against it."""
        return min(time.monotonic() - self._moment, time.process_time() - self._spent)

    @property
    def _place(self) -> str:
        """Where it is; empty once it is over."""
        frame = sys._current_frames().get(self._thread.ident or 0)  # noqa: SLF001 - documented
        return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}" if frame else ""
