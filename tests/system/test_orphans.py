"""Nothing that a test started outlives it, however its pytest ends."""

import os
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path

import pytest
from bound import bound

SERVERS = Path(__file__).parent / "real" / "test_servers.py"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")


def processes_with(mark):
    """The command lines of the processes that have this word in their environment."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            if mark.encode() in (folder / "environ").read_bytes():
                yield (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_the_servers_of_a_killed_pytest_end_with_it():
    mark = uuid.uuid4().hex
    words = [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", "-k", "authlib"]
    with subprocess.Popen(
        bound([*words, SERVERS]),
        env={**os.environ, "STARTED_BY": mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    ) as tests:
        while not any("gunicorn" in line for line in processes_with(mark)):
            assert tests.poll() is None
            time.sleep(0.02)
        tests.kill()
    while list(processes_with(mark)):  # pytest's time limit is the limit
        time.sleep(0.05)
