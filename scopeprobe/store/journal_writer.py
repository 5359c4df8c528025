"""The journal: a thread of its own commits what the event loop puts into it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple, Never, TypeAlias

import msgspec

from scopeprobe.errors import FolderGone, StoreError
from scopeprobe.model.answer import Fact
from scopeprobe.model.assignment import Assignment
from scopeprobe.store.folder import file_at, why_not_written

BUSY = 4
"""Answers of one batch from which on the thread waits for more of them."""
REST = 0.01
"""Seconds that it waits; a crash costs the answers of that time."""

_MOST_ROWS = 64
"""Of one statement: SQLite lets the event loop go on while it steps, and holds it up after each."""

encode = msgspec.json.Encoder().encode


class Statement(StrEnum):
    """What an entry does with its values."""

    PUT = "insert or replace into facts values (?, ?, ?, ?, ?, ?, ?)"
    USED = "insert into used_permits values (?, ?)"
    PAUSED = "insert or replace into pauses values (?, ?)"
    READ = "update runs set digest = ?, cells = ? where id = ?"
    FAILED = "insert or replace into failures values (?, ?, ?)"

    def for_rows(self, count: int) -> str:
        """The same for several rows at once; for more than one, it has to be an insert."""
        values = self[self.rfind("(") :]
        return ", ".join([self, *[values] * (count - 1)])


Row: TypeAlias = tuple[Statement, tuple[object, ...]]


class Entry(NamedTuple):
    row: Row | None
    """None writes nothing: `then` is called once all entries before are written."""
    then: Callable[[], None] | None = None


_NOTHING = Entry(None)
"""Wakes the thread."""


class JournalEntries(ABC):
    """Turns what is to be stored of a run into entries of its journal."""

    def __init__(self, run: str) -> None:
        self.run = run

    @abstractmethod
    def _enter(self, entry: Entry) -> None:
        """Have it written, and call back."""

    @abstractmethod
    def _check(self) -> None:
        """Raise why nothing more is written."""

    def put(self, assignment: Assignment, fact: Fact, then: Callable[[], None]) -> None:
        self._check()
        key = (self.run, assignment.client.name, assignment.target.label, encode(fact.question))
        values = (*key, encode(fact.answer), fact.sent, fact.received)
        self._enter(Entry((Statement.PUT, values), then))

    def note_sent(self, quota: str, at: float) -> None:
        self._enter(Entry((Statement.USED, (quota, at))))

    def note_pause(self, quota: str, until: float) -> None:
        self._enter(Entry((Statement.PAUSED, (quota, until))))

    def note_failures(self, registration: str, count: int) -> None:
        self._enter(Entry((Statement.FAILED, (self.run, registration, count))))

    async def flush(self) -> None:
        written = asyncio.Event()
        self._enter(Entry(None, written.set))
        await written.wait()
        self._check()


class SqliteJournal(JournalEntries):
    """
    Commits entries in batches: all that were put in since the last commit.

    While there are few, every answer is committed at once. Callbacks run on the event loop, in
    the order of the puts. After the first failure, of a commit or of a callback, nothing more is
    written or counts, and `failure` raises it: who waits for an answer would wait for ever.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        run: str,
        database: Path,
        file: tuple[int, int] | None,
    ) -> None:
        """`file` is which file the database is: another may come to stand in its place."""
        self._connection = connection
        self._database = database
        self._file = file
        super().__init__(run)
        self._entries: SimpleQueue[Entry | None] = SimpleQueue()
        self._failures: dict[str, int] = {}
        """By registration, what the thread is to store next: only the last count of each."""
        self._is_told_of_failures = False
        """The thread was woken for them, and has not begun to take them."""
        self._loop = asyncio.get_running_loop()
        self._failure: Exception | None = None
        self._failed = asyncio.Event()
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def _enter(self, entry: Entry) -> None:
        self._entries.put(entry)

    def take(self, rows: Sequence[Row], then: Callable[[], None]) -> None:
        """Commit the rows of entries that were made elsewhere, then call back."""
        self._check()
        for row in rows:
            self._enter(Entry(row))

        def unless_it_failed() -> None:
            if self._failure is None:
                then()

        self._enter(Entry(None, unless_it_failed))

    def note_failures(self, registration: str, count: int) -> None:
        self._failures[registration] = count
        if not self._is_told_of_failures:
            self._is_told_of_failures = True
            self._enter(_NOTHING)

    def note_inputs(self, digest: str, cells: int) -> None:
        """Store what the run's inputs are, now that more metadata was read."""
        self._enter(Entry((Statement.READ, (digest, cells, self.run))))

    async def failure(self) -> Never:
        """Wait until nothing more can be written, or counted, and raise why."""
        await self._failed.wait()
        self._check()
        raise AssertionError  # it has failed

    def close(self) -> None:
        """Write what is left and wait for the end of the thread."""
        self._entries.put(None)
        self._thread.join()

    def _check(self) -> None:
        """Raise StoreError once a commit has failed, or what a callback or the thread raised."""
        if isinstance(self._failure, sqlite3.DatabaseError):
            raise StoreError(why_not_written(self._database, self._failure)) from self._failure
        if self._failure is not None:
            raise self._failure

    def _write(self) -> None:
        is_open = True
        while is_open:
            batch: list[Entry] = []
            while (entry := self._entries.get()) is not None:
                batch.append(entry)
                if self._entries.empty():
                    break
            is_open = entry is not None
            failure = self._failure
            try:
                if failure is None:
                    self._commit(batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, `failure` raises it
                failure = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._call_back, batch, failure)
            if is_open and sum(entry.then is not None for entry in batch) >= BUSY:
                time.sleep(REST)

    def _commit(self, batch: list[Entry]) -> None:
        """Commit a batch as a whole. Raises FolderGone where nobody would find it again."""
        if file_at(self._database) != self._file:
            raise FolderGone(self._database.parent)
        rows: dict[Statement, list[tuple[object, ...]]] = {}
        self._is_told_of_failures = False  # before they are taken: what comes later wakes it anew
        while self._failures:
            rows.setdefault(Statement.FAILED, []).append((self.run, *self._failures.popitem()))
        for entry in batch:
            if entry.row is not None:
                statement, values = entry.row
                rows.setdefault(statement, []).append(values)
        try:
            self._connection.execute("begin immediate")
            for statement, several in rows.items():
                most = 1 if statement is Statement.READ else _MOST_ROWS
                for some in _portions(several, most):
                    self._connection.execute(statement.for_rows(len(some)), [*chain(*some)])
            self._connection.execute("commit")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("rollback")
            raise

    def _call_back(self, batch: list[Entry], failure: Exception | None) -> None:
        """Call what is committed, and entries that write nothing: those have somebody waiting."""
        if failure is not None:
            self._fail(failure)
        for entry in batch:
            if entry.then is None or (self._failure is not None and entry.row is not None):
                continue
            try:
                entry.then()
            except Exception as error:  # noqa: BLE001 - whatever it is, `failure` raises it
                self._fail(error)

    def _fail(self, failure: Exception) -> None:
        self._failure = self._failure or failure
        self._failed.set()


def _portions(
    rows: Sequence[tuple[object, ...]], most: int
) -> Iterator[Sequence[tuple[object, ...]]]:
    """Of a power of two each, the largest first: statements of few sizes are prepared once each."""
    while rows:
        size = min(most, 1 << (len(rows).bit_length() - 1))
        yield rows[:size]
        rows = rows[size:]
