"""What a console of 80 columns shows."""

from io import StringIO

from rich.console import Console


def printed(renderable, width=80):
    """The lines, without the spaces at their ends."""
    paper = StringIO()
    Console(file=paper, width=width).print(renderable)
    return [line.rstrip() for line in paper.getvalue().splitlines()]
