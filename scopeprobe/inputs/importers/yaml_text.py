"""New entries for a clients file in YAML, put behind those that are there."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from io import StringIO
from itertools import accumulate
from textwrap import indent
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, Node

BYTE_ORDER_MARK = "\ufeff"
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
    if text.startswith(BYTE_ORDER_MARK):
        return BYTE_ORDER_MARK + yaml_with(text.removeprefix(BYTE_ORDER_MARK), servers, clients)
    ending = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        text += ending
    lines = re.findall(r"[^\n]*\n", text)
    root = YAML(typ="safe", pure=True).compose(text)
    sections = {key.value: (key, node) for key, node in root.value} if root else {}
    new: dict[str, Any] = {"servers": servers, "clients": clients}
    # The section that stands last goes first: lines above it keep their numbers.
    for name in sorted(new, key=lambda name: _index_of(sections, name), reverse=True):
        if not new[name]:
            continue
        if name not in sections:
            lines.append(f"{name}:{ending}")
            line, column = len(lines), 2
        else:
            line, column = _end_of(*sections[name], lines)
        block = indent(_dumped(new[name]), " " * column).replace("\n", ending)
        lines[line:line] = block.splitlines(keepends=True)
    return "".join(lines)


def _index_of(sections: Sections, name: str) -> float:
    return sections[name][0].start_mark.index if name in sections else math.inf


def _end_of(key: Node, section: Node, lines: Sequence[str]) -> tuple[int, int]:
    """The line behind what belongs to a section, and the column in which its entries stand."""
    if str(section.tag).endswith(":null"):
        return _line_at(key.start_mark.index, lines) + 1, 2
    if not isinstance(section, CollectionNode) or section.flow_style:
        raise InBrackets
    first, line = (_line_at(mark.index, lines) for mark in (section.start_mark, section.end_mark))
    column = section.start_mark.column
    while line > first and _is_of_what_follows(lines[line - 1], column):
        line -= 1
    return line, column


def _line_at(index: int, lines: Sequence[str]) -> int:
    """The number of the line that holds a character, from 0; YAML counts lines otherwise."""
    return bisect_right([*accumulate(map(len, lines))], index)


def _is_of_what_follows(line: str, column: int) -> bool:
    """An empty line, or a comment that stands no deeper than the entries above it."""
    text = line.strip()
    return not text or (text.startswith("#") and line.index("#") <= column)


def _dumped(entries: object) -> str:
    yaml, written = YAML(pure=True), StringIO()
    yaml.width = 10_000
    yaml.dump(entries, written)
    return written.getvalue()
