"""
Do tests notice small changes of the code? Each is made by itself, and tests of its room are run.

    python tests/bench/mutation.py ROOM... [--share 1.0] [--sample N] [--seed 0] [--seconds N]
        [--json FILE]

A room is a folder of the package, as `verdicts`; its tests are those of tests/ROOM that start no
process and do not take their time. In each room a seeded share of all changes is made; with
--sample, so many of all rooms together, and then tests of any of these rooms may notice one: what
reads or writes a file is tested in the room of the command that does so.

The tests are collected once and run once as they are, which tells the functions that each runs. One
that fails is named and left out, and so are those for which the --seconds of the first run of their
room are too few; one case of each test comes before the second of any. Then for each change a
process is forked, the changed code is put in the place of the function's, and the tests that ran
the function are run, the fastest first, until one fails, which is believed if it passes in such a
process without the change. They get thirty seconds of a processor: a change that only slower tests
would notice counts as not noticed, and one that makes a test take far longer than it did as
noticed.

Prints a line for each room and all changes that nobody noticed, and as JSON the same. Exit code 1:
in a room, or in the sample, fewer than 85 % were noticed.
"""

import argparse
import builtins
import gc
import json
import math
import multiprocessing
import os
import pickle
import random
import resource
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import _lru_cache_wrapper, partial
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from types import FunctionType

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests/support")]

from mutants import mutants_of, place_of  # noqa: E402 - of the tests beside this folder

LEAST_KILLED = 0.85
KILLED, SURVIVED = 1, 0
LEFT_OUT = ("system", "browser", "shells", "torture")
"""Marks of tests that start processes, or take their time."""
PATIENCE = 30.0
"""Seconds of a processor for the tests of a change: what slower tests alone notice is not seen."""
NOTE = "_note_that_it_ran"
"""Name of a builtin, which takes the place of a function."""


@dataclass
class Room:
    """The tests of a room, which judge the changes of its code."""

    name: str
    mutants: list
    outcomes: Counter = field(default_factory=Counter)
    survivors: list = field(default_factory=list)

    @property
    def killed(self):
        return self.outcomes["killed"] + self.outcomes["timeout"]


class Trial:
    """A plugin of pytest: in the place of running tests it tries the changes of rooms."""

    def __init__(self, rooms, seconds):
        self._rooms, self._most_seconds = rooms, seconds
        self._tests_of = {mutant.place: [] for room in rooms for mutant in room.mutants}
        """By function, those that ran it."""
        self._seconds, self._processor_seconds = {}, {}
        """Of each test."""
        self._steady = {}
        """Of tests that noticed a change, whether they pass without it."""
        self._failed = False

    def pytest_configure(self):
        from hypothesis import HealthCheck, settings  # noqa: PLC0415 - pytest is there before it

        settings.register_profile(
            "trial",
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        settings.load_profile("trial")

    def pytest_runtest_logreport(self, report):
        self._failed |= report.failed

    def pytest_runtestloop(self, session):
        for file in {file for file, _, _ in self._tests_of}:
            import_module(".".join(Path(file).relative_to(ROOT).with_suffix("").parts))
        self._functions = functions_at(self._tests_of)
        self._look_at(breadth_first(session.items))
        gc.freeze()  # it is not to be copied for each change
        for room in self._rooms:
            self._try_all(room)
        return True

    def _try_all(self, room):
        began = time.monotonic()
        for number, mutant in enumerate(room.mutants, start=1):
            outcome = self._try(mutant)
            room.outcomes[outcome] += 1
            if outcome == "survived":
                room.survivors.append(mutant)
                say(f"nobody noticed {told(mutant)}")
            if number % 10 == 0 or number == len(room.mutants):
                say(
                    f"{room.name}: {number} of {len(room.mutants)} changes"
                    f" in {time.monotonic() - began:.0f} s, {room.killed} noticed"
                )

    def _look_at(self, items):
        """Run the tests in another process, which leaves none of their traces in this one."""
        began = time.monotonic()
        seen, modules = result_of(lambda: self._seen_of(items))
        for item, (seconds, processor_seconds, has_failed, ran) in zip(items, seen, strict=True):
            self._seconds[item], self._processor_seconds[item] = seconds, processor_seconds
            for place in () if has_failed else ran:
                self._tests_of[place].append(item)
        for place, tests in self._tests_of.items():
            tests.sort(key=self._processor_seconds.__getitem__)
            spent = accumulate(map(self._processor_seconds.__getitem__, tests))
            self._tests_of[place] = [
                test for test, seconds in zip(tests, spent, strict=True) if seconds <= PATIENCE
            ]
        for name in sorted(modules - sys.modules.keys()):  # or each process would load them again
            with suppress(Exception):
                import_module(name)
        were_run = sum(map(bool, self._seconds.values()))
        say(
            f"{were_run} of {len(items)} tests in {time.monotonic() - began:.0f} s,"
            f" {sum(self._processor_seconds.values()):.0f} s of a processor"
        )

    def _seen_of(self, items):
        """
        Run the tests on the code as it is; return what was seen of each, and the modules loaded.

        That is the seconds it took, also of a processor, whether it failed, and the functions that
        it ran in any thread.
        """
        ran, seen, spent = set(), [], Counter()
        setattr(builtins, NOTE, ran.add)
        one_of = {mutant.place: mutant for room in self._rooms for mutant in room.mutants}
        for place, mutant in one_of.items():
            put_in_place(mutant.code_that_calls(NOTE), self._functions[place])
        for item in items:
            room = item.path.relative_to(ROOT / "tests").parts[0]
            if spent[room] > self._most_seconds:
                seen.append((0.0, 0.0, False, frozenset()))
                continue
            ran.clear()
            self._failed = False
            forget_what_was_computed()
            before = time.monotonic(), time.process_time()
            run(item)
            taken = time.monotonic() - before[0], time.process_time() - before[1]
            spent[room] += taken[0]
            if self._failed:
                say(f"{item.nodeid} fails without any change")
            seen.append((*taken, self._failed, frozenset(ran)))
        return seen, frozenset(sys.modules)

    def _try(self, mutant):
        functions, code = self._functions[mutant.place], mutant.code()
        while tests := self._tests_of[mutant.place]:
            outcome, last = judged(tests, lambda: put_in_place(code, functions), self._judge)
            if outcome == "survived" or self._is_steady(last):
                return outcome
        return "survived"

    def _is_steady(self, test):
        """Whether it passes in a process of its own where nothing is changed; or it is left out."""
        if test not in self._steady:
            outcome, _ = judged([test], lambda: None, self._judge)
            self._steady[test] = outcome == "survived"
            if not self._steady[test]:
                say(f"{test.nodeid} fails without any change in a process of its own")
                for tests in self._tests_of.values():
                    tests[:] = [one for one in tests if one is not test]
        return self._steady[test]

    def _judge(self, tests, note):
        """Whether a test fails in this process; each is noted before it is run."""
        for number, test in enumerate(tests):
            note(number)
            self._limit(test)
            run(test)
            if self._failed:
                return True
        return False

    def _limit(self, test):
        """End this process where the test takes far longer than it did."""
        processor = time.process_time() + 5 + 3 * self._processor_seconds[test]
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(processor), resource.RLIM_INFINITY))
        signal.setitimer(signal.ITIMER_REAL, 60 + 10 * self._seconds[test])


def say(words):
    print(words, file=sys.__stderr__, flush=True)


def result_of(work):
    """The result of work that is done in a process of its own."""
    returned, returns = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with os.fdopen(returns, "wb") as pipe:
                pickle.dump(work(), pipe)
        finally:
            os._exit(0)
    os.close(returns)
    with os.fdopen(returned, "rb") as pipe:
        result = pickle.load(pipe)
    os.waitpid(child, 0)
    return result


def judged(tests, change, judge):
    """How the tests in a process of its own ended after a change, and the last that was run."""
    noted, notes = os.pipe()
    child = os.fork()
    if child == 0:
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        try:
            change()
            forget_what_was_computed()
            failed = judge(tests, lambda number: os.write(notes, number.to_bytes(4)))
        except BaseException:  # noqa: BLE001 - whatever it is, it was noticed
            failed = True
        os._exit(KILLED if failed else SURVIVED)
    os.close(notes)
    with os.fdopen(noted, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    last = tests[int.from_bytes(told[-4:])]
    if os.WIFSIGNALED(status):
        return "timeout", last
    return ("survived" if os.WEXITSTATUS(status) == SURVIVED else "killed"), last


def run(item):
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)


def functions_at(places):
    """By place, the functions whose code is there."""
    functions = {place: [] for place in places}
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and place_of(one.__code__) in functions:
            functions[place_of(one.__code__)].append(one)
    return functions


def breadth_first(items):
    """Tests in an order in which one case of each comes before the second of any."""
    met, places = Counter(), {}
    for item in items:
        function = item.nodeid.partition("[")[0]
        places[item] = met[function]
        met[function] += 1
    return sorted(items, key=places.__getitem__)


def put_in_place(code, functions):
    for function in functions:
        function.__code__ = code


def forget_what_was_computed():
    """Or a function would not run again for what it has computed before."""
    for module in [one for name, one in sys.modules.items() if name.startswith("scopeprobe")]:
        for value in vars(module).values():
            if isinstance(value, _lru_cache_wrapper):
                value.cache_clear()


def trial_of(rooms, seconds):
    words = ["-n0", "-q", "-p", "no:cacheprovider", "--no-header", "-o", "timeout=0"]
    words += ["-m", f"not ({' or '.join(LEFT_OUT)})", *(f"tests/{room.name}" for room in rooms)]
    pytest.main(words, plugins=[Trial(rooms, seconds)])
    return rooms


def chosen(options):
    """The rooms with the changes that are made in them."""
    chance = random.Random(options.seed)
    rooms = []
    for name in options.rooms:
        paths = sorted((ROOT / "scopeprobe" / name).rglob("*.py"))
        everything = [mutant for path in paths for mutant in mutants_of(path)]
        rooms.append(Room(name, everything))
    if options.sample:
        by_name = sorted(rooms, key=lambda room: room.name)
        pool = [(room, mutant) for room in by_name for mutant in room.mutants]
        picked = chance.sample(pool, options.sample)
        return [
            Room(room.name, [mutant for other, mutant in picked if other is room]) for room in rooms
        ]
    for room in rooms:
        room.mutants = chance.sample(room.mutants, math.ceil(options.share * len(room.mutants)))
    return rooms


def main():
    reader = argparse.ArgumentParser()
    reader.add_argument("rooms", nargs="+", metavar="ROOM")
    reader.add_argument("--share", type=float, default=1.0)
    reader.add_argument("--sample", type=int, default=0)
    reader.add_argument("--seed", type=int, default=0)
    reader.add_argument("--seconds", type=float, default=math.inf)
    reader.add_argument("--json", type=Path)
    options = reader.parse_args()
    os.chdir(ROOT)
    rooms = chosen(options)
    trials = [rooms] if options.sample else [[room] for room in rooms]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        # One after the other, each as if it were alone.
        tried = processes.imap(partial(trial_of, seconds=options.seconds), trials)
        rooms = [room for rooms in tried for room in rooms]
    show(rooms)
    if options.json:
        options.json.write_text(json.dumps([figures(room) for room in rooms], indent=1))
    tried = sum(len(room.mutants) for room in rooms)
    shares = [room.killed / len(room.mutants) for room in rooms if room.mutants]
    if options.sample:
        shares = [sum(room.killed for room in rooms) / tried]
    return 0 if min(shares) >= LEAST_KILLED else 1


def show(rooms):
    print("\nroom        changes  killed  timeout  survived  noticed")
    for room in rooms:
        counts = (room.outcomes[how] for how in ("killed", "timeout", "survived"))
        killed, timeout, survived = counts
        print(
            f"{room.name:10} {len(room.mutants):8} {killed:7} {timeout:8} {survived:9}"
            f" {room.killed / max(1, len(room.mutants)):8.1%}"
        )
    for room in rooms:
        for mutant in sorted(room.survivors, key=lambda one: (one.path, one.line, one.number)):
            print(told(mutant))


def told(mutant):
    return f"{mutant.path.relative_to(ROOT)}: {mutant.function}, {mutant.change}"


def figures(room):
    return {
        "room": room.name,
        "changes": len(room.mutants),
        **room.outcomes,
        "survivors": [
            [str(one.path.relative_to(ROOT)), one.function, one.change] for one in room.survivors
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
