"""
Do tests notice small changes of the code? Each is made by itself, and tests of its room are run.

    python tests/bench/mutation.py ROOM... [--share 1.0] [--sample N] [--seed 0] [--seconds N]
        [--processes 1] [--json FILE]

A room is a folder of the package, as `verdicts`; its tests are those of tests/ROOM that start no
process and do not take their time. In each room a seeded share of all changes is made; with
--sample, so many of all rooms together, and then tests of any of these rooms may notice one: what
reads or writes a file is tested in the room of the command that does so.

The tests are collected once and run once as they are, which tells the statements that each runs.
One that fails is named and left out, and so are those for which the --seconds of the first run of
their room are too few; one case of each test comes before the second of any. Then for each change a
process is forked, the changed code is put in the place of the function's, and the tests that ran
the changed statement are run until one fails, which is believed if it passes in such a process
without the change: those of its room first, one case of each test first, the fastest first. They
get two minutes together, and of these thirty seconds of a processor: a change that only slower
tests would notice counts as not noticed, and one that makes a test take far longer than it did as
noticed.

The first run of the tests is divided among --processes, and so are the changes.

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
import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from functools import _lru_cache_wrapper, partial
from importlib import import_module
from itertools import accumulate
from multiprocessing.connection import Pipe, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
sys.path = [str(TESTS / "support"), *(p for p in sys.path if p != str(Path(__file__).parent))]
"""Not this folder, whose requests.py would be taken for the package of that name."""

from mutants import mutants_of, place_of  # noqa: E402 - of the tests beside this folder

LEAST_KILLED = 0.85
KILLED, SURVIVED = 1, 0
LEFT_OUT = ("system", "browser", "shells", "torture")
"""Marks of tests that start processes, or take their time."""
PATIENCE, PATIENCE_OF_PROCESSOR = 120.0, 30.0
"""Seconds for the tests of a change: what slower tests alone notice is not seen."""
NOTE = "_note_that_it_ran"
"""Name of a builtin, which takes the place and the statement of a function."""


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

    def __init__(self, rooms, seconds, processes):
        self._rooms, self._most_seconds, self._processes = rooms, seconds, processes
        self._tests_of = {spot(mutant): [] for room in rooms for mutant in room.mutants}
        """By place and statement, those that ran it."""
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
        session.config.pluginmanager.unregister(name="terminalreporter")
        places = {place for place, _ in self._tests_of}
        for file in {file for file, _, _ in places}:
            import_module(".".join(Path(file).relative_to(ROOT).with_suffix("").parts))
        self._functions = functions_at(places)
        self._look_at(breadth_first(session.items))
        gc.freeze()  # it is not to be copied for each change
        self._try_all()
        return True

    def _look_at(self, items):
        """Run the tests in other processes, which leave none of their traces in this one."""
        began = time.monotonic()
        modules = set()
        for number, seconds, processor_seconds, ran, loaded in self._divided(items, self._seen_of):
            test = items[number]
            self._seconds[test], self._processor_seconds[test] = seconds, processor_seconds
            for one in ran:
                self._tests_of[one].append(test)
            modules |= loaded
        for (place, statement), tests in self._tests_of.items():
            self._tests_of[place, statement] = self._affordable(self._in_order(tests, place))
        for name in sorted(modules):  # or the process of each change would load them again
            with suppress(Exception):
                import_module(name)
        say(
            f"{len(self._seconds)} of {len(items)} tests in {time.monotonic() - began:.0f} s,"
            f" {sum(self._processor_seconds.values()):.0f} s of a processor"
        )

    def _in_order(self, tests, place):
        """Those of the place's room first; of them and the others one case of each test first."""
        file, *_ = place
        room = room_of(file, ROOT / "scopeprobe")
        fastest_first = breadth_first(sorted(tests, key=self._seconds.__getitem__))
        return sorted(fastest_first, key=lambda test: room_of(test.path, TESTS) != room)

    def _affordable(self, tests):
        """The first of the tests, as many as there is patience for."""
        spent = accumulate(map(self._seconds.__getitem__, tests))
        of_processor = accumulate(map(self._processor_seconds.__getitem__, tests))
        return [
            test
            for test, seconds, processor_seconds in zip(tests, spent, of_processor, strict=True)
            if seconds <= PATIENCE and processor_seconds <= PATIENCE_OF_PROCESSOR
        ]

    def _divided(self, parts, work):
        """What the work on the parts yields, which is divided among processes."""
        begun = multiprocessing.Value("i")
        return yielded([partial(work, dealt(parts, begun)) for _ in range(self._processes)])

    def _seen_of(self, items):
        """
        Run the tests on the code as it is, and tell what was seen of each that passes.

        That is the seconds it took, also of a processor, the statements that it ran in any thread,
        and the modules that it or one before it loaded.
        """
        ran, spent, modules = set(), Counter(), frozenset(sys.modules)
        setattr(builtins, NOTE, ran.add)
        self._note_statements()
        for number, item in items:
            room = room_of(item.path, TESTS)
            if spent[room] > self._most_seconds:
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
            else:
                yield number, *taken, frozenset(ran), sys.modules.keys() - modules

    def _note_statements(self):
        """Make each function note which of the statements that are changed it runs."""
        statements = defaultdict(set)
        for place, statement in self._tests_of:
            statements[place].add(statement)
        one_of = {mutant.place: mutant for room in self._rooms for mutant in room.mutants}
        for place, mutant in one_of.items():
            put_in_place(mutant.code_that_calls(NOTE, statements[place]), self._functions[place])

    def _try_all(self):
        began, noticed = time.monotonic(), 0
        mutants = [(room, mutant) for room in self._rooms for mutant in room.mutants]
        outcomes = self._divided([mutant for _, mutant in mutants], self._tried)
        for count, (number, outcome) in enumerate(outcomes, start=1):
            room, mutant = mutants[number]
            room.outcomes[outcome] += 1
            if outcome == "survived":
                room.survivors.append(mutant)
                say(f"nobody noticed {told(mutant)}")
            else:
                noticed += 1
            if count % 10 == 0 or count == len(mutants):
                say(
                    f"{count} of {len(mutants)} changes in {time.monotonic() - began:.0f} s,"
                    f" {noticed} noticed"
                )

    def _tried(self, mutants):
        for number, mutant in mutants:
            yield number, self._try(mutant)

    def _try(self, mutant):
        functions, code = self._functions[mutant.place], mutant.code()
        while tests := self._tests_of[spot(mutant)]:
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


def room_of(file, root):
    return Path(file).relative_to(root).parts[0]


def spot(mutant):
    return mutant.place, mutant.statement


def dealt(parts, begun):
    """The parts with their numbers; each process takes the next that was not `begun` by another."""
    while True:
        with begun:
            number = begun.value
            begun.value += 1
        if number >= len(parts):
            return
        yield number, parts[number]


def yielded(works):
    """What any of the works yields, as it comes; each is done in a process of its own."""
    children = dict(map(started, works))
    while children:
        for results in wait(list(children)):
            try:
                yield results.recv()
            except EOFError:
                _, status = os.waitpid(children.pop(results), 0)
                if status:
                    raise RuntimeError(f"a process ended early, with status {status}") from None


def started(work):
    """Where the results of work come from that is done in a process of its own, and its id."""
    received, sent = Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for result in work():
                sent.send(result)
            status = 0
        except BaseException:  # noqa: BLE001 - it is all that is told of it
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(status)
    sent.close()
    return received, child


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


def trial_of(rooms, seconds, processes):
    words = ["-n0", "-q", "-p", "no:cacheprovider", "--no-header", "-o", "timeout=0"]
    words += ["-o", "tmp_path_retention_policy=none"]
    words += ["-m", f"not ({' or '.join(LEFT_OUT)})", *(f"tests/{room.name}" for room in rooms)]
    with TemporaryDirectory() as folder:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder  # each change has folders of its own
        pytest.main(words, plugins=[Trial(rooms, seconds, processes)])
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
    reader.add_argument("--processes", type=int, default=1)
    reader.add_argument("--json", type=Path)
    options = reader.parse_args()
    os.chdir(ROOT)
    rooms = chosen(options)
    trials = [rooms] if options.sample else [[room] for room in rooms]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        # One after the other, each as if it were alone.
        tried = processes.imap(
            partial(trial_of, seconds=options.seconds, processes=options.processes), trials
        )
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
