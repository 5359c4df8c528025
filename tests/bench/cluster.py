"""
What it costs to have an audit asked by the workers of a cluster.

    python tests/bench/cluster.py [REQUESTS] [--json FILE]

Saturated: one worker asks a server that answers at once; processor time per request of the worker,
of the scheduler and of the main process, until the last answer is committed and to the end.
Rate-bound: several groups at 20/s, on one machine and on a cluster; the seconds of both, and the
smallest gap between two requests of a group, by the server's clock.
Prints a table and JSON; the machine is shared, so the ratios count.
"""

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from dask_cluster import dask_cluster
from harness import Reply, raw_server, scopeprobe_process, started, token_body
from long_runs import inputs

IDLE = 5
"""Seconds for which a scheduler that has nothing to do is looked at."""
RATE, GROUPS, SCOPES_OF_A_GROUP = 5, 4, 60


def processor_time(process):
    """Seconds that a running process has computed so far."""
    after_its_name = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, after_its_name[11:13])) / os.sysconf("SC_CLK_TCK")


def listing(asked):
    """Lists what was asked, but for what was invented."""
    if "canary" in (asked.scopes or ""):
        return Reply(400, b'{"error":"invalid_scope"}')
    return Reply(body=token_body(scope=asked.scopes or ""))


def saturated(folder, requests):
    """Microseconds a request of each process, and of them those of an idle scheduler."""
    scopes = [f"s{n:04}" for n in range(requests // 50)]
    more = "in_flight = 50\nmax_auth_failures = 50"
    with raw_server(listing) as server, dask_cluster(folder / "cluster") as cluster:
        words, environment = inputs(
            folder, server, 50, scopes=scopes, rate="100000/s", servers=1, more=more
        )
        cluster.start()
        worker = cluster.add_worker("one", env=environment)
        idle = processor_time(cluster.processes[0])
        time.sleep(IDLE)
        idle = (processor_time(cluster.processes[0]) - idle) / IDLE
        main = started(*words, "--cluster", cluster.address)
        processes = {"worker": worker, "scheduler": cluster.processes[0], "main": main}

        def wait(share):
            while len(server.asked) < share * requests and main.poll() is None:
                time.sleep(0.01)
            return len(server.asked), {
                name: processor_time(process) for name, process in processes.items()
            }

        first, before = wait(0.1)
        began = time.monotonic()
        last, after = wait(0.9)
        seconds = time.monotonic() - began
        main.communicate()
    cost = {name: 1e6 * (after[name] - before[name]) / (last - first) for name in processes}
    return cost, 1e6 * idle * seconds / (last - first)


def rate_bound(folder):
    """Seconds on one machine and on a cluster, and the smallest gap of a group in requests."""
    scopes = [f"s{n:04}" for n in range(SCOPES_OF_A_GROUP)]
    found = {}
    with raw_server(listing) as server, dask_cluster(folder / "cluster") as cluster:
        cluster.start()
        for place in ("one machine", "cluster"):
            words, environment = inputs(
                folder / place, server, 2 * GROUPS, scopes=scopes, rate=f"{RATE}/s", servers=GROUPS
            )
            server.asked.clear()
            if place == "cluster":
                for name in ("one", "two"):
                    cluster.add_worker(name, env=environment)
                words = [*words, "--cluster", cluster.address]
            ended = scopeprobe_process(*words, env=environment if place != "cluster" else None)
            assert ended.returncode == 0, ended.stderr
            times = defaultdict(list)
            for asked in server.asked:
                times[asked.path].append(asked.at)
            found[place] = {
                "seconds": max(max(one) - min(one) for one in times.values()),
                "requests": len(server.asked),
                "most in a second": max(
                    sum(begin <= at < begin + 1 for at in one)
                    for one in times.values()
                    for begin in one
                ),
                "smallest gap": min(b - a for one in times.values() for a, b in pairwise(one)),
            }
    return found


def main():
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    requests = int(words[0]) if words else 20_000
    with tempfile.TemporaryDirectory() as folder:
        cost, idle = saturated(Path(folder), requests)
    share = (cost["scheduler"] + cost["main"]) / cost["worker"]
    for name, microseconds in cost.items():
        print(f"saturated   {name:12} {microseconds:7.0f} us of processor time a request")
    print(f"saturated   of the scheduler's, {idle:.0f} us are what it takes with nothing to do")
    print(f"saturated   scheduler and main: {share:.0%} of the worker's")
    with tempfile.TemporaryDirectory() as folder:
        bound = rate_bound(Path(folder))
    for place, told in bound.items():
        print(
            f"rate-bound  {place:12} {told['seconds']:6.1f} s, {told['requests']} requests,"
            f" {told['most in a second']} in a second at most (rate {RATE}/s)"
        )
    ratio = bound["cluster"]["seconds"] / bound["one machine"]["seconds"]
    print(f"rate-bound  cluster / one machine: {ratio:.3f}")
    print(
        json.dumps(
            {
                "saturated_us": cost,
                "idle_us": idle,
                "share": share,
                "rate_bound": bound,
                "ratio": ratio,
            }
        )
    )


if __name__ == "__main__":
    main()
