"""Names in tables: as wide as there is room, cut in the middle, and never two that look alike."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

SHORTEST = 8
"""Columns that a name gets in any case."""
GAP = "…"


class Names:
    """All names of one column, each of which becomes a cell by `cell`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._cut: dict[int, dict[str, str]] = {}
        self.longest = max(map(len, self._names), default=0)

    def cell(self, name: str, style: str = "") -> Name:
        return Name(name, self, style)

    def cut(self, name: str, width: int) -> str:
        """The name in so many columns, or longer where it would look like another one."""
        if len(name) <= width:
            return name
        if width not in self._cut:
            self._cut[width] = self._cut_to(width)
        return self._cut[width].get(name, name)

    def _cut_to(self, width: int) -> dict[str, str]:
        """Every name, cut where all of them can still be told apart; uncut where none is found."""
        middle = width // 2
        for head in sorted(range(1, width - 1), key=lambda head: abs(head - middle)):
            cut = {name: _cut(name, head, width) for name in self._names}
            if len({*cut.values()}) == len(cut):
                return cut
        return {}


def _cut(name: str, head: int, width: int) -> str:
    if len(name) <= width:
        return name
    return name[:head] + GAP + name[len(name) - (width - head - len(GAP)) :]


class Name:
    """A cell that may be cut on a terminal; what goes to a pipe or a file has it whole."""

    def __init__(self, name: str, names: Names, style: str = "") -> None:
        self._name = name
        self._names = names
        self._style = style

    def __rich_measure__(self, _console: Console, options: ConsoleOptions) -> Measurement:
        least = min(SHORTEST, len(self._name)) if options.is_terminal else len(self._name)
        return Measurement(least, max(self._names.longest, least))

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self._names.cut(self._name, options.max_width), self._style, no_wrap=True)
