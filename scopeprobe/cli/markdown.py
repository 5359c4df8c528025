"""Markdown on a terminal: no name is cut, no line of code is wrapped."""

from __future__ import annotations

from textwrap import indent

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Markdown, TableElement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

READABLE = 30
"""The columns of a terminal that the widest column of a table needs."""
INDENT = 4
THEME = Theme({"markdown.code": "bold cyan"})
"""Rich's own has black patches, also on white terminals."""


class _Table(TableElement):
    """A table; or a list of its rows, where that leaves too little room for the widest column."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        header = self.header.row if self.header else None
        rows = (header, *(self.body.rows if self.body else ()))
        head, *rest = ([cell.content for cell in row.cells] for row in rows if row)
        widths = [max(cell.cell_len for cell in column) for column in zip(*rest, strict=True)]
        if options.max_width - sum(widths) + max(widths) - 2 * len(widths) >= READABLE:
            yield _as_table(head, rest, widths)
        else:
            text = max(range(1, len(widths)), key=widths.__getitem__)
            yield from _as_list(head, rest, text, options.max_width)


def _as_table(head: list[Text], rows: list[list[Text]], widths: list[int]) -> Table:
    """The widest column is wrapped, and heads are."""
    table = Table(box=box.SIMPLE, pad_edge=False, collapse_padding=True)
    for title, width in zip(head, widths, strict=True):
        least = None if width == max(widths) else width
        table.add_column(title, min_width=least, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _as_list(head: list[Text], rows: list[list[Text]], text: int, width: int) -> RenderResult:
    """Each row with one of its columns as text below the first; the others are titled."""
    yield Text()
    for name, *others in rows:
        name.stylize("bold")
        notes = [
            Text.assemble((f"{title}: ", "dim"), cell)
            for column, (title, cell) in enumerate(zip(head[1:], others, strict=True), start=1)
            if cell and column != text
        ]
        beside = Text("  ").join([name, *notes])
        fits = beside.cell_len <= width
        for depth, line in (
            (0, beside if fits else name),
            *((INDENT, note) for note in notes if not fits),
            (INDENT, others[text - 1]),
        ):
            line.overflow = "fold"
            yield Padding(line, (0, 0, 0, depth))
    yield Text()


class _Code(CodeBlock):
    """Code as it stands: its lines are there to be pasted."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = indent(f"\n{self.text}", " " * INDENT)
        yield Text(code, style="cyan", no_wrap=True, overflow="ignore")


class Page(Markdown):
    """A page of the manual."""

    elements = {**Markdown.elements, "table_open": _Table, "fence": _Code}  # noqa: RUF012 - rich's
