"""
On which line of a clients file each client begins: every run tells it in its reports.

So it has to be quick; for messages, outline.py finds the lines of all values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

_TOML = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|^[ \t]*(?P<client>\[\[[ \t]*clients[ \t]*\]\])",
    re.DOTALL | re.MULTILINE,
)
"""Texts and comments, in which brackets mean nothing, and the heads of clients outside of them."""
_JSON = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{}]', re.DOTALL)
_CLIENT_DEPTH = 2
"""Of a client in JSON: in a list in an object."""


def lines_in_toml(text: str) -> tuple[int, ...]:
    """The lines of `[[clients]]`, of a text that is valid TOML; none of clients in one list."""
    return _lines_of(text, (m.start("client") for m in _TOML.finditer(text) if m["client"]))


def lines_in_json(text: str) -> tuple[int, ...]:
    """The lines of the items of `clients`, of a text that is valid JSON."""
    return _lines_of(text, _json_clients(text))


def lines_in_yaml(root: Node) -> tuple[int, ...]:
    """The lines of the items of `clients`, of a document of YAML."""
    if not isinstance(root, MappingNode):
        return ()
    lists = (value for key, value in root.value if key.value == "clients")
    return tuple(
        item.start_mark.line + 1
        for found in lists
        if isinstance(found, SequenceNode)
        for item in found.value
    )


def _json_clients(text: str) -> Iterator[int]:
    depth, key, are_clients = 0, "", False
    for token in _JSON.finditer(text):
        match token[0]:
            case "{" | "[":
                if depth == _CLIENT_DEPTH and are_clients:
                    yield token.start()
                elif depth == 1:
                    are_clients = key == '"clients"'
                depth += 1
            case "}" | "]":
                depth -= 1
            case name if depth == 1:
                key = name


def _lines_of(text: str, positions: Iterable[int]) -> tuple[int, ...]:
    lines, line, counted = [], 1, 0
    for position in positions:
        line += text.count("\n", counted, position)
        counted = position
        lines.append(line)
    return tuple(lines)
