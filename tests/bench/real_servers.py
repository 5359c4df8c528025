"""
What three nights of audits find on real authorization servers, beside the truth.

    python tests/bench/real_servers.py [NAME...]     those whose names begin so; else all
    python tests/bench/real_servers.py --list

All of them take about four minutes. Each server runs here, with the clients of
tests/support/real/fleets. What is not installed comes from npm, PyPI and Debian into a folder of
its own (REAL_SERVERS; by default ~/.cache/scopeprobe-servers). Night 2 is as night 1; on night 3
one grant is new and one is gone.

A line is one server and strategy, all nights together: cells, those that are right, `unknown` by
reason, false verdicts, requests by night, and the most failed authentications of one client in a
night. False verdicts are told in lines of their own; then the exit code is 1.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "support" / "real")]
os.environ["SSL_CERT_FILE"] = os.devnull

from catalogue import SERVERS  # noqa: E402 - of the tests beside this folder
from three_nights import three_nights  # noqa: E402


def tell(name, strategy, nights):
    """Print the line of one server and strategy; return how many verdicts were false."""
    cells = sum(len(night.found) for night in nights)
    false = sum(len(night.false()) for night in nights)
    needless = sum(len(night.needlessly_unknown()) for night in nights)
    unknown = sum((night.unknown_by_reason() for night in nights), Counter())
    reasons = ", ".join(f"{n} {reason}" for reason, n in unknown.most_common()) or "-"
    print(
        f"{name:32} {strategy:9}{cells:6}{cells - false - needless:6}{needless:9}{false:6}  "
        f"{'+'.join(str(night.requests) for night in nights):13}"
        f"{max(night.failures for night in nights):4}"
        f"{sum(night.seconds for night in nights):7.1f}  {reasons}",
        flush=True,
    )
    for n, night in enumerate(nights, 1):
        for (client, *_, verdict, reason, truth), scopes in wrong_by_client(night).items():
            print(f"    night {n}: {client}: {verdict} ({reason}), is {truth}: {' '.join(scopes)}")
    return false


def wrong_by_client(night):
    """Group the scopes of false verdicts that are alike."""
    groups = defaultdict(list)
    for (client, *resource, scope), found in night.false().items():
        truth = night.server.truth[client, *resource, scope]
        groups[client, *resource, *found, truth].append(scope)
    return groups


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="print the names")
    options = parser.parse_args()
    chosen = [name for name in SERVERS if name.startswith(tuple(options.names) or "")]
    if options.list or not chosen:
        print(*SERVERS, sep="\n")
        sys.exit(0 if options.list else 2)
    print(
        f"{'server':32} {'strategy':9} cells right needless false  requests     fail"
        "      s  unknown"
    )
    false = 0
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            nights = three_nights(SERVERS[name], Path(folder))
        false += sum(tell(name, strategy, nights[strategy]) for strategy in nights)
    sys.exit(false > 0)


if __name__ == "__main__":
    main()
