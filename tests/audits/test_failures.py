"""Whatever fails in the middle of a run ends it: with words, an exit code, and all it knew."""

import resource
import shutil
import sqlite3
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import pytest
from harness import maps, raw_server, reasons, scopeprobe
from long_runs import SCOPES, inputs, strict

from scopeprobe.audits import behaviors, explain, off_the_loop, signals
from scopeprobe.cli import logs
from scopeprobe.engine import scheduler
from scopeprobe.engine.answer_handling import AnswerHandling
from scopeprobe.reports import write
from scopeprobe.store import SqliteJournal, store
from scopeprobe.strategies import STRATEGIES

ALL = 4 * (len(SCOPES) + 3)
"""Requests that a whole run needs, or a few more."""
BY_THEN = 50
"""Requests after which something fails: all that are in the air are in one failed batch."""

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"


@pytest.fixture(autouse=True)
def _nobody_waits_long(monkeypatch):
    monkeypatch.setattr(store, "SECONDS_FOR_A_LOCK", 0.5)
    monkeypatch.setattr(scheduler, "SECONDS_BETWEEN_LOOKS", 0.1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The maps of a run in which nothing fails."""
    folder = tmp_path_factory.mktemp("whole")
    with raw_server(strict) as server:
        words, environment = inputs(folder, server, 4)
        assert scopeprobe(*words, env=environment).returncode == 0
    return maps(folder / "out")


class Failing:
    """An audit in which something fails, and its resume in which nothing does."""

    def __init__(self, folder, whole):
        self.out = folder / "out"
        self.asked_again = 0
        self._folder, self._whole = folder, whole

    @contextmanager
    def while_asked(self, fail=lambda: None):
        """Run it; `fail` is called when the servers were asked so often."""

        def answer(asked):
            if len(server.asked) == BY_THEN:
                fail()
            return strict(asked)

        with raw_server(answer) as server:
            self._words, environment = inputs(self._folder, server, 4)
            self.ended = scopeprobe(*self._words, "--log-format", "console", env=environment)
            yield self
            asked = len(server.asked)
            resume = ["--resume"] if self.out.exists() else []
            again = scopeprobe(*self._words, *resume, env=environment)
            assert again.returncode == 0, again.stderr
            assert maps(self.out) == self._whole
            self.asked_again = len(server.asked) - asked

    def ended_with(self, code, *texts):
        __tracebackhide__ = True
        assert self.ended.returncode == code, self.ended.stderr
        assert "Traceback" not in self.ended.stderr
        for text in texts:
            assert text in " ".join(self.ended.stderr.split())


@pytest.fixture
def failing(tmp_path, whole):
    return Failing(tmp_path, whole)


@pytest.mark.parametrize("is_quite_full", [False, True], ids=["for the log", "quite"])
def test_a_full_disk_ends_the_run(failing, is_quite_full):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill():
        log = failing.out / "scopeprobe.db-wal"
        room = 0 if is_quite_full else log.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))

    try:
        with failing.while_asked(fill):
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            failing.ended_with(3, "cannot be written", "--resume")
            if is_quite_full:
                failing.ended_with(3, "could not all be written")
                assert not list(failing.out.glob("**/.*.draft"))
            else:
                found = Counter(reasons(failing.out).values())
                assert found["interrupted"] > 0
                assert found["refused_alone"] > 0
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert failing.asked_again < ALL


def test_a_database_that_another_process_holds_ends_the_run(failing):
    held = []

    def hold():
        held.append(sqlite3.connect(failing.out / "scopeprobe.db", check_same_thread=False))
        held[0].execute("begin immediate")

    with failing.while_asked(hold):
        held[0].close()
        failing.ended_with(3, "database is locked", "--resume")
        assert Counter(reasons(failing.out).values())["refused_alone"] > 0


@pytest.mark.parametrize("is_moved", [True, False], ids=["moved", "removed"])
def test_a_folder_that_is_taken_away_ends_the_run(tmp_path, is_moved, whole):
    folder = Failing(tmp_path, whole)

    def take_away():
        if is_moved:
            folder.out.rename(tmp_path / "elsewhere")
        else:
            shutil.rmtree(folder.out)

    with folder.while_asked(take_away):
        folder.ended_with(3, "out: was removed or moved away", "nothing was written")
        assert not folder.out.exists()
        if is_moved:
            (tmp_path / "elsewhere").rename(folder.out)
    assert (folder.asked_again < ALL) == is_moved


def test_a_bug_in_a_plan_ends_the_run(failing, monkeypatch):
    each = STRATEGIES["each"]

    def broken(assignment):
        plan = each.ask(assignment)
        answers = None
        for _ in range(2):
            answers = yield plan.send(answers)
        raise KeyError(answers)

    monkeypatch.setitem(STRATEGIES, "each", replace(each, ask=broken))
    with failing.while_asked():
        monkeypatch.undo()
        failing.ended_with(70, "KeyError in test_failures.py", "bug of scopeprobe's")
        assert "interrupted" in reasons(failing.out).values()


def test_a_bug_in_the_thread_that_writes_ends_the_run(failing, monkeypatch):
    commit = vars(SqliteJournal)["_commit"]
    batches = []

    def broken(journal, batch):
        batches.append(batch)
        if len(batches) > 5:
            raise IndexError
        commit(journal, batch)

    monkeypatch.setattr(SqliteJournal, "_commit", broken)
    with failing.while_asked():
        monkeypatch.undo()
        failing.ended_with(70, "IndexError in test_failures.py")


@pytest.mark.parametrize(
    "event", ["run_started", "client_started", "request_answered", "client_finished"]
)
def test_a_bug_in_an_observer_ends_the_run(failing, monkeypatch, event):
    tell = vars(logs.LogObserver)["__call__"]

    def broken(observer, told):
        return {}["no such member"] if told.name == event else tell(observer, told)

    monkeypatch.setattr(logs.LogObserver, "__call__", broken)
    with failing.while_asked():
        monkeypatch.undo()
        failing.ended_with(70, "KeyError in test_failures.py")


def test_a_bug_in_one_report_keeps_the_others_and_the_run(failing, monkeypatch):
    monkeypatch.setattr(write, "matrix_csv", lambda maps: maps["no such client"])
    with failing.while_asked():
        monkeypatch.undo()
        failing.ended_with(70, "TypeError in test_failures.py")
        assert "granted" in (failing.out / "permissions.csv").read_text()
        assert (failing.out / "summary.json").exists()
        assert not (failing.out / "matrix.csv").exists()
    assert failing.asked_again == 0


def test_a_run_that_nothing_wakes_any_more_is_ended_as_a_bug(failing, monkeypatch):
    settle = vars(AnswerHandling)["_settle"]

    def forget_some(handling, group, job, fact):
        if handling.settled < BY_THEN:
            settle(handling, group, job, fact)

    monkeypatch.setattr(AnswerHandling, "_settle", forget_some)
    with failing.while_asked():
        monkeypatch.undo()
        failing.ended_with(70, "Stalled in scheduler.py")


def test_a_loop_without_an_end_is_ended_as_a_bug(failing, monkeypatch):
    monkeypatch.setattr(signals, "SECONDS_OF_A_CALL", 1.5)
    each = STRATEGIES["each"]

    def endless(assignment):
        answers = yield next(each.ask(assignment))
        while answers:
            pass

    monkeypatch.setitem(STRATEGIES, "each", replace(each, ask=endless))
    with failing.while_asked():
        monkeypatch.undo()
        failing.ended_with(70, "Endless in signals.py", "bug of scopeprobe's")


def test_an_explanation_without_an_end_is_ended_as_a_bug(tmp_path, monkeypatch):
    monkeypatch.setattr(signals, "SECONDS_OF_A_CALL", 1.5)
    diagnose = explain.diagnose

    def endless(case):
        answers = yield next(diagnose(case))
        while answers:
            pass

    monkeypatch.setattr(explain, "diagnose", endless)
    with raw_server(strict) as server:
        (_, *words), environment = inputs(tmp_path, server, 1)
        ended = scopeprobe("explain", *words[:-1], "c000", env=environment)
    assert ended.returncode == 70, ended.stderr
    assert "Endless in signals.py" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("thoughts", [1, 100], ids=["one", "all"])
def test_a_judge_without_an_end_is_ended_as_a_bug(failing, monkeypatch, thoughts):
    """It thinks in a thread, which nobody can end; what is known is written where that can be."""
    monkeypatch.setattr(off_the_loop, "SECONDS_OF_WORK", 1.0)
    monkeypatch.setattr(off_the_loop, "SECONDS_BETWEEN_LOOKS", 0.1)
    learn, is_over, begun = behaviors.learn_behavior, threading.Event(), []

    def endless(told):
        begun.append(told)
        is_endless = len(begun) <= thoughts
        while is_endless and not is_over.is_set():
            pass
        return learn(told)

    monkeypatch.setattr(behaviors, "learn_behavior", endless)
    try:
        with failing.while_asked():
            monkeypatch.undo()
            failing.ended_with(70, "Endless in off_the_loop.py", "does not come to an end")
            if thoughts == 1:
                assert "granted" in (failing.out / "permissions.csv").read_text()
            else:
                failing.ended_with(70, "what is known could not all be written")
    finally:
        is_over.set()


def test_a_store_that_is_used_without_an_end_is_not_closed_meanwhile(failing, monkeypatch):
    monkeypatch.setattr(off_the_loop, "SECONDS_OF_WORK", 1.0)
    monkeypatch.setattr(off_the_loop, "SECONDS_BETWEEN_LOOKS", 0.1)
    used = []

    def endless(one, *_, **__):
        used.append(vars(one)["_connection"])
        used[-1].execute(ENDLESS)

    monkeypatch.setattr(store.Store, "finish", endless)
    try:
        with failing.while_asked():
            monkeypatch.undo()
            failing.ended_with(70, "Endless in off_the_loop.py", "does not come to an end")
            assert "granted" in (failing.out / "permissions.csv").read_text()
    finally:
        for connection in used:
            connection.interrupt()


def test_what_nobody_catches_is_no_traceback_either(failing, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    tell = vars(logs.LogObserver)["__call__"]

    def in_another_thread(observer, told):
        if told.name == "client_started":
            thread = threading.Thread(target=lambda: {}["no such member"])
            thread.start()
            thread.join()
        return tell(observer, told)

    monkeypatch.setattr(logs.LogObserver, "__call__", in_another_thread)
    with failing.while_asked():
        monkeypatch.undo()
        failing.ended_with(0, "internal error: KeyError in test_failures.py")


def test_a_commit_that_does_not_come_back_is_a_trouble_of_the_disk(failing, monkeypatch):
    put, puts = SqliteJournal.put, []

    def lose_some(journal, assignment, fact, then):
        puts.append(fact)
        if len(puts) < BY_THEN:
            put(journal, assignment, fact, then)

    monkeypatch.setattr(SqliteJournal, "put", lose_some)
    with failing.while_asked():
        monkeypatch.undo()
        failing.ended_with(3, "not written yet", "--resume")


def test_a_full_disk_under_the_log_file_ends_nothing(tmp_path, whole):
    log = tmp_path / "events.log"

    def answer(asked):
        if len(server.asked) == BY_THEN:
            full = log.stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (max(full, 2_000_000), before[1]))
            with log.open("ab") as file:
                file.truncate(max(full, 2_000_000))
        return strict(asked)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with raw_server(answer) as server:
            words, environment = inputs(tmp_path, server, 4)
            words += ["--log-file", log, "--log-format", "console"]
            ended = scopeprobe(*words, env=environment)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ended.returncode == 0
    assert ended.stderr.count("events.log: File too large; the run goes on") == 1
    assert maps(tmp_path / "out") == whole
