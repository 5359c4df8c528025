"""`scopeprobe schema`."""

from __future__ import annotations

from enum import StrEnum
from importlib import resources
from typing import Annotated, Self

import typer

from scopeprobe.cli.streams import print_data

EXAMPLES = """
Examples:

  scopeprobe schema clients > clients.schema.json

  scopeprobe schema policy > policy.schema.json

An editor takes it from a line at the top of the file, in TOML and in YAML:

  #:schema ./clients.schema.json

  # yaml-language-server: $schema=clients.schema.json
"""


class Kind(StrEnum):
    """The files that have a JSON Schema, and where the package keeps it."""

    CLIENTS = "clients", "inputs", "clients.json"
    POLICY = "policy", "inputs", "policy.json"
    BASELINE = "baseline", "inputs", "baseline.json"
    LAB = "lab", "lab", "lab.json"
    REPORT = "report", "reports", "report-1.json"
    CELL = "cell", "reports", "cell-1.json"

    room: str
    file: str

    def __new__(cls, name: str, room: str, file: str) -> Self:
        member = str.__new__(cls, name)
        member._value_ = name
        member.room, member.file = room, file
        return member

    @property
    def text(self) -> str:
        place = resources.files("scopeprobe").joinpath(self.room, "schemas", self.file)
        return place.read_text("utf-8")


def schema_command(
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help=", ".join(Kind), show_default=False)],
) -> None:
    """
    Print the JSON Schema of a file: for editors that complete and check what you write.

    `clients`, `policy`, `baseline` and `lab` are files that people write; `report` is report.json,
    and `cell` a line of report.jsonl.
    """
    print_data(kind.text)
