"""The log file: a thread of its own appends what the event loop puts into it."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from scopeprobe.cli.log_lines import LogLine
from scopeprobe.cli.streams import say
from scopeprobe.errors import InputError

REST = 0.05
"""Seconds that the thread waits for more lines before it writes again."""


class LogFile:
    """A file that lines are appended to, as long as that can be done: the run is worth more."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._is_lost = False
        self._lines: SimpleQueue[LogLine | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._append, name="log", daemon=True)
        self._thread.start()

    def put(self, line: LogLine) -> None:
        """Have a line appended soon; nobody waits for it."""
        self._lines.put(line)

    def close(self) -> None:
        """Write what is left and end the thread."""
        self._lines.put(None)
        self._thread.join()

    def _append(self) -> None:
        is_open = True
        while is_open:
            batch: list[LogLine] = []
            while (line := self._lines.get()) is not None:
                batch.append(line)
                if self._lines.empty():
                    break
            is_open = line is not None
            self._write("".join(f"{line.as_json()}\n" for line in batch))
            if is_open:
                time.sleep(REST)

    def _write(self, text: str) -> None:
        content = b"" if self._is_lost else text.encode(errors="replace")
        try:
            while content:
                content = content[os.write(self._descriptor, content) :]
        except OSError as error:
            self._is_lost = True
            say(
                f"notice: --log-file {self._path}: {error.strerror}; the run goes on, and nothing"
                " more is logged there"
            )


@contextmanager
def log_file(path: Path | None) -> Iterator[LogFile | None]:
    """Open the log file for appending, readable by its owner alone."""
    if path is None:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError([f"--log-file {path}: {error.strerror}"]) from error
    try:
        is_ours = os.fstat(descriptor).st_uid == os.geteuid()
        if is_ours and stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)
        file = LogFile(path, descriptor)
        try:
            yield file
        finally:
            file.close()
    finally:
        os.close(descriptor)
