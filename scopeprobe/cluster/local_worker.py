"""A worker of `local:N`: Ctrl-C in a terminal is for who started it, who tells it to stop."""

from __future__ import annotations

import signal

from distributed import Worker


def dask_setup(_worker: Worker) -> None:
    """Dask calls this before the worker begins."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
