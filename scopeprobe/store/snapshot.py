"""A database as a copy without a name: its folder keeps every file and byte."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from scopeprobe.errors import InputError
from scopeprobe.store.folder import usable
from scopeprobe.store.migrations import migrate

_TRIES = 20
"""Readings that checkpoints may spoil before a reader gives up."""
_WAL_HEADER = 32
"""Bytes of the header of a write-ahead log (https://sqlite.org/fileformat2.html#walformat)."""
_LAST_READ_LOCK = 127
"""One of the bytes that its readers lock (https://sqlite.org/walformat.html#wal_locks)."""


def snapshot(database: Path) -> sqlite3.Connection:
    """
    All that is committed, in the newest layout; also while an audit writes there.

    SQLite makes files beside a database with a write-ahead log, and changes those that are there,
    also for a reader. So it never opens this one: its files are copied, and the copy has no name
    any more once it is open. A process that has the database open itself must not do that, since
    closing a file ends its own locks on it.

    Raises InputError where the database cannot be read, or is of a newer version.
    """
    with (
        ExitStack() as on_failure,
        usable(database),
        TemporaryDirectory(prefix="scopeprobe-") as folder,
    ):
        _copy(database, Path(folder))
        copy = sqlite3.connect(Path(folder, database.name), isolation_level=None)
        on_failure.callback(copy.close)
        copy.execute("pragma journal_mode = delete")  # database and logs become one file
        copy.execute("pragma journal_mode = memory")
        copy.execute("pragma temp_store = memory")
        migrate(copy, database)
        on_failure.pop_all()
    return copy


def _copy(database: Path, folder: Path) -> None:
    """
    Copy the database and its logs as they belong together; none of them is empty.

    A log is read after the database: it then has all that a checkpoint changed there meanwhile.
    Raises InputError where a checkpoint was completed during every reading.
    """
    for _ in range(_TRIES):
        with _log_held(database):
            before = _generation(database)
            copies = [folder / database.name]
            copyfile(database, copies[0])
            for log in _logs(database):
                with suppress(FileNotFoundError):
                    copyfile(log, folder / log.name)
                    copies.append(folder / log.name)
            if _generation(database) == before:
                for copy in copies:
                    if not copy.stat().st_size:
                        copy.unlink()
                return
        for copy in copies:
            copy.unlink()
    raise InputError([f"{database}: an audit is changing it all the time; try again"])


@contextmanager
def _log_held(database: Path) -> Iterator[None]:
    """Keep a running audit from beginning its write-ahead log again, as readers of SQLite do."""
    with ExitStack() as held:
        with suppress(FileNotFoundError):
            index = held.enter_context(Path(f"{database}-shm").open("rb"))
            fcntl.lockf(index, fcntl.LOCK_SH, 1, _LAST_READ_LOCK)
        yield


def _generation(database: Path) -> object:
    """
    What changes once a reading begun before may not be whole.

    A write-ahead log is appended to until all of it is in the database; then it is begun again
    with other salts in its header, or removed. Where there is none, the database itself changes.
    """
    wal, journal = _logs(database)
    with suppress(FileNotFoundError), wal.open("rb") as file:
        if header := file.read(_WAL_HEADER):
            return header
    states = [path.stat() for path in (database, journal) if path.exists()]
    return [(state.st_ino, state.st_size, state.st_mtime_ns) for state in states]


def _logs(database: Path) -> tuple[Path, Path]:
    """The write-ahead log; the rollback journal of file systems that cannot have such a log."""
    return Path(f"{database}-wal"), Path(f"{database}-journal")
