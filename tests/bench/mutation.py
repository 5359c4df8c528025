"""
Do tests notice small changes of the code? Each is made by itself, and the room's own tests run.

    python tests/bench/mutation.py ROOM... [--share 1.0] [--sample N] [--seed 0] [--json FILE]

A room is a folder of the package, as `verdicts`; its tests are those of tests/ROOM that start no
process. In each room a seeded share of all changes is made; with --sample, so many of all rooms
together. The tests are collected once and run once as they are; then for each change a process is
forked, the changed code is put in the place of the function's, and the tests that ran the function
are run, the fastest first, until one fails. A change that takes far more processor time than the
tests did counts as noticed.

Prints a line for each room and all changes that nobody noticed, and as JSON the same. Exit code 1:
in a room, or in the sample, fewer than 85 % were noticed.
"""

import argparse
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
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests/support")]

from mutants import mutants_of, place_of  # noqa: E402 - of the tests beside this folder

LEAST_KILLED = 0.85
KILLED, SURVIVED = 1, 0
PATIENCE, PATIENCE_AT_LEAST = 3.0, 5.0
"""How often the processor time of the tests a change may take, and how many seconds at least."""


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
    """A plugin of pytest: in the place of running tests it tries the changes of a room."""

    def __init__(self, room):
        self._room = room
        self._seconds = {}
        """Of processor time, by test."""
        self._ran = {}
        """By test, the places of the code that it ran."""
        self._functions = defaultdict(list)
        """By place; looked up before the first fork, for a child that looks copies all memory."""
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
        for item in session.items:
            self._look_at(item)
        room = self._room
        places = {mutant.place for mutant in room.mutants}
        for one in gc.get_objects():
            if isinstance(one, FunctionType) and place_of(one.__code__) in places:
                self._functions[place_of(one.__code__)].append(one)
        gc.freeze()
        for number, mutant in enumerate(room.mutants, start=1):
            outcome = self._try(mutant)
            room.outcomes[outcome] += 1
            if outcome == "survived":
                room.survivors.append(mutant)
            if number % 50 == 0:
                done = f"{room.name}: {number} of {len(room.mutants)}, {room.killed} noticed"
                print(done, file=sys.__stderr__, flush=True)
        return True

    def _look_at(self, item):
        """Run a test on the code as it is, and note what it runs."""
        ran, before = set(), time.process_time()
        sys.setprofile(lambda frame, _event, _value: ran.add(frame.f_code))
        try:
            run([item])
        finally:
            sys.setprofile(None)
        if self._failed:
            pytest.exit(f"{item.nodeid} fails without any change", returncode=1)
        self._seconds[item] = time.process_time() - before
        self._ran[item] = set(map(place_of, ran))

    def _try(self, mutant):
        tests = [test for test, places in self._ran.items() if mutant.place in places]
        tests.sort(key=self._seconds.__getitem__)
        patience = PATIENCE_AT_LEAST + PATIENCE * sum(self._seconds[test] for test in tests)
        if not tests:
            return "survived"
        child = os.fork()
        if child == 0:
            self._judge(mutant, tests, math.ceil(patience))
        return awaited(child, 10 * patience)

    def _judge(self, mutant, tests, seconds):
        """In a process of its own: run the tests on the changed code."""
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        try:
            code = mutant.code()
            for function in self._functions[mutant.place]:
                function.__code__ = code
            for test in tests:
                run([test])
                if self._failed:
                    break
        except BaseException:  # noqa: BLE001 - whatever it is, it was noticed
            os._exit(KILLED)
        os._exit(KILLED if self._failed else SURVIVED)


def run(items):
    for item in items:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)


def awaited(child, seconds):
    """How the process ended; it is ended after so many seconds."""
    until = time.monotonic() + seconds
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "timeout"
        time.sleep(0.005)
    if os.WIFSIGNALED(status):
        return "timeout"
    return "survived" if os.WEXITSTATUS(status) == SURVIVED else "killed"


def trial_of(room):
    words = ["-n0", "-q", "-p", "no:cacheprovider", "--no-header", f"tests/{room.name}"]
    pytest.main(words, plugins=[Trial(room)])
    return room


def chosen(options):
    """The rooms with the changes that are made in them."""
    chance = random.Random(options.seed)
    rooms = []
    for name in options.rooms:
        paths = sorted((ROOT / "scopeprobe" / name).rglob("*.py"))
        everything = [mutant for path in paths for mutant in mutants_of(path)]
        rooms.append(Room(name, everything))
    if options.sample:
        pool = [(room, mutant) for room in rooms for mutant in room.mutants]
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
    reader.add_argument("--json", type=Path)
    options = reader.parse_args()
    os.chdir(ROOT)
    rooms = [room for room in chosen(options) if room.mutants]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        rooms = list(
            processes.imap(trial_of, rooms)
        )  # one after the other, each as if it were alone
    show(rooms)
    if options.json:
        options.json.write_text(json.dumps([figures(room) for room in rooms], indent=1))
    tried = sum(len(room.mutants) for room in rooms)
    shares = [room.killed / len(room.mutants) for room in rooms]
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
            f" {room.killed / len(room.mutants):8.1%}"
        )
    for room in rooms:
        for mutant in sorted(room.survivors, key=lambda one: (one.path, one.line, one.number)):
            print(f"{mutant.path.relative_to(ROOT)}: {mutant.function}, {mutant.change}")


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
