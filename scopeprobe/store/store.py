"""The output folder's database and its lock."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from typing import Self, TypeAlias

import msgspec

from scopeprobe.errors import FolderInUse, InputError, StoreError
from scopeprobe.model.answer import Answer, Fact, Issued
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import Cell, CellKey, PermissionMap
from scopeprobe.model.client import ClientName
from scopeprobe.model.journal import Allowance
from scopeprobe.model.question import Question
from scopeprobe.model.run import Run
from scopeprobe.model.scope_names import Scope
from scopeprobe.store.writer import SqliteJournal, encode

DATABASE = "scopeprobe.db"
_LONGEST_QUOTA = 7 * 86400.0
"""Seconds for which used permits are remembered."""

_RESUMABLE = 30 * 86400.0
"""Seconds for which an unfinished run can be resumed."""

_LAST_OF_EACH_CLIENT = """
    select client, {column} from (
        select client, {column}, rank() over (partition by client order by started desc) as age
        from {table} join runs on id = run
        where started < ? and finished is not null
    ) where age = 1
"""
AcceptedSets: TypeAlias = tuple[tuple[Scope, ...], ...]
"""Sets of scopes that were accepted together."""

_question = msgspec.json.Decoder(Question).decode
_answer = msgspec.json.Decoder(Answer).decode
_accepted_sets = msgspec.json.Decoder(AcceptedSets).decode
_RUNS_WITH_SETS = 2
"""Runs of a client whose covers are kept: those that a recheck, or its resume, may need."""

_cells = msgspec.json.Decoder(tuple[Cell, ...]).decode


class Store:
    """All runs of one output folder. Only one process may hold it at a time."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Self]:
        """
        Make the folder private, lock it, and open its database.

        Raises FolderInUse while another audit writes there, InputError where it cannot be used.
        The lock is the kernel's: it ends with its process, however that ends.
        """
        with _locked(_private(folder)), closing(_connection(_database(folder))) as connection:
            yield cls(folder, connection)

    @classmethod
    @contextmanager
    def peek(cls, folder: Path) -> Iterator[Self | None]:
        """Read only, also while an audit writes there; None where no run is stored."""
        database = folder / DATABASE
        if not database.exists():
            yield None
            return
        with closing(_connection(database)) as connection:
            yield cls(folder, connection)

    @classmethod
    @contextmanager
    def read(cls, folder: Path) -> Iterator[Self]:
        """The same. Raises InputError where no run is stored."""
        with cls.peek(folder) as store:
            if store is None:
                raise InputError([f"{folder}: no run is stored here; choose the folder with --out"])
            yield store

    # -- runs

    def begin(self, run: Run) -> None:
        """Store a new run. Facts are kept of runs that may still be resumed."""
        with self._transaction():
            self._connection.execute(
                "insert into runs (id, started, digest, strategy, clients, cells)"
                " values (?, ?, ?, ?, ?, ?)",
                (run.id, run.started, run.digest, run.strategy, run.clients, run.cells),
            )
            self._connection.execute(
                "delete from facts where run in"
                " (select id from runs where complete or started < ?)",
                (run.started - _RESUMABLE,),
            )
            self._connection.execute(
                "delete from spent where at < ?", (time.time() - _LONGEST_QUOTA,)
            )
            self._connection.execute("delete from pauses where until < ?", (time.time(),))

    def finish(
        self,
        run: Run,
        maps: Iterable[PermissionMap],
        accepted_sets: Iterable[tuple[Assignment, AcceptedSets]],
        keep: int,
    ) -> None:
        """Store what a run found out and the sets that prove it; forget all but `keep` runs."""
        found = [(permissions.client, encode(permissions.cells)) for permissions in maps]
        digests = {client: blake2b(cells, digest_size=16).hexdigest() for client, cells in found}
        sets = [
            (run.id, assignment.client.name, assignment.target.label, encode(cover))
            for assignment, cover in accepted_sets
            if cover
        ]
        with self._transaction():
            write = self._connection.executemany
            write("delete from found where run = ?", [(run.id,)])
            write("delete from covers where run = ?", [(run.id,)])
            write("insert into found values (?, ?, ?)", ((run.id, *one) for one in digests.items()))
            write(
                "insert or ignore into findings values (?, ?)",
                ((digests[client], cells) for client, cells in found),
            )
            write("insert into covers values (?, ?, ?, ?)", sets)
            self._connection.execute(
                "update runs set finished = ?, complete = ?, summary = ? where id = ?",
                (run.finished, run.complete, run.summary and run.summary.decode(), run.id),
            )
            self._forget(keep)

    def _forget(self, keep: int) -> None:
        """All but the newest finished runs, and maps that none of those has found."""
        execute = self._connection.execute
        execute(
            "delete from runs where finished is not null and id not in"
            " (select id from runs where finished is not null order by started desc limit ?)",
            (keep,),
        )
        for table in ("found", "facts"):
            execute(f"delete from {table} where run not in (select id from runs)")  # noqa: S608
        execute("delete from findings where map not in (select map from found)")
        execute(
            "delete from covers where run not in (select id from runs) or (run, client) in ("
            " select run, client from (select run, client, dense_rank() over"
            " (partition by client order by started desc) as age"
            " from covers join runs on id = run) where age > ?)",
            (_RUNS_WITH_SETS,),
        )

    def runs(self) -> list[Run]:
        """All of them, the newest first."""
        return _runs(self._connection)

    def last_run(self) -> Run | None:
        return next(iter(_runs(self._connection)), None)

    def run(self, run_id: str) -> Run:
        """Raises InputError where no run of this folder has the id."""
        for run in _runs(self._connection):
            if run.id == run_id:
                return run
        listed = f"`scopeprobe runs -o {self.folder}` lists them"
        raise InputError([f"{self.folder}: there is no run {run_id}; {listed}"])

    def finished_run(self, run_id: str = "last") -> Run:
        """A finished run, or the last of them. Raises InputError where there is none."""
        if run_id != "last":
            return self.run(run_id)
        for run in _runs(self._connection):
            if run.finished is not None:
                return run
        raise InputError([f"{self.folder}: no run was finished here yet"])

    # -- what is known

    def facts(self, run: Run) -> StoredFacts:
        rows = self._connection.execute(
            "select client, audience, question, answer, sent, received from facts"
            " where run = ? order by received",
            (run.id,),
        )
        facts: dict[tuple[str, str], dict[Question, Fact]] = {}
        for client, audience, asked, answered, sent, received in rows:
            fact = Fact(_question(asked), _answer(answered), sent, received)
            facts.setdefault((client, audience), {})[fact.question] = fact
        return StoredFacts(facts, self._connection)

    def maps_before(self, started: float) -> dict[ClientName, PermissionMap]:
        """What was found out last about each client by runs that began before then (epoch)."""
        last = _LAST_OF_EACH_CLIENT.format(table="found", column="map")
        rows = self._connection.execute(
            f"select client, cells from ({last}) join findings using (map)",  # noqa: S608
            (started,),
        )
        return {client: PermissionMap(client, _cells(cells)) for client, cells in rows}

    def accepted_sets_before(self, started: float) -> dict[tuple[ClientName, str], AcceptedSets]:
        """The sets that were accepted by those runs, by client and audience."""
        last = _LAST_OF_EACH_CLIENT.format(table="covers", column="audience, sets")
        rows = self._connection.execute(last, (started,))
        return {(client, audience): _accepted_sets(sets) for client, audience, sets in rows}

    def maps_of(self, run: Run) -> tuple[PermissionMap, ...]:
        """What a run found out, sorted by client."""
        rows = self._connection.execute(
            "select client, cells from found join findings using (map) where run = ?"
            " order by client",
            (run.id,),
        )
        return tuple(PermissionMap(client, _cells(cells)) for client, cells in rows)

    def nights(self, client: ClientName) -> Iterator[tuple[Run, PermissionMap]]:
        """What the finished runs found out about a client, the oldest first."""
        rows = self._connection.execute(
            "select run, cells from found join findings using (map) where client = ?", (client,)
        )
        cells = dict(rows.fetchall())
        for run in reversed(_runs(self._connection)):
            if run.id in cells and run.finished is not None:
                yield run, PermissionMap(client, _cells(cells[run.id]))

    def clients(self) -> list[ClientName]:
        """All clients that finished runs found something out about."""
        rows = self._connection.execute("select distinct client from found order by client")
        return [client for (client,) in rows]

    def proved_by(self, moment: float) -> dict[CellKey, Cell]:
        """
        The last proved finding of every cell, by runs that began before then (epoch).

        A night that proved nothing of a cell hides nothing of it.
        """
        rows = self._connection.execute(
            "select distinct client, map, max(started) from found join runs on id = run"
            " where started < ? and finished is not null group by client, map"
            " order by max(started) desc",
            (moment,),
        ).fetchall()
        proved: dict[CellKey, Cell] = {}
        for _, digest, _ in rows:
            (cells,) = self._connection.execute(
                "select cells from findings where map = ?", (digest,)
            ).fetchone()
            for cell in _cells(cells):
                if cell.is_proved:
                    proved.setdefault(cell.key, cell)
        return proved

    def allowance(self, quota: str) -> Allowance:
        """What was used up of a quota before, and until when its group is to be left alone."""
        return _allowance(self._connection, quota)

    def journal(self, run: Run) -> SqliteJournal:
        return SqliteJournal(self._connection, run.id)

    def quota_journal(self) -> SqliteJournal:
        """A journal of no run, for what is used up of quotas."""
        return SqliteJournal(self._connection, run="")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing. Raises StoreError where it cannot be committed."""
        try:
            self._connection.execute("begin immediate")
            yield
            self._connection.execute("commit")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._connection.execute("rollback")
            raise StoreError(f"{self.folder / DATABASE} cannot be written: {error}") from error


class StoredFacts:
    """What an earlier invocation of a run was told, and what quotas were used up before."""

    def __init__(
        self,
        facts: Mapping[tuple[str, str], Mapping[Question, Fact]],
        connection: sqlite3.Connection,
    ) -> None:
        self._facts = facts
        self._connection = connection

    def __len__(self) -> int:
        return sum(map(len, self._facts.values()))

    @property
    def tokens(self) -> int:
        """How many of the answers issued a token."""
        answers = (fact.answer for facts in self._facts.values() for fact in facts.values())
        return sum(isinstance(answer, Issued) for answer in answers)

    def facts_of(self, assignment: Assignment) -> Mapping[Question, Fact]:
        return self._facts.get((assignment.client.name, assignment.target.label), {})

    def allowance(self, quota: str) -> Allowance:
        return _allowance(self._connection, quota)


def stored_runs(folder: Path) -> list[Run]:
    """All runs of a folder, the newest first, also while an audit writes there."""
    with Store.read(folder) as store:
        return store.runs()


def _allowance(connection: sqlite3.Connection, quota: str) -> Allowance:
    paused = connection.execute("select until from pauses where quota = ?", (quota,))
    spent = connection.execute("select at from spent where quota = ?", (quota,))
    until = paused.fetchone()
    return Allowance(until[0] if until else 0.0, tuple(row[0] for row in spent))


def _runs(connection: sqlite3.Connection) -> list[Run]:
    rows = connection.execute(
        "select id, started, finished, digest, strategy, clients, cells, complete, summary"
        " from runs order by started desc, id desc"
    )
    return [
        Run(
            id=run_id,
            started=started,
            finished=finished,
            digest=digest,
            strategy=strategy,
            clients=clients,
            cells=cells,
            complete=bool(complete),
            summary=summary and summary.encode(),
        )
        for run_id, started, finished, digest, strategy, clients, cells, complete, summary in rows
    ]


def _database(folder: Path) -> Path:
    """The place of the database, made private (0600) before SQLite writes to it."""
    database = folder / DATABASE
    try:
        os.close(os.open(database, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise InputError([f"{database}: cannot be used: {error.strerror}"]) from error
    return database


def _connection(database: Path) -> sqlite3.Connection:
    schema = resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
    try:
        connection = sqlite3.connect(
            database, isolation_level=None, check_same_thread=False, timeout=10
        )
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        connection.executescript(schema)
    except sqlite3.Error as error:
        raise InputError([f"{database}: cannot be used: {error}"]) from error
    return connection


def _private(folder: Path) -> Path:
    """
    Make the folder ours alone (0700).

    A folder that many things live in stays as it is: a permission map does not turn somebody's
    home, the directory they stand in, or /tmp into a private place.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shared = {Path.cwd(), Path.home(), *Path.cwd().parents, *Path.home().parents}
        state = folder.stat()
        is_ours = state.st_uid == os.geteuid() and not state.st_mode & stat.S_ISVTX
        if is_ours and folder.resolve() not in shared:
            folder.chmod(0o700)
    except OSError as error:
        raise InputError([f"{folder}: cannot be used: {error.strerror}"]) from error
    return folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, or raise FolderInUse."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            complaint = (
                f"{folder}: another audit is writing here; wait for it with --wait, or choose"
                " another --out"
            )
            raise FolderInUse([complaint]) from None
        yield
    finally:
        os.close(descriptor)
