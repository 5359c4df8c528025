"""Work that blocks, or takes its time, while the event loop goes on."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from typing import ParamSpec, TypeVar

import anyio

from scopeprobe.audits.signals import Endless

SECONDS_OF_WORK = 3600.0
"""Of processor time, that one piece of work may take."""
SECONDS_BETWEEN_LOOKS = 5.0

P = ParamSpec("P")
T = TypeVar("T")


async def off_the_loop(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """
    Do it in a thread. It is never left half done: who cancels this, however often, waits for it.

    Raises Endless where that does not come. No thread can be ended from outside: this one is left
    behind, and the process does not wait for it.
    """
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()

    def carry_out() -> None:
        watch.begin()
        try:
            outcome.set_result(work(*arguments, **named))
        except BaseException as error:  # noqa: BLE001 - raised where the outcome is awaited
            outcome.set_exception(error)

    watch = _Watch()
    threading.Thread(target=copy_context().run, args=(carry_out,), name="work", daemon=True).start()
    awaited = asyncio.wrap_future(outcome)
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not awaited.done():
            try:
                await watch.until_done(awaited)
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        raise cancelled
    return awaited.result()


class _Watch:
    """Sees to it that a thread comes to its end."""

    _thread = 0
    _clock: int | None = None

    def begin(self) -> None:
        """Watch the thread that calls this."""
        thread = threading.get_ident()
        self._moment, self._spent = time.monotonic(), time.process_time()
        if sys.platform == "linux":
            self._clock = time.pthread_getcpuclockid(thread)
        self._thread = thread

    async def until_done(self, awaited: asyncio.Future[T]) -> None:
        while not awaited.done():
            await asyncio.wait([awaited], timeout=SECONDS_BETWEEN_LOOKS)
            if not awaited.done() and (place := self._place) and self._seconds > SECONDS_OF_WORK:
                awaited.cancel()
                failure = Endless()
                failure.add_note(f"{place} does not come to an end")
                raise failure

    @property
    def _seconds(self) -> float:
        """
        Processor time that it has taken: a machine that is busy otherwise is not held against it.

        Nor are other threads, but where the system does not tell them apart.
        """
        if self._clock is None:
            return min(time.monotonic() - self._moment, time.process_time() - self._spent)
        with suppress(OSError):  # the thread is over
            return time.clock_gettime(self._clock)
        return 0.0

    @property
    def _place(self) -> str:
        """Where it is; empty before it has begun, and once it is over."""
        frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - documented
        return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}" if frame else ""
