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
"""The columns of a terminal that the last column of a table needs."""
INDENT = 4
THEME = Theme({"markdown.code": "bold cyan"})
"""Rich's own has black patches, also on white terminals."""


class _Table(TableElement):
    """A table; or a list of its rows, where that leaves too little room for the last column."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        header = self.header.row if self.header else None
        rows = (header, *(self.body.rows if self.body else ()))
        head, *rest = ([cell.content for cell in row.cells] for row in rows if row)
        widths = [max(text.cell_len for text in column) for column in zip(head, *rest, strict=True)]
        if options.max_width - sum(widths[:-1]) - 2 * len(widths) >= READABLE:
            yield _as_table(head, rest)
        else:
            yield from _as_list(head, rest)


def _as_table(head: list[Text], rows: list[list[Text]]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, collapse_padding=True)
    for title in head[:-1]:
        table.add_column(title, no_wrap=True)
    table.add_column(head[-1], overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _as_list(head: list[Text], rows: list[list[Text]]) -> RenderResult:
    """Each row with its last cell below the others, of which those in the middle are titled."""
    yield Text()
    for name, *between, last in rows:
        line = Text(overflow="fold").append_text(name)
        line.stylize("bold")
        for title, cell in zip(head[1:-1], between, strict=True):
            if cell:
                line.append(f"  {title.plain}: {cell.plain}", style="dim")
        yield line
        last.overflow = "fold"
        yield Padding(last, (0, 0, 0, INDENT))
    yield Text()


class _Code(CodeBlock):
    """Code as it stands: its lines are there to be pasted."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = indent(f"\n{self.text}", " " * INDENT)
        yield Text(code, style="cyan", no_wrap=True, overflow="ignore")


class Page(Markdown):
    """A page of the manual."""

    elements = {**Markdown.elements, "table_open": _Table, "fence": _Code}  # noqa: RUF012 - rich's
