"""One request on its way: what came back so far, and when it is given up."""

from __future__ import annotations

import re
from asyncio import AbstractEventLoop, CancelledError, Task, TimerHandle, current_task
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scopeprobe.engine.connections import Handler

_STATUS = re.compile(rb"(?:\A|\n\r?\n)HTTP/\d(?:\.\d)? ([1-5]\d\d)\b")
"""A status line (RFC 9112 section 4): the first, or one behind an interim answer."""


class Deadlines:
    """When the attempts of a run are given up: one timer for all of them."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self._attempts: set[Attempt] = set()
        self._timer: TimerHandle | None = None

    def add(self, attempt: Attempt) -> None:
        self._attempts.add(attempt)
        if self._timer is None or attempt.until < self._timer.when():
            self._look_again_at(attempt.until)

    def discard(self, attempt: Attempt) -> None:
        self._attempts.discard(attempt)

    def _look_again_at(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(moment, self._give_up_late_ones)

    def _give_up_late_ones(self) -> None:
        self._timer = None
        now = self.loop.time()
        for attempt in [one for one in self._attempts if one.until <= now]:
            self._attempts.discard(attempt)
            attempt.give_up()
        if self._attempts:
            self._look_again_at(min(attempt.until for attempt in self._attempts))


class Attempt:
    """A context in which one request is sent; it ends in TimeoutError when that takes too long."""

    __slots__ = ("_cancels", "_deadlines", "_is_late", "_task", "handler", "still_wanted", "until")

    def __init__(
        self, deadlines: Deadlines, seconds: float, still_wanted: Callable[[], bool]
    ) -> None:
        self.still_wanted = still_wanted
        self.until = deadlines.loop.time() + seconds
        self.handler: Handler | None = None
        """Where its answer comes in; None until it is sent."""
        self._deadlines = deadlines
        self._is_late = False

    def __enter__(self) -> None:
        task: Task[Any] | None = current_task(self._deadlines.loop)
        if task is None:
            raise RuntimeError
        self._task, self._cancels = task, task.cancelling()
        self._deadlines.add(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._deadlines.discard(self)
        if self._is_late and self._task.uncancel() <= self._cancels and kind is CancelledError:
            raise TimeoutError

    def give_up(self) -> None:
        self._is_late = True
        self._task.cancel()

    @property
    def status(self) -> int | None:
        """What the beginning of an answer says that cannot be read as a whole; None: no status."""
        found = _STATUS.findall(self.handler.heard) if self.handler is not None else []
        return next((int(status) for status in found if int(status) >= HTTPStatus.OK), None)

    @property
    def is_answered(self) -> bool:
        """Whether anything at all came back."""
        return self.handler is not None and bool(self.handler.heard)
