"""Fleets of more servers than files may be open, and than requests may be in the air."""

import math
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bound import bound
from granting import FAST, grants
from harness import (
    Entry,
    Reply,
    command,
    raw_server,
    scopeprobe,
    summary,
    verdicts,
    write_inputs,
)

SERVERS = 1300


def addresses(count):
    """Of this machine: as many hosts as are wanted, at one port."""
    return [f"127.0.{n // 250}.{n % 250 + 1}" for n in range(count)]


def most_open_files(process):
    """While it runs, by the folder in which Linux shows them."""
    most, folder = 0, Path(f"/proc/{process.pid}/fd")
    while process.poll() is None:
        with suppress(OSError):  # it ended just now
            most = max(most, len(list(folder.iterdir())))
        time.sleep(0.005)
    return most


def test_1300_servers_are_all_judged_with_1024_open_files(tmp_path):
    """Also where the loop comes round late: files of connections are closed by then only."""
    with (
        raw_server(grants("a"), host="0.0.0.0") as server,
        (tmp_path / "stderr").open("w") as stderr,
    ):
        servers = {
            f"s{n}": f'token_endpoint = "http://{host}:{server.port}/token"\n{FAST}'
            for n, host in enumerate(addresses(SERVERS))
        }
        entries = [Entry(f"c{n}", f"s{n}") for n in range(SERVERS)]
        arguments, environment = write_inputs(tmp_path, servers, entries, ["a", "b"])
        audit = command("audit", *arguments, "-o", tmp_path / "out", "--yes")
        with subprocess.Popen(
            bound(["sh", "-c", 'ulimit -Sn 256; ulimit -Hn 1024; exec "$@"', "sh", *audit]),
            env={**environment, "PATH": "/usr/bin:/bin"},
            stderr=stderr,
        ) as process:
            most = most_open_files(process)
    told = (tmp_path / "stderr").read_text()
    assert process.returncode == 0, told[-2000:]
    assert most < 900
    found = verdicts(tmp_path / "out")
    assert {found[f"c{n}", "a"] for n in range(SERVERS)} == {"granted"}
    assert {found[f"c{n}", "b"] for n in range(SERVERS)} == {"denied"}
    assert "ulimit -n 2000" in told


def test_300_tarpits_hold_no_healthy_server_back(tmp_path):
    """
    They accept and say nothing; four clients each would fill all 256 places.

    Once in three times is enough: the machine may have other things to do.
    """
    scopes, patient = [f"s{n}" for n in range(30)], f'timeout = "5s"\n{FAST}'

    def seconds_with(tarpits, folder):
        folder.mkdir()
        with (
            raw_server(lambda asked: replace(grants("s0")(asked), delay=0.04)) as healthy,
            raw_server(lambda _asked: Reply(delay=60), host="0.0.0.0") as tarpit,
        ):
            servers = {
                f"t{n}": f'token_endpoint = "http://{host}:{tarpit.port}/token"\n{patient}'
                for n, host in enumerate(tarpits)
            }
            servers["zz"] = f'token_endpoint = "{healthy.url}/token"\nrate_group = "zz"\n{FAST}'
            entries = [Entry(f"{name}-{n}", name) for name in servers for n in range(4)]
            arguments, environment = write_inputs(folder, servers, entries, scopes)
            scopeprobe(
                "audit", *arguments, "-o", folder / "out", "--max-time", "4s", env=environment
            )
            (told,) = (one for one in summary(folder / "out")["servers"] if one["name"] == "zz")
            found = verdicts(folder / "out")
        verdicts_of = {(found[f"zz-{n}", "s0"], found[f"zz-{n}", "s1"]) for n in range(4)}
        return told["seconds"] if verdicts_of == {("granted", "denied")} else math.inf

    alone = seconds_with([], tmp_path / "alone")
    assert alone < math.inf
    beside_them = (seconds_with(addresses(300), tmp_path / f"beside-{n}") for n in range(3))
    assert any(seconds < 1.5 * alone + 0.5 for seconds in beside_them)
