"""
Audit after audit in one process: nothing grows, nothing warns, nothing holds the event loop up.

    python tests/bench/endurance.py [--audits 60] [--seconds 60] [--rate 300] [--json FILE]

Sixty audits of a minute, at 300 requests a second, through the Python API, on a server in another
process. A thread looks at the memory and the open files of this process every five seconds; the
processor time of every callback of the event loop is measured, and a call that blocks is an error.

Prints a line for each quarter of the audits, and as JSON all figures. Exit code 1: in the last
quarter the memory is more than 5 % and 8 MB above that of the second, a file stays open, there was
a warning, or a callback took more than 250 ms of processor time.
"""

import argparse
import gc
import json
import logging
import resource
import sys
import tempfile
import threading
import time
import warnings
from asyncio import Handle, Task
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from unittest.mock import patch

import anyio
import anyio.lowlevel
from blockbuster import blockbuster_ctx

sys.path[:0] = [str(Path(__file__).parents[1] / "support")]

from fast_server import fast_server, fleet, grants_every_other  # noqa: E402 - of the tests

from scopeprobe import Audit, audit  # noqa: E402 - behind the line above

CLIENTS, SERVERS = 30, 3
QUARTERS = ("first", "second", "third", "last")
SECONDS_BETWEEN_SAMPLES = 5.0
MOST_GROWTH, MOST_MEGABYTES = 0.05, 8.0
LONGEST_CALLBACK = 0.25


@dataclass
class Seen:
    """What was measured during one audit."""

    requests: int = 0
    seconds: float = 0.0
    megabytes: list[float] = field(default_factory=list)
    most_files: int = 0
    files_left: int = 0
    """Open once it is over."""
    longest_callback: float = 0.0
    """Seconds of processor time."""
    longest: str = ""
    """Which one that was."""


@contextmanager
def sampled(seen, every):
    """Look at memory and files from a thread, for as long as the audit takes."""
    over = threading.Event()

    def look():
        while True:
            seen.megabytes.append(_megabytes())
            seen.most_files = max(seen.most_files, _open_files())
            if over.wait(every):
                return

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        seen.files_left = _open_files()


def _megabytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _open_files():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@contextmanager
def timed_callbacks(seen):
    """Measure the processor time of whatever the event loop calls."""
    run = Handle._run  # noqa: SLF001 - what the loop's own debug mode measures by the wall clock

    def timed(handle):
        began = time.thread_time()
        run(handle)
        took = time.thread_time() - began
        if took > seen.longest_callback:
            seen.longest_callback, seen.longest = took, _named(handle)

    with patch.object(Handle, "_run", timed):
        yield


def _named(handle):
    """Whose callback it is: the coroutine where a task goes on."""
    whose = getattr(handle._callback, "__self__", handle)  # noqa: SLF001 - it is shown nowhere else
    return str(whose.get_coro() if isinstance(whose, Task) else whose)


@contextmanager
def heard_warnings():
    """All warnings, what the loop logs, and what fails where nobody can catch it."""
    heard = []

    class Hear(logging.Handler):
        def emit(self, record):
            heard.append(record.getMessage())

    handler = Hear(logging.WARNING)
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)
    warnings.simplefilter("always")
    with patch.object(sys, "unraisablehook", lambda failure: heard.append(repr(failure))):
        yield heard
        gc.collect()
    logging.captureWarnings(False)
    logging.getLogger().removeHandler(handler)


async def audits(url, out, options):
    """Carry them out one after the other, each as a new night of one folder."""
    asked = fleet(
        url,
        clients=CLIENTS,
        scopes=options.rate * options.seconds // CLIENTS,
        rate=options.rate,
        servers=SERVERS,
    )
    every = min(SECONDS_BETWEEN_SAMPLES, options.seconds / 4)
    for n in range(options.audits):
        seen, began = Seen(), time.monotonic()
        with sampled(seen, every), timed_callbacks(seen), blockbuster_ctx():
            result = await audit(Audit(asked, out, previous="last"))
            await anyio.lowlevel.checkpoint()  # the callback in which it ends counts, too
        assert result.is_complete
        seen.requests, seen.seconds = result.summary.requests, time.monotonic() - began
        print(
            f"{n:3} {seen.requests:6} requests {seen.seconds:6.1f} s {seen.megabytes[-1]:7.1f} MB"
            f" {seen.files_left:3} files {1000 * seen.longest_callback:5.0f} ms {seen.longest}",
            file=sys.stderr,
        )
        yield seen


async def endure(url, out, options):
    return [seen async for seen in audits(url, out, options)]


def quarters(found):
    size = len(found) // len(QUARTERS)
    return [found[n * size : (n + 1) * size] for n in range(len(QUARTERS))]


def falls_short(found, warned):
    """Why this is not good enough; nothing where it is."""
    _, second, _, last = (mean(mean(one.megabytes) for one in some) for some in quarters(found))
    if last - second > max(MOST_GROWTH * second, MOST_MEGABYTES):
        yield f"memory grew from {second:.1f} to {last:.1f} MB"
    if found[-1].files_left > found[0].files_left:
        yield f"{found[-1].files_left - found[0].files_left} files stay open"
    yield from warned
    longest = max(found, key=lambda one: one.longest_callback)
    if longest.longest_callback > LONGEST_CALLBACK:
        yield f"{longest.longest_callback:.2f} s of processor time: {longest.longest}"


def show(found):
    print("quarter  requests  seconds  per second    MB, mean  MB, most  files  callback, ms")
    for name, some in zip(QUARTERS, quarters(found), strict=True):
        requests, seconds = (
            sum(getattr(s, what) for s in some) for what in ("requests", "seconds")
        )
        print(
            f"{name:7} {requests:9} {seconds:8.0f} {requests / seconds:11.1f}"
            f" {mean(mean(one.megabytes) for one in some):11.1f}"
            f" {max(max(one.megabytes) for one in some):9.1f}"
            f" {max(one.most_files for one in some):6}"
            f" {1000 * max(one.longest_callback for one in some):13.0f}"
        )


def main():
    reader = argparse.ArgumentParser()
    reader.add_argument("--audits", type=int, default=60)
    reader.add_argument("--seconds", type=int, default=60)
    reader.add_argument("--rate", type=int, default=300)
    reader.add_argument("--json", type=Path)
    options = reader.parse_args()
    if options.audits < len(QUARTERS):
        reader.error("--audits: 4 at least, one in each quarter")
    with (
        heard_warnings() as warned,
        tempfile.TemporaryDirectory() as out,
        fast_server(grants_every_other) as url,
    ):
        found = anyio.run(endure, url, Path(out), options)
    show(found)
    shortcomings = list(falls_short(found, warned))
    for one in shortcomings:
        print(f"falls short: {one}")
    if options.json:
        figures = {"audits": [asdict(one) for one in found], "falls_short": shortcomings}
        options.json.write_text(json.dumps(figures, indent=1))
    return 1 if shortcomings else 0


if __name__ == "__main__":
    sys.exit(main())
