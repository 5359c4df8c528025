"""`scopeprobe init`."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from scopeprobe.cli.schema import Kind
from scopeprobe.errors import InputError

EXAMPLES = """
Examples:

  scopeprobe init

  scopeprobe init ~/audits/corp
"""
FILES = ("clients.toml", "scopes.txt")
SCHEMA = "clients.schema.json"
"""Named by clients.toml, and beside it: it is found wherever the folder goes."""


def init_command(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write.")] = Path(),
) -> None:
    """
    Write a commented clients.toml and scopes.txt to start from. Nothing is overwritten.

    Beside them clients.schema.json, by which editors complete and check clients.toml.
    """
    start = resources.files("scopeprobe.cli").joinpath("start")
    texts = {name: start.joinpath(name).read_text("utf-8") for name in FILES}
    texts[SCHEMA] = Kind.CLIENTS.text
    if there := [folder / name for name in texts if (folder / name).exists()]:
        raise InputError([f"{path}: is there already, and is left as it is" for path in there])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(folder / name, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise InputError([f"{folder}: cannot be written to: {error.strerror}"]) from error
    first, second = (folder / name for name in FILES)
    typer.echo(f"wrote {first} and {second}; next, once they say what is yours:")
    typer.echo(f"  scopeprobe validate {first} --scopes {second}")
    typer.echo(f"  scopeprobe audit {first} --scopes {second}")
