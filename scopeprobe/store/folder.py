"""The output folder of one writer: private, locked, with the file of its database."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from scopeprobe.errors import FolderInUse, InputError

DATABASE = "scopeprobe.db"
LOGS = ("", "-wal", "-shm", "-journal")
"""Endings of the files that SQLite has for a database, its own among them."""


@contextmanager
def locked_folder(folder: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """
    Hold the folder alone, made private; gives the place of its database, made private too.

    Beside it, what deserves a look. Raises FolderInUse while another audit writes there,
    InputError where it cannot be used. The lock is the kernel's: it ends with its process, however
    that ends.
    """
    notices = _made_private(folder)
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
        database = folder / DATABASE
        with usable(database):  # 0600 before SQLite writes to it
            _make_database_private(database)
        yield database, notices
    finally:
        os.close(descriptor)


def _make_database_private(database: Path) -> None:
    """Make the file if it is not there. Neither it nor its logs may lead elsewhere."""
    for suffix in LOGS:
        if Path(f"{database}{suffix}").is_symlink():
            raise OSError(errno.ELOOP, f"{database.name}{suffix} is a link")
    flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(database, flags, 0o600)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def discard_store(folder: Path, *, and_folder: bool) -> None:
    """
    Remove a database that has no run, and its folder where nothing else is in it.

    Raises InputError where it cannot be removed, FolderInUse while an audit writes there.
    """
    with locked_folder(folder) as (database, _), usable(database):
        with closing(sqlite3.connect(database)) as connection:
            (has_runs,) = connection.execute("select exists (select 1 from runs)").fetchone()
        if has_runs:
            return
        for ending in LOGS:
            Path(f"{database}{ending}").unlink(missing_ok=True)
        if and_folder and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Raise InputError in the place of what the system or SQLite say of a folder or file."""
    try:
        yield
    except OSError as error:
        told = f"{path}: cannot be used: {error.strerror}; choose another folder with --out"
        raise InputError([told]) from error
    except sqlite3.Error as error:
        text = damaged(path, error) if _is_damage(error) else f"{path}: cannot be used: {error}"
        raise InputError([text]) from error


def why_not_written(database: Path, error: sqlite3.Error) -> str:
    return (
        damaged(database, error) if _is_damage(error) else f"{database}: cannot be written: {error}"
    )


def file_at(path: Path) -> tuple[int, int] | None:
    """Which file stands there, whatever its name was before; None: none does."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


def damaged(database: Path, error: Exception) -> str:
    """What to tell of a database that cannot be read, and what can be done about it."""
    return (
        f"{database}: is damaged ({error}); put a backup in its place, try `sqlite3 {database}"
        " .recover`, or move it away to begin anew without history"
    )


def _is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }


def _made_private(folder: Path) -> tuple[str, ...]:
    """
    Let nobody else into the folder (0700), and say where that cannot be.

    A folder that many things live in stays as it is: a permission map does not turn somebody's
    home, the directory they stand in, or /tmp into a private place. Raises InputError for a folder
    of another user, who could put links there; root is nobody to be kept out.
    """
    with usable(folder):
        for missing in reversed([path for path in folder.parents if not path.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)  # whatever the umask would give others
        folder.mkdir(mode=0o700, exist_ok=True)
        shared = {Path.cwd(), Path.home(), *Path.cwd().parents, *Path.home().parents}
        state = folder.stat()
        is_ours = state.st_uid == os.geteuid()
        if is_ours and not state.st_mode & stat.S_ISVTX and folder.resolve() not in shared:
            folder.chmod(0o700)
            return ()
    if not is_ours and state.st_uid != 0:
        owner = f"{folder}: belongs to another user ({state.st_uid})"
        if os.geteuid() != 0:
            raise InputError([f"{owner}, who could change what is written; choose another --out"])
        return (f"{owner}, who can read and change what is written",)
    if state.st_mode & stat.S_IWOTH:
        return (f"{folder}: anybody may write here; choose a folder of your own with --out",)
    return ()
