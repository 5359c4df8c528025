"""The journal of a rate group that is asked by a worker: it is written elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Never

from scopeprobe.store import Entry, JournalEntries


class NobodyListens(RuntimeError):
    """The audit that a rate group is asked for does not say any more that it goes on."""


class StreamJournal(JournalEntries):
    """
    Hands entries on to be written, and counts them when they are said to be committed.

    All but `_enter`'s way out is called on the event loop that asks.
    """

    def __init__(self, run: str, hand_on: Callable[[StreamJournal, Entry], None]) -> None:
        super().__init__(run)
        self._hand_on = hand_on
        self._failure: Exception | None = None
        self._failed = asyncio.Event()
        self._flushes: set[asyncio.Event] = set()

    def _enter(self, entry: Entry) -> None:
        self._hand_on(self, entry)

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def flush(self) -> None:
        self._check()
        written = asyncio.Event()
        self._flushes.add(written)
        self._enter(Entry(None, written.set))
        await written.wait()
        self._flushes.discard(written)
        self._check()

    async def failure(self) -> Never:
        """Wait until nothing counts any more, and raise why."""
        await self._failed.wait()
        self._check()
        raise AssertionError  # it has failed

    def committed(self, then: Callable[[], None]) -> None:
        """Count what is committed."""
        if self._failure is None:
            try:
                then()
            except Exception as error:  # noqa: BLE001 - whatever it is, `failure` raises it
                self.fail(error)

    def fail(self, failure: Exception) -> None:
        """Count nothing more, and let nobody wait."""
        self._failure = self._failure or failure
        self._failed.set()
        for written in self._flushes:
            written.set()
