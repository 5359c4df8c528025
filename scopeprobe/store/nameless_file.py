"""A file without a name: what a run has much of, and looks at little of at a time."""

from __future__ import annotations

import os
import weakref
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.packed import PackedMap

_NONE = -1
"""The descriptor of no file: its former number may be that of another one by now."""


class NamelessFile:
    """
    Takes permission maps out of memory, and gives each back for as long as somebody has it.

    It is made in the folder of the run when the first map comes, and ends with the process, with
    the last of its maps, or when it is closed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = _NONE
        self._end = 0

    def put(self, permissions: PermissionMap) -> PackedMap:
        """The same map, out of memory; in memory where the file cannot take it."""
        one = PackedMap.of(permissions)
        content, start = one.packed, self._end
        try:
            if self._descriptor == _NONE:
                self._begin()
            written = os.pwrite(self._descriptor, content, start)
        except OSError:
            return one
        if written < len(content):
            return one
        self._end += written
        return one.read_by(partial(self._read, start, written))

    def close(self) -> None:
        """No map can be read any more: that raises OSError."""
        if self._descriptor != _NONE:
            self._give_up()
            self._descriptor = _NONE

    def _begin(self) -> None:
        with TemporaryFile(dir=self._folder) as file:
            self._descriptor = os.dup(file.fileno())
        self._give_up = weakref.finalize(self, os.close, self._descriptor)

    def _read(self, start: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, start)
