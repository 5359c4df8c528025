"""
Generated authorization servers audited through the command line, and held against their truth.

Each server is composed at random from its seed (tests/support/generated), with one to six clients,
changes between the nights and 0 to 30 % faults, and is audited by every strategy over three nights;
some audits are stopped twice and gone on with. What is honest is worked out from the model alone.

    python tests/bench/generated_servers.py --servers 500              all, 11 minutes of one core
    python tests/bench/generated_servers.py --json new.json            60 servers, figures kept
    python tests/bench/generated_servers.py --against old.json         beside what was kept
    python tests/bench/generated_servers.py --show "false granted"     the smallest such server

Ends with exit code 1 where a verdict is false, or a client failed to authenticate more than three
times in a row.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "support")]
os.environ["SSL_CERT_FILE"] = os.devnull  # as in tests/conftest.py

# ruff: noqa: E402 - of the tests beside this folder
from generated.nights import MOST_FAILURES, STRATEGIES, Found, audited
from generated.servers import Case, generated_from
from generated.smallest import audit, smallest, told_of

BATCH = 25
"""Servers that share a process and a clients file."""

Figures = dict[str, Any]


def figures_of(cases: Sequence[Case]) -> Figures:
    """Audit servers, and count what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        found = audited(cases, Path(folder))
    return {
        "servers": len(cases),
        "cells": len(found.cells),
        "requests": dict(found.requests),
        "counts": _counts(found),
        "failures": {
            case.client_name(worst.client): worst.in_a_row
            for case, worst in found.failures.items()
            if worst.in_a_row > MOST_FAILURES
        },
    }


def _counts(found: Found) -> dict[str, Counter[str]]:
    """By what is wrong with a verdict and its reason, how many cells of each strategy."""
    counts: dict[str, Counter[str]] = {}
    for cell in found.cells:
        for name in names_of(cell.fault, cell.reason):
            counts.setdefault(name, Counter())[cell.strategy] += 1
    return counts


def names_of(fault: str, reason: str) -> tuple[str, ...]:
    return (fault, f"{fault}: {reason}") if fault else ("honest",)


def added(parts: Iterable[Figures]) -> Figures:
    """Add up the figures of batches."""
    total: Figures = {"servers": 0, "cells": 0, "requests": Counter(), "counts": {}, "failures": {}}
    for part in parts:
        total["servers"] += part["servers"]
        total["cells"] += part["cells"]
        total["requests"].update(part["requests"])
        total["failures"].update(part["failures"])
        for name, counts in part["counts"].items():
            total["counts"].setdefault(name, Counter()).update(counts)
    return total


def run(cases: Sequence[Case], jobs: int) -> Figures:
    batches = [cases[start : start + BATCH] for start in range(0, len(cases), BATCH)]
    started = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        total = added(pool.map(figures_of, batches))
    return total | {"seconds": round(time.monotonic() - started)}


def print_table(now: Figures, before: Figures | None) -> None:
    """Figures by strategy; where there are others, each beside what it was before."""
    columns = [now, *([before] if before else [])]
    print(f"{'':52}" + "".join(f"{s:>{9 * len(columns)}}" for s in STRATEGIES))
    if before:
        print(f"{'':52}" + f"{'now':>9}{'before':>9}" * len(STRATEGIES))
    names = sorted({name for figures in columns for name in figures["counts"]})
    for name in names:
        _print_row(name, [figures["counts"].get(name, {}) for figures in columns])
    _print_row("requests", [figures["requests"] for figures in columns])
    for figures in columns:
        most = max(figures["failures"].values(), default=MOST_FAILURES)
        print(
            f"{figures['servers']} servers, {figures['cells']} cells, {figures['seconds']} s; "
            f"{len(figures['failures'])} servers with more than {MOST_FAILURES} failed "
            f"authentications in a row, at most {most}"
        )


def _print_row(name: str, counts: Sequence[dict[str, int]]) -> None:
    cells = (f"{one.get(strategy, 0):>9}" for strategy in STRATEGIES for one in counts)
    print(f"{name[:52]:52}" + "".join(cells))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--servers", type=int, default=60)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--json", type=Path, help="keep the figures")
    parser.add_argument("--against", type=Path, help="print them beside those of another run")
    parser.add_argument(
        "--show", metavar="FAULT", nargs="+", help="print the smallest servers that show these"
    )
    options = parser.parse_args()
    cases = [generated_from(seed) for seed in range(options.first, options.first + options.servers)]
    if options.show:
        found = audit(cases)
        for fault in options.show:
            shown = smallest(found, fault)
            print(told_of(*shown, fault) if shown else f"no server shows {fault}", flush=True)
        return 0
    now = run(cases, options.jobs)
    if options.json:
        options.json.write_text(json.dumps(now, indent=1))
    print_table(now, json.loads(options.against.read_text()) if options.against else None)
    is_false = any(name.startswith("false") for name in now["counts"])
    return 1 if is_false or now["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
