"""What benchmarks share: a server that is never the reason for waiting, an audit of it, tables."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

from scopeprobe.cli import main

SERVER = Path(__file__).parents[1] / "bench" / "fast_server.mjs"
ROUNDS = 5


@contextmanager
def fast_server(milliseconds: int = 0) -> Iterator[str]:
    """The address of a token endpoint that answers after so long."""
    words = ["node", str(SERVER), str(milliseconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def asked(address: str) -> dict[str, list[float]]:
    """When each path was asked since this was last called, in seconds."""
    with urlopen(f"{address}/asked") as answer:
        told = json.load(answer)
    return {path: [at / 1000 for at in times] for path, times in told.items()}


@dataclass(frozen=True)
class Measured:
    """One audit from the outside: all of it, start of the program excepted."""

    requests: int
    seconds: float
    processor_seconds: float


def audited(
    folder: Path, servers: Mapping[str, str], names: Mapping[str, int], scopes: Sequence[str]
):
    """Audit so many clients of each server with journal, CSV and a JSON log file; measure it."""
    folder.mkdir()
    os.environ["BENCH_SECRET"] = "secret-of-all"
    settings = [f"[servers.{name}]\n{text}\n" for name, text in servers.items()]
    settings += [
        f'[[clients]]\nname = "{server}-{n}"\nserver = "{server}"\nclient_id = "{server}-{n}"\n'
        'client_secret = { env = "BENCH_SECRET" }\n'
        for server, count in names.items()
        for n in range(count)
    ]
    clients, wanted, out = folder / "clients.toml", folder / "scopes.txt", folder / "out"
    clients.write_text("\n".join(settings))
    wanted.write_text("\n".join(scopes))
    log = ("--log-file", folder / "log.json", "--log-format", "json", "-q")
    words = ("audit", clients, "--scopes", wanted, "--out", out, *log)
    began, spent = time.perf_counter(), time.process_time()
    code = main([*map(str, words)])
    seconds, processor = time.perf_counter() - began, time.process_time() - spent
    assert code == 0, f"exit code {code}"
    summary = json.loads((out / "summary.json").read_text())
    return Measured(summary["requests"], seconds, processor)


def has_uvloop() -> bool:
    return find_spec("uvloop") is not None


def alternating(contenders: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS):
    """What each contender measured in each round, all of them in every round."""
    found: dict[str, list[Any]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            found[name].append(measure())
    return found


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """The median of the ratios of neighbors: what else the machine did weighs on both."""
    return median(one / other for one, other in zip(of, to, strict=True))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    texts = [[*columns], *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    print(f"\n{title}")
    for first, *others in texts:
        cells = (text.rjust(width) for text, width in zip(others, widths[1:], strict=True))
        print("  ".join((first.ljust(widths[0]), *cells)))


def finish(figures: Mapping[str, object], targets: Mapping[str, bool]) -> None:
    """Print all figures as JSON, and end with exit code 1 where a target is missed."""
    print("\n" + json.dumps({**figures, "targets": targets}))
    for name, is_met in targets.items():
        if not is_met:
            print(f"missed: {name}", file=sys.stderr)
    sys.exit(not all(targets.values()))
