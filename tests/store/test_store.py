"""The database of a folder: readers leave it as it is, writers bring its layout up to date."""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import tempfile
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from harness import summary, verdicts

from scopeprobe.cli import main
from scopeprobe.errors import InputError, StoreError
from scopeprobe.model.answer import Fact, Issued
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.cell import Cell, Evidence, PermissionMap, Reason, Verdict
from scopeprobe.model.client import ClientName, Target
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.model.run import Run
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import ClientId
from scopeprobe.store import Store, StoredRuns, migrations, snapshot
from scopeprobe.store import store as store_module
from scopeprobe.store.journal_writer import Statement

VERSION_0 = Path(__file__).parents[1] / "data/store/version-0.db"
"""
What the program before migrations.py left of three audits of three clients: two that ended, between
which client `two` lost a.read and gained b.write, and one that was killed while a server throttled.
"""
FIRST, SECOND, KILLED = "20261126T140151Z-d064", "20261126T140158Z-0aed", "20261126T140206Z-4267"
NOBODY = 65534

CLIENTS = """
[servers.corp]
token_endpoint = "https://login.example/token"
[[clients]]
name = "two"
server = "corp"
client_id = "two"
client_secret = { env = "HOME" }
scopes = ["a.read", "b.write"]
"""


@pytest.fixture
def old(tmp_path):
    """An output folder as the program of version 0 left it."""
    folder = tmp_path / "out"
    folder.mkdir()
    shutil.copy(VERSION_0, folder / "scopeprobe.db")
    (folder / "clients.toml").write_text(CLIENTS)
    return folder


@pytest.fixture
def new(old):
    """The same after a program of today has written to it."""
    with Store.open(old):
        return old


@pytest.fixture(params=["version 0", "newest", "crashed", "version 0, crashed"])
def stored(request, tmp_path, capsys):
    """A folder in each state that readers meet: with a write-ahead log where an audit crashed."""
    folder, writers = tmp_path / "stored", tmp_path / "writers"
    folder.mkdir()
    writers.mkdir()
    shutil.copy(VERSION_0, writers / "scopeprobe.db")
    if "version 0" not in request.param:
        with Store.open(writers):
            pass
    with closing(sqlite3.connect(writers / "scopeprobe.db", isolation_level=None)) as connection:
        if "crashed" in request.param:
            connection.execute("update runs set cells = 13 where id = ?", (KILLED,))
        for file in writers.iterdir():
            shutil.copy(file, folder)
    logs = [file.name for file in folder.iterdir() if file.name.endswith("-wal")]
    assert bool(logs) == ("crashed" in request.param)
    (folder / "clients.toml").write_text(CLIENTS)
    printed(capsys, "baseline", "write", "-o", folder)
    return folder


def state(folder: Path) -> dict[str, object]:
    """All that a writer would change: a file that came and went changes its folder's time."""
    return {
        str(path): (path.stat().st_mtime_ns, path.is_dir() or path.read_bytes())
        for path in (folder, *folder.rglob("*"))
    }


def layout(database: Path) -> dict[str, object]:
    with closing(sqlite3.connect(database)) as connection:
        tables = connection.execute(
            "select name, wr, strict from pragma_table_list where schema = 'main'"
        ).fetchall()
        return {
            name: (
                without_rowid,
                strict,
                connection.execute(f"pragma table_info({name})").fetchall(),
                [
                    (unique, origin, connection.execute(f"pragma index_info({index})").fetchall())
                    for _, index, unique, origin, _ in connection.execute(
                        f"pragma index_list({name})"
                    ).fetchall()
                ],
            )
            for name, without_rowid, strict in tables
            if not name.startswith("sqlite_")
        }


def version(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True)) as connection:
        return connection.execute("pragma user_version").fetchone()[0]


def printed(capsys, *words: object) -> str:
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out


READERS = {
    "runs": ["runs"],
    "history": ["history", "two"],
    "diff": ["diff", FIRST, "last"],
    "report": ["report", FIRST, "--print", "markdown"],
    "plan": ["plan", "{clients}", "--print", "json"],
    "baseline show": ["baseline", "show"],
}


def words_of(reader: str, folder: Path) -> list[str]:
    words = [word.format(clients=folder / "clients.toml") for word in READERS[reader]]
    return [*words, "-o", str(folder)]


# -- readers


@pytest.mark.parametrize("reader", READERS)
def test_a_command_that_only_reads_leaves_its_folder_as_it_is(reader, stored, capsys):
    before = state(stored)
    printed(capsys, *words_of(reader, stored))
    assert state(stored) == before


@pytest.mark.parametrize("reader", READERS)
def test_a_folder_that_cannot_be_written_to_can_be_read(reader, stored, capsys):
    expected = printed(capsys, *words_of(reader, stored))
    with read_only_copy(stored) as folder:
        assert not os.access(folder, os.W_OK, effective_ids=True)
        assert printed(capsys, *words_of(reader, folder)) == expected


@contextmanager
def read_only_copy(folder: Path) -> Iterator[Path]:
    """A copy that its owner may not change, with that owner at work: modes do not bind root."""
    user = os.geteuid() or NOBODY
    copy = Path(tempfile.mkdtemp(), "out")  # tmp_path is of one user alone
    shutil.copytree(folder, copy)
    try:
        for path in (*copy.iterdir(), copy, copy.parent):
            os.chown(path, user, -1)
            path.chmod(0o500 if path.is_dir() else 0o400)
        before = os.geteuid()
        os.seteuid(user)
        try:
            yield copy
        finally:
            os.seteuid(before)
    finally:
        copy.parent.chmod(0o700)
        copy.chmod(0o700)
        shutil.rmtree(copy.parent)


def test_what_a_crashed_audit_had_committed_is_read(stored):
    is_changed = Path(stored / "scopeprobe.db-wal").exists()
    with StoredRuns.read(stored) as runs:
        assert [run.id for run in runs.runs()] == [KILLED, SECOND, FIRST]
        assert runs.run(KILLED).cells == (13 if is_changed else 12)
        assert len(runs.facts(runs.run(KILLED))) == 4


def test_a_copy_is_whole_while_an_audit_writes(tmp_path):
    """Of two tables that are written to together none is ever ahead of the other."""
    ends = threading.Event()
    with Store.open(tmp_path / "out"):
        pass
    database = tmp_path / "out/scopeprobe.db"

    def write() -> None:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("pragma synchronous = off")
            connection.execute("pragma wal_autocheckpoint = 50")
            for n in count():
                connection.execute("begin immediate")
                connection.execute("insert into pauses values (?, 1.0)", (f"{n} {'x' * 900}",))
                connection.execute("insert into used_permits values (?, 1.0)", ("y" * 900,))
                connection.execute("commit")
                if ends.wait(0.001):
                    return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        last = 0
        for _ in range(40):
            with closing(snapshot.snapshot(database)) as copy:
                counts = copy.execute(
                    "select (select count(*) from pauses), (select count(*) from used_permits)"
                ).fetchone()
                assert copy.execute("pragma integrity_check").fetchall() == [("ok",)]
            assert counts[0] == counts[1]
            assert counts[0] >= last
            last = counts[0]
    finally:
        ends.set()
        writer.join()
    assert last


def test_a_database_that_is_changed_while_it_is_read_is_read_again(new, monkeypatch):
    """The writer ends between the readings of database and log, and removes the log."""
    writer = sqlite3.connect(new / "scopeprobe.db", isolation_level=None)
    writer.execute("update runs set cells = 13 where id = ?", (KILLED,))
    read = []

    def copyfile(file: Path, copy: Path) -> None:
        shutil.copyfile(file, copy)
        read.append(file.name)
        writer.close()

    monkeypatch.setattr(snapshot, "copyfile", copyfile)
    with StoredRuns.read(new) as runs:
        assert runs.run(KILLED).cells == 13
    assert read == ["scopeprobe.db", "scopeprobe.db"]


def test_an_audit_that_never_rests_ends_the_reader_with_a_message(new, monkeypatch):
    generations = count()
    monkeypatch.setattr(snapshot, "_generation", lambda _database: next(generations))
    with pytest.raises(InputError, match=r"scopeprobe\.db: an audit is changing it all the time"):
        StoredRuns.read(new).__enter__()


def test_a_half_written_commit_of_a_rollback_journal_is_undone_in_the_copy(tmp_path, monkeypatch):
    """SQLite falls back to such journals where a file system cannot have a write-ahead log."""
    (tmp_path / "writer").mkdir()
    (tmp_path / "crashed").mkdir()
    with closing(sqlite3.connect(tmp_path / "writer/a.db", isolation_level=None)) as writer:
        writer.execute("pragma cache_size = 1")
        writer.execute("create table lines (n integer, text text)")
        writer.execute("insert into lines values (0, 'committed')")
        writer.execute("begin immediate")
        for n in range(1000):
            writer.execute("insert into lines values (?, ?)", (n, "spilled" * 99))
        for file in (tmp_path / "writer").iterdir():
            shutil.copy(file, tmp_path / "crashed")
    before = state(tmp_path / "crashed")
    assert len(before) == 3
    monkeypatch.setattr(snapshot, "migrate", lambda _connection, _database: None)
    with closing(snapshot.snapshot(tmp_path / "crashed/a.db")) as copy:
        assert copy.execute("select * from lines").fetchall() == [(0, "committed")]
    assert state(tmp_path / "crashed") == before


def test_an_audit_that_has_only_begun_has_no_runs_yet(tmp_path):
    (tmp_path / "scopeprobe.db").touch()
    with StoredRuns.read(tmp_path) as runs:
        assert runs.runs() == []
    assert (tmp_path / "scopeprobe.db").read_bytes() == b""


def test_a_folder_without_a_database_has_nothing_to_read(tmp_path):
    with StoredRuns.read_if_any(tmp_path) as runs:
        assert runs is None
    with pytest.raises(InputError, match="no run is stored here"):
        StoredRuns.read(tmp_path).__enter__()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"this is no database, but long enough" * 99, None])
def test_what_is_no_database_is_said_to_be_none(tmp_path, content):
    database = tmp_path / "scopeprobe.db"
    database.mkdir() if content is None else database.write_bytes(content)
    with pytest.raises(InputError, match=r"scopeprobe\.db: (cannot be used|is damaged)"):
        StoredRuns.read(tmp_path).__enter__()


# -- versions


def test_an_old_folder_is_read_as_the_program_of_its_time_read_it(old, capsys):
    before = state(old)
    runs = json.loads(printed(capsys, "runs", "-o", old, "--print", "json"))["runs"]
    assert [(run["run"], run["complete"]) for run in runs] == [
        (KILLED, False),
        (SECOND, True),
        (FIRST, True),
    ]
    past = json.loads(printed(capsys, "history", "two", "a.read", "-o", old, "--print", "json"))
    [cell] = past["cells"]
    assert [interval["verdict"] for interval in cell["intervals"]] == ["granted", "denied"]
    differing = json.loads(printed(capsys, "diff", FIRST, "last", "-o", old, "--print", "json"))
    assert [cell["scope"] for cell in differing["gained"]] == ["b.write"]
    assert [cell["scope"] for cell in differing["lost"]] == ["a.read"]
    report = json.loads(printed(capsys, "report", FIRST, "-o", old, "--print", "json"))
    assert report["summary"]["run"] == FIRST
    plan = json.loads(printed(capsys, *words_of("plan", old)))
    assert "recheck" in plan["total"]["strategies"]
    assert state(old) == before
    assert version(old / "scopeprobe.db") == 0


def test_a_writer_brings_an_old_database_to_the_newest_version(old, tmp_path):
    with StoredRuns.read(old) as runs:
        before = contents(runs)
    with Store.open(old) as store:
        assert contents(store) == before
    with Store.open(tmp_path / "fresh"):
        pass
    database, fresh = old / "scopeprobe.db", tmp_path / "fresh/scopeprobe.db"
    assert version(database) == version(fresh) == len(migrations.STEPS)
    assert layout(database) == layout(fresh)
    maps, sets, facts, allowance = before[1:]
    assert {client: len(one.cells) for client, one in maps.items()} == {
        "one": 4,
        "two": 4,
        "three": 4,
    }
    assert sets == {("one", ""): (("a.read", "a.write"),)}
    assert facts == (4, 2)
    assert (allowance.paused_until, len(allowance.spent_at)) == (0.0, 19)


def contents(runs: StoredRuns) -> tuple[object, ...]:
    facts = runs.facts(runs.run(KILLED))
    now = runs.run(KILLED).started
    return (
        runs.runs(),
        runs.maps_before(now),
        runs.accepted_sets_before(now),
        (len(facts), facts.tokens),
        runs.allowances()["east one"],
    )


@pytest.mark.parametrize("missing", ["covers", "pauses", "spent", "found", "findings"])
def test_databases_of_version_0_need_not_have_all_tables(old, tmp_path, missing):
    """Nor is each without `maps`, which none has used since."""
    with closing(sqlite3.connect(old / "scopeprobe.db", isolation_level=None)) as connection:
        connection.execute(f"drop table {missing}")
        connection.execute("create table maps (run text, client text, findings blob) strict")
    with StoredRuns.read(old) as runs:
        assert len(runs.runs()) == 3
    with Store.open(old), Store.open(tmp_path / "fresh"):
        pass
    assert layout(old / "scopeprobe.db") == layout(tmp_path / "fresh/scopeprobe.db")


def test_a_migration_that_fails_changes_nothing(old, monkeypatch):
    before = (old / "scopeprobe.db").read_bytes()
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, "drop table facts; nonsense;"))
    with pytest.raises(InputError, match=r"scopeprobe\.db: cannot be used: .*nonsense"):
        Store.open(old).__enter__()
    assert (old / "scopeprobe.db").read_bytes() == before


@pytest.mark.parametrize("way", [Store.open, StoredRuns.read], ids=["written", "read"])
def test_a_database_of_a_newer_program_is_left_to_that_one(new, way):
    with closing(sqlite3.connect(new / "scopeprobe.db")) as connection:
        connection.execute("pragma user_version = 99")
    before = (new / "scopeprobe.db").read_bytes()
    with pytest.raises(InputError, match=r"newer scopeprobe .*version 99.*choose another --out"):
        way(new).__enter__()
    assert (new / "scopeprobe.db").read_bytes() == before
    assert main(["runs", "-o", str(new)]) == 2


def test_a_recheck_goes_on_from_what_an_old_program_proved(fleet_of_nights, capsys):
    fleet = fleet_of_nights
    fleet.granted["two"] = {"b.write"}
    fleet.out.mkdir()
    shutil.copy(VERSION_0, fleet.out / "scopeprobe.db")
    fleet.night(strategy="recheck")
    assert version(fleet.out / "scopeprobe.db") == len(migrations.STEPS)
    for client, scopes in fleet.granted.items():
        for scope in ("a.read", "a.write", "b.read", "b.write"):
            verdict = verdicts(fleet.out)[client, scope]
            assert verdict == ("granted" if scope in scopes else "denied")
    assert summary(fleet.out)["requests"] < 23  # what the last one of the old program needed
    runs = json.loads(printed(capsys, "runs", "-o", fleet.out, "--print", "json"))["runs"]
    assert [run["run"] for run in runs[1:]] == [KILLED, SECOND, FIRST]


# -- what a run that goes on is told of failed authentications


@pytest.mark.parametrize(
    ("begun", "in_run", "counted"),
    [(-60.0, 1, 1), (60.0, 1, 2), (60.0, 3, 3)],
    ids=["explained-before", "explained-since", "explained-since-with-fewer"],
)
def test_failures_of_an_explanation_count_for_a_run_that_had_begun_before_it(
    tmp_path, begun, in_run, counted
):
    run = Run("0", 1000.0, None, "digest", "each", 1, 1)
    with Store.open(tmp_path / "out") as store:
        store.begin(run)
        connection = sqlite3.connect(tmp_path / "out/scopeprobe.db", isolation_level=None)
        with closing(connection):
            connection.execute("insert into failures values ('0', 'corp c', ?)", (in_run,))
        store.remember_failures(run.started + begun, {"corp c": 2})
        assert store.facts(run).failures_of("corp c") == counted
        assert store.facts(run).failures_of("corp other") == 0
        store.remember_failures(run.started + 120, {"corp c": 0})
        assert store.facts(run).failures_of("corp c") == 0


# -- what cannot be written


async def test_a_journal_that_failed_once_takes_nothing_more(tmp_path, monkeypatch, make_client):
    """Who puts something in is told: it would be asked, and never count."""
    monkeypatch.setattr(store_module, "SECONDS_FOR_A_LOCK", 0.05)
    run = Run("0", 1000.0, None, "digest", "each", 1, 1)
    row = (Statement.USED, ("corp", 1.0))
    client = make_client("a")
    assignment, fact = Assignment(client, client.targets[0]), Fact(WITHOUT_SCOPE, Issued(200), 1, 2)
    counted = []
    with Store.open(tmp_path / "out") as store:
        store.begin(run)
        journal = store.journal(run)
        journal.take([row], lambda: counted.append("before"))
        await journal.flush()
        with closing(
            sqlite3.connect(tmp_path / "out/scopeprobe.db", isolation_level=None)
        ) as other:
            other.execute("begin immediate")
            journal.take([row], lambda: counted.append("while locked"))
            with pytest.raises(StoreError, match="locked"):
                await journal.failure()
        with pytest.raises(StoreError, match="cannot be written"):
            journal.take([row], lambda: counted.append("after"))
        with pytest.raises(StoreError, match="cannot be written"):
            journal.put(assignment, fact, lambda: counted.append("after"))
        with pytest.raises(StoreError, match="cannot be written"):
            await journal.flush()
        journal.close()
        assert len(store.facts(run)) == 0
        assert store.allowances()["corp"].spent_at == (1.0,)
    assert counted == ["before"]


# -- what is kept


def test_only_the_newest_finished_runs_are_kept_with_what_they_found(tmp_path):
    run = Run("0", 0.0, None, "digest", "each", 1, 1)
    with Store.open(tmp_path / "out") as store:
        for n in range(4):
            one = replace(run, id=str(n), started=float(n), finished=n + 0.5, complete=True)
            verdict = Verdict.GRANTED if n % 2 else Verdict.DENIED
            cell = Cell(
                ClientName("c"), ClientId("c"), "", Scope("a"), verdict, Reason.ACCEPTED_ALONE,
                Evidence.ALONE,
            )  # fmt: skip
            store.begin(one)
            store.finish(
                one, [PermissionMap(ClientName("c"), (cell,))], [], written_files={}, keep=2
            )
        assert [run.id for run in store.runs()] == ["3", "2"]
        kept = [permissions.cells[0].verdict for _, permissions in store.maps_of_client("c")]
    assert kept == [Verdict.DENIED, Verdict.GRANTED]
    with closing(sqlite3.connect(tmp_path / "out/scopeprobe.db")) as connection:
        assert connection.execute("select count(*) from permission_maps").fetchone() == (2,)


def test_a_run_is_stored_client_by_client(tmp_path, make_client):
    """Of what all clients have in common nothing is held twice while it is written."""
    clients, candidates = 200, tuple(Scope(f"scope-{n}") for n in range(1000))
    asked = [Assignment(make_client(name=f"c{n}"), Target(candidates)) for n in range(clients)]
    run = Run("0", 0.0, 0.5, "digest", "each", clients, clients)

    def found():
        for one in asked:
            name, client_id = one.client.name, one.client.client_id
            yield PermissionMap(
                name,
                tuple(
                    Cell(name, client_id, "", scope, Verdict.GRANTED, Reason.ACCEPTED_ALONE)
                    for scope in candidates[:10]
                ),
            )

    with Store.open(tmp_path / "out") as store:
        store.begin(run)
        tracemalloc.start()
        store.finish(
            run,
            found(),
            ((one, (candidates,)) for one in asked),
            ((one, Question(candidates), False) for one in asked),
            written_files={},
            keep=2,
        )
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert [len(one.cells) for one in store.maps_of(run)] == [10] * clients
        stored = store.last_successes_before(math.inf)
    assert stored == {(one.client.name, ""): (Question(candidates), False) for one in asked}
    written = 2 * clients * len(json.dumps(candidates))
    assert most < written / 8
