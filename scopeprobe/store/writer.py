"""The journal: one thread writes, whoever puts something in never waits."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue

import msgspec

from scopeprobe.model.answers import Fact
from scopeprobe.model.plans import Assignment

_PUT = "insert or replace into facts values (?, ?, ?, ?, ?, ?, ?)"
_SPENT = "insert into spent values (?, ?)"
_PAUSED = "insert or replace into pauses values (?, ?)"

encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Entry:
    statement: str
    values: tuple[object, ...]
    then: Callable[[], None] | None = None


class SqliteJournal:
    """
    Commits what it is given in batches: all that has come in since the last commit.

    A commit takes well under a millisecond, so a crash costs the requests in the air and the
    answers of that moment. Callbacks run on the event loop, in the order of the puts.
    """

    def __init__(self, connection: sqlite3.Connection, run: str) -> None:
        self._connection = connection
        self._run = run
        self._entries: SimpleQueue[_Entry | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def put(self, assignment: Assignment, fact: Fact, then: Callable[[], None]) -> None:
        key = (self._run, assignment.client.name, assignment.target.label, encode(fact.question))
        values = (*key, encode(fact.answer), fact.sent, fact.received)
        self._entries.put(_Entry(_PUT, values, then))

    def note_sent(self, quota: str, at: float) -> None:
        self._entries.put(_Entry(_SPENT, (quota, at)))

    def note_pause(self, quota: str, until: float) -> None:
        self._entries.put(_Entry(_PAUSED, (quota, until)))

    async def flush(self) -> None:
        written = asyncio.Event()
        self._entries.put(_Entry("select 1", (), written.set))
        await written.wait()
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Write what is left and end the thread."""
        await self.flush()
        self._entries.put(None)
        await asyncio.to_thread(self._thread.join)

    def _write(self) -> None:
        while (batch := self._next_batch()) is not None:
            try:
                self._commit(batch)
            except sqlite3.Error as error:
                self._failure = self._failure or error
            callbacks = [entry.then for entry in batch if entry.then is not None]
            self._loop.call_soon_threadsafe(_call_all, callbacks)

    def _next_batch(self) -> list[_Entry] | None:
        batch = []
        entry = self._entries.get()
        while entry is not None:
            batch.append(entry)
            if self._entries.empty():
                return batch
            entry = self._entries.get()
        return None

    def _commit(self, batch: list[_Entry]) -> None:
        self._connection.execute("begin immediate")
        try:
            for entry in batch:
                self._connection.execute(entry.statement, entry.values)
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")


def _call_all(callbacks: list[Callable[[], None]]) -> None:
    for callback in callbacks:
        callback()
