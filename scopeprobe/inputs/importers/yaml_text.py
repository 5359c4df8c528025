"""New entries for a clients file in YAML, put behind those that are there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import StringIO
from textwrap import indent
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, Node

Sections = Mapping[str, tuple[Node, Node]]
"""Of a document: the nodes of key and value by the key."""


class InBrackets(Exception):
    """Nothing can be put behind entries that are written in brackets."""


def yaml_with(text: str, servers: Mapping[str, Any], clients: Sequence[Mapping[str, Any]]) -> str:
    """
    The text with new servers and clients; all that stands in it stays as it is.

    :param text: a clients file in YAML; may be empty.
    :raises InBrackets: servers or clients are.
    """
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += ending
    root = YAML(typ="safe", pure=True).compose(text)
    sections = {key.value: (key, node) for key, node in root.value} if root else {}
    new: dict[str, Any] = {"servers": servers, "clients": clients}
    # The section that stands last goes first: lines above it keep their numbers.
    for section in sorted(new, key=lambda key: _line_of(sections, key), reverse=True):
        if not new[section]:
            continue
        if section not in sections:
            lines.append(f"{section}:{ending}")
            line, column = len(lines), 2
        else:
            line, column = _end_of(*sections[section], lines)
        block = indent(_dumped(new[section]), " " * column).replace("\n", ending)
        lines[line:line] = block.splitlines(keepends=True)
    return "".join(lines)


def _line_of(sections: Sections, section: str) -> float:
    return sections[section][0].start_mark.line if section in sections else math.inf


def _end_of(key: Node, section: Node, lines: Sequence[str]) -> tuple[int, int]:
    """The line behind what belongs to a section, and the column in which its entries stand."""
    if str(section.tag).endswith(":null"):
        return key.start_mark.line + 1, 2
    if not isinstance(section, CollectionNode) or section.flow_style:
        raise InBrackets
    line, column = section.end_mark.line, section.start_mark.column
    if section.end_mark.column:  # the document ends without a newline
        line += 1
    while line > section.start_mark.line and _is_of_what_follows(lines[line - 1], column):
        line -= 1
    return line, column


def _is_of_what_follows(line: str, column: int) -> bool:
    """An empty line, or a comment that stands no deeper than the entries above it."""
    text = line.strip()
    return not text or (text.startswith("#") and line.index("#") <= column)


def _dumped(entries: object) -> str:
    yaml, written = YAML(pure=True), StringIO()
    yaml.width = 10_000
    yaml.dump(entries, written)
    return written.getvalue()
