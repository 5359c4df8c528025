"""The output folder of one writer: private, locked, with the file of its database."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from scopeprobe.errors import FolderInUse, InputError

DATABASE = "scopeprobe.db"


@contextmanager
def locked_folder(folder: Path) -> Iterator[Path]:
    """
    Hold the folder alone, made private; gives the place of its database, made private too.

    Raises FolderInUse while another audit writes there, InputError where it cannot be used.
    The lock is the kernel's: it ends with its process, however that ends.
    """
    _make_private(folder)
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
            os.close(os.open(database, os.O_CREAT | os.O_RDWR, 0o600))
        yield database
    finally:
        os.close(descriptor)


def discard_store(folder: Path, *, and_folder: bool) -> None:
    """
    Remove a database that has no run, and its folder where nothing else is in it.

    Raises InputError where it cannot be removed, FolderInUse while an audit writes there.
    """
    with locked_folder(folder) as database, usable(database):
        with closing(sqlite3.connect(database)) as connection:
            (has_runs,) = connection.execute("select exists (select 1 from runs)").fetchone()
        if has_runs:
            return
        for ending in ("", "-wal", "-shm", "-journal"):
            Path(f"{database}{ending}").unlink(missing_ok=True)
        if and_folder and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Raise InputError in the place of what the system or SQLite say of a folder or file."""
    try:
        yield
    except OSError as error:
        raise InputError([f"{path}: cannot be used: {error.strerror}"]) from error
    except sqlite3.Error as error:
        raise InputError([f"{path}: cannot be used: {error}"]) from error


def _make_private(folder: Path) -> None:
    """
    Let nobody else into the folder (0700).

    A folder that many things live in stays as it is: a permission map does not turn somebody's
    home, the directory they stand in, or /tmp into a private place.
    """
    with usable(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shared = {Path.cwd(), Path.home(), *Path.cwd().parents, *Path.home().parents}
        state = folder.stat()
        is_ours = state.st_uid == os.geteuid() and not state.st_mode & stat.S_ISVTX
        if is_ours and folder.resolve() not in shared:
            folder.chmod(0o700)
