"""The store of one output folder while an audit writes to it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Self

from scopeprobe.errors import StoreError
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.packed import PackedMap
from scopeprobe.model.question import Question
from scopeprobe.model.run import Run
from scopeprobe.store.folder import DATABASE, file_at, locked_folder, usable, why_not_written
from scopeprobe.store.journal_writer import SqliteJournal, Statement, encode
from scopeprobe.store.migrations import migrate
from scopeprobe.store.nameless_file import NamelessFile
from scopeprobe.store.stored_runs import EXPLANATION, AcceptedSets, StoredRuns

SECONDS_FOR_A_LOCK = 8.0
"""For which another process may hold the database before a commit fails."""
_DAY = 86400.0
_LONGEST_QUOTA = 7 * _DAY
"""Seconds for which used permits are remembered."""
_RESUMABLE = 30 * _DAY
"""Seconds for which an unfinished run can be resumed."""
_ALWAYS_RESUMABLE = 3
"""Newest runs that can be resumed whatever the clock says."""
_RUNS_WITH_SETS = 2
"""Runs of a client whose accepted sets are kept: those that a recheck, or its resume, may need."""


class Store(StoredRuns):
    """All runs of one output folder, to be read and written. One process at a time holds it."""

    notices: tuple[str, ...] = ()
    """What deserves a look about the folder."""
    file: tuple[int, int] | None = None
    """Which file its database is."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        super().__init__(folder, connection)
        self._found, self._stored = NamelessFile(folder), NamelessFile(folder)
        self._is_left_open = False

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Self]:
        """
        Make the folder private, lock it, and open its database in the newest layout.

        Raises FolderInUse while another audit writes there, InputError where it cannot be used.
        """
        with locked_folder(folder) as (database, notices), ExitStack() as at_end:
            with usable(database):
                connection = sqlite3.connect(
                    database,
                    isolation_level=None,
                    check_same_thread=False,
                    timeout=SECONDS_FOR_A_LOCK,
                )
                store = cls(folder, connection)
                at_end.callback(store._close)
                connection.execute("pragma journal_mode = wal")
                connection.execute("pragma synchronous = normal")
                migrate(connection, database)
            store.notices = notices
            store.file = file_at(database)
            yield store

    def leave_open(self) -> None:
        """
        Somebody who does not come to an end may be using it: to close it now would crash.

        What SQLite holds of it ends with the last who uses it; another audit may write there.
        """
        self._is_left_open = True

    def _close(self) -> None:
        if not self._is_left_open:
            self._stored.close()
            self._connection.close()

    def held(self, permissions: PermissionMap) -> PackedMap:
        """Out of memory until the store is closed, and then no more."""
        return self._stored.put(permissions)

    def held_on(self, permissions: PermissionMap) -> PackedMap:
        """Out of memory, also when the store is closed."""
        return self._found.put(permissions)

    def begin(self, run: Run) -> None:
        """
        Store a new run. Facts are kept of runs that may still be resumed.

        Nothing is deleted because of one night's clock alone: it may be wrong.
        """
        with self._transaction() as connection:
            _bring_back_from_the_future(connection, run.started)
            connection.execute(
                "insert into runs (id, started, digest, strategy, clients, cells)"
                " values (?, ?, ?, ?, ?, ?)",
                (run.id, run.started, run.digest, run.strategy, run.clients, run.cells),
            )
            for table in ("facts", "failures"):
                connection.execute(
                    f"delete from {table} where run in (select id from runs where complete"  # noqa: S608 - our own words
                    " or (started < ? and rowid < (select max(rowid) from runs) - ?))",
                    (run.started - _RESUMABLE, _ALWAYS_RESUMABLE),
                )
            connection.execute(
                "delete from failures where run like ? and run < ?",
                (f"{EXPLANATION}%", f"{EXPLANATION}{run.started - _DAY:.6f}"),
            )
            connection.execute(
                "delete from used_permits where at < (select max(at) from used_permits) - ?",
                (_LONGEST_QUOTA,),
            )
            connection.execute("delete from pauses where until < ?", (time.time(),))

    def journal(self, run: Run) -> SqliteJournal:
        return SqliteJournal(self._connection, run.id, self.folder / DATABASE, self.file)

    def finish(
        self,
        run: Run,
        maps: Iterable[PermissionMap],
        accepted_sets: Iterable[tuple[Assignment, AcceptedSets]],
        last_successes: Iterable[tuple[Assignment, Question, bool]] = (),
        *,
        written_files: Mapping[str, str],
        keep: int,
    ) -> None:
        """
        Store what a run found out and what proved it; forget all but `keep` runs.

        `written_files` are all that this folder's runs wrote for clients, with their digests.
        """
        with self._transaction() as connection:
            connection.execute("delete from maps_of_runs where run = ?", (run.id,))
            for one in map(PackedMap.of, maps):
                packed = one.packed
                digest = blake2b(packed, digest_size=16).hexdigest()
                told = one.registration and encode(one.registration)
                connection.execute(
                    "insert into maps_of_runs values (?, ?, ?, ?)",
                    (run.id, one.client, digest, told),
                )
                connection.execute(
                    "insert or ignore into permission_maps values (?, ?)", (digest, packed)
                )
            connection.execute("delete from accepted_sets where run = ?", (run.id,))
            connection.executemany(
                "insert into accepted_sets values (?, ?, ?, ?)",
                (
                    (run.id, assignment.client.name, assignment.target.label, encode(sets))
                    for assignment, sets in accepted_sets
                    if sets
                ),
            )
            connection.execute("delete from last_successes where run = ?", (run.id,))
            connection.executemany(
                "insert into last_successes values (?, ?, ?, ?, ?)",
                (
                    (run.id, one.client.name, one.target.label, encode(question), needs_scope)
                    for one, question, needs_scope in last_successes
                ),
            )
            connection.execute("delete from written_files")
            connection.executemany("insert into written_files values (?, ?)", written_files.items())
            connection.execute(
                "update runs set finished = ?, complete = ?, summary = ? where id = ?",
                (run.finished, run.complete, run.summary and run.summary.decode(), run.id),
            )
            _forget(connection, keep)

    def remember_quotas(
        self, sent: Iterable[tuple[str, float]], pauses: Mapping[str, float]
    ) -> None:
        """Store what an explanation used up, by quota: requests and when, and pauses to when."""
        with self._transaction() as connection:
            connection.executemany(Statement.USED, sent)
            connection.executemany(Statement.PAUSED, pauses.items())

    def remember_failures(self, begun: float, counts: Mapping[str, int]) -> None:
        """
        Store how many requests in a row an explanation may have failed to authenticate.

        By registration. It began then (epoch), with what was counted before; none is left where it
        was issued a token, also of runs that may still be resumed.
        """
        with self._transaction() as connection:
            connection.executemany(
                "insert or replace into failures values (?, ?, ?)",
                ((f"{EXPLANATION}{begun:.6f}", name, count) for name, count in counts.items()),
            )
            connection.executemany(
                "update failures set count = 0 where registration = ?",
                ((name,) for name, count in counts.items() if not count),
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. Raises StoreError where it cannot be committed."""
        try:
            self._connection.execute("begin immediate")
            yield self._connection
            self._connection.execute("commit")
        except BaseException as error:
            with suppress(sqlite3.Error):
                self._connection.execute("rollback")
            if isinstance(error, sqlite3.Error):
                raise StoreError(why_not_written(self.folder / DATABASE, error)) from error
            raise


def _bring_back_from_the_future(connection: sqlite3.Connection, now: float) -> None:
    """
    Date what a clock that was ahead dated after now just before it, in the order in which it came.

    Otherwise that run would be the last one, what it used of quotas be used, and who failed to
    authenticate be left alone, until then.
    """
    future = connection.execute(
        "select id from runs where started > ? order by rowid", (now,)
    ).fetchall()
    (before,) = connection.execute(
        "select max(started) from runs where started <= ?", (now,)
    ).fetchone()
    for run_id, moment in zip(future, _moments_between(before, now, len(future)), strict=True):
        connection.execute(
            "update runs set started = ?, finished = min(finished, ?) where id = ?",
            (moment, now, *run_id),
        )
    connection.execute("update used_permits set at = ? where at > ?", (now, now))
    connection.execute(
        "update pauses set until = ? where until > ?", (now + _DAY, now + _LONGEST_QUOTA)
    )
    explained = connection.execute(
        "select distinct run from failures where run like ? and run > ? order by run",
        (f"{EXPLANATION}%", f"{EXPLANATION}{now:.6f}"),
    ).fetchall()
    for run, moment in zip(explained, _moments_between(None, now, len(explained)), strict=True):
        connection.execute(
            "update or replace failures set run = ? where run = ?",
            (f"{EXPLANATION}{moment:.6f}", *run),
        )


def _moments_between(before: float | None, now: float, count: int) -> list[float]:
    """So many, a second apart or as far as there is room."""
    step = 1.0 if before is None else min(1.0, (now - before) / (count + 1))
    return [now - step * age for age in range(count, 0, -1)]


def _forget(connection: sqlite3.Connection, keep: int) -> None:
    """Delete all but the newest finished runs, and what only the others had."""
    connection.execute(
        "delete from runs where finished is not null and id not in"
        " (select id from runs where finished is not null order by started desc limit ?)",
        (keep,),
    )
    for table in ("facts", "failures", "last_successes", "maps_of_runs"):
        connection.execute(
            f"delete from {table} where run not in (select id from runs)"  # noqa: S608
            " and run not like ?",
            (f"{EXPLANATION}%",),
        )
    connection.execute(
        "delete from permission_maps where map not in (select map from maps_of_runs)"
    )
    connection.execute(
        """
        delete from accepted_sets where run not in (select id from runs) or (run, client) in (
            select run, client from (
                select run, client,
                    dense_rank() over (partition by client order by started desc) as age
                from accepted_sets join runs on id = run
            ) where age > ?
        )
        """,
        (_RUNS_WITH_SETS,),
    )
