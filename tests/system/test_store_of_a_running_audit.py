"""A database is read while another process writes to it as fast as it can."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from bound import bound

from scopeprobe.store import Store, snapshot

WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("pragma synchronous = off")
connection.execute("pragma wal_autocheckpoint = 100")
n = 0
while True:
    n += 1
    connection.execute("begin immediate")
    connection.execute("insert into pauses values (?, 1.0)", (f"{n} {'x' * 900}",))
    connection.execute("insert into used_permits values (?, 1.0)", (f"{n} {'y' * 900}",))
    connection.execute("commit")
    print(n, flush=True)
"""
A_CYCLE = 100
"""Commits in which the writer begins its write-ahead log again at least once."""


def test_a_slow_reader_has_a_whole_copy_at_its_first_try(tmp_path, monkeypatch):
    """Both tables are written to together; the log does not begin again below a reader."""
    with Store.open(tmp_path):
        pass
    database, committed = tmp_path / "scopeprobe.db", 0

    def wait_for(commits: int) -> None:
        nonlocal committed
        for _ in range(commits):
            committed = int(writer.stdout.readline())

    def read_bytes_slowly(file: Path) -> bytes:
        with file.open("rb") as opened:
            content = opened.read()
        wait_for(A_CYCLE)
        return content

    monkeypatch.setattr(snapshot, "_TRIES", 1)
    monkeypatch.setattr(Path, "read_bytes", read_bytes_slowly)
    with subprocess.Popen(
        bound([sys.executable, "-c", WRITER, database]), stdout=subprocess.PIPE, text=True
    ) as writer:
        try:
            for _ in range(2):
                wait_for(A_CYCLE)
                before = committed
                with closing(snapshot.snapshot(database)) as copy:
                    pauses, permits = copy.execute(
                        "select (select count(*) from pauses), (select count(*) from used_permits)"
                    ).fetchone()
                    assert copy.execute("pragma integrity_check").fetchall() == [("ok",)]
                assert pauses == permits >= before
        finally:
            writer.kill()
