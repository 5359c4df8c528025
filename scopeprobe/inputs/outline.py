"""
Where the values of a document stand, for messages about them.

A text is looked through once, and only when a line is asked for: the parsers of TOML and JSON keep
no positions.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

Steps: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys, and indices that count from 0."""
FindLines: TypeAlias = Callable[[], Iterator[tuple[Steps, int]]]
"""The line of every value of a document, or of as many as are told apart."""


@dataclass(frozen=True, eq=False)
class Outline:
    """The plain data of a document, and the lines of its values."""

    data: object = field(default=None, repr=False)
    find_lines: FindLines = field(default=lambda: iter(()), repr=False)

    @cached_property
    def _lines(self) -> dict[Steps, int]:
        found: dict[Steps, int] = {}
        for steps, line in self.find_lines():
            found.setdefault(steps, line)
        return found

    def line_of(self, steps: Steps) -> int | None:
        """The line of a value, or of the innermost one around it that is known."""
        around = (steps[:length] for length in range(len(steps), 0, -1))
        return next((self._lines[one] for one in around if one in self._lines), None)

    def value_at(self, steps: Steps) -> object:
        """None where there is none."""
        value = self.data
        for step in steps:
            match value, step:
                case dict(), str() if step in value:
                    value = value[step]
                case list(), int() if step < len(value):
                    value = value[step]
                case _:
                    return None
        return value


# -- TOML: statement by statement, each read by the parser itself


def lines_of_toml(text: str) -> Iterator[tuple[Steps, int]]:
    table: Steps = ()
    latest: Counter[Steps] = Counter()
    """The index of the last table of each array of tables."""
    for number, statement in _statements(text):
        members = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            header = _header(members)
            table = _within(header, latest)
            if statement.lstrip().startswith("[["):
                latest[table] += 1
                table = (*table, latest[table] - 1)
            yield from ((table[:length], number) for length in range(1, len(table) + 1))
        else:
            yield from ((steps, number) for steps in _members(members, table))


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Headers and assignments with the line on which they begin, one of several lines as one."""
    statement, begins = "", 1
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not statement:
            begins = number
        is_first, statement = not statement, statement + line
        if is_first or line.partition("#")[0].rstrip().endswith(("]", "}", '"""', "'''")):
            try:
                tomllib.loads(statement)
            except tomllib.TOMLDecodeError:
                continue
            yield begins, statement
            statement = ""


def _header(members: object) -> Steps:
    steps: Steps = ()
    while members:
        if isinstance(members, list):
            members = members[0]
        elif isinstance(members, dict):
            ((key, members),) = members.items()
            steps = (*steps, key)
    return steps


def _within(header: Steps, latest: Counter[Steps]) -> Steps:
    """The header of a table below an array of tables belongs to the last one of these."""
    steps: Steps = ()
    for position, key in enumerate(header, start=1):
        steps = (*steps, key)
        if position < len(header) and latest[steps]:
            steps = (*steps, latest[steps] - 1)
    return steps


def _members(value: object, table: Steps) -> Iterator[Steps]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*table, key)
            yield from _members(inner, (*table, key))


# -- YAML


def lines_of_yaml(root: Node) -> Iterator[tuple[Steps, int]]:
    yield from _of_node(root, (), set())


def _of_node(node: Node, steps: Steps, above: set[int]) -> Iterator[tuple[Steps, int]]:
    if id(node) in above:
        return
    yield steps, node.start_mark.line + 1
    if isinstance(node, MappingNode):
        for key, value in node.value:
            inner = (*steps, str(key.value))
            yield inner, key.start_mark.line + 1
            yield from _of_node(value, inner, above | {id(node)})
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            yield from _of_node(value, (*steps, index), above | {id(node)})


# -- JSON

_DECODER = json.JSONDecoder()


def lines_of_json(text: str) -> Iterator[tuple[Steps, int]]:
    found: list[tuple[Steps, int]] = []
    _walk(text, _after_space(text, 0), (), found)
    line, position = 1, 0
    for steps, place in found:
        line, position = line + text.count("\n", position, place), place
        yield steps, line


def line_of_second(text: str) -> int | None:
    """The line of the first member of an object that stands there twice."""
    found: list[tuple[Steps, int]] = []
    with suppress(ValueError, IndexError):  # what follows may be broken, too
        _walk(text, _after_space(text, 0), (), found)
    seen: set[Steps] = set()
    for steps, place in found:
        if steps in seen:
            return 1 + text.count("\n", 0, place)
        seen.add(steps)
    return None


def _walk(text: str, position: int, steps: Steps, found: list[tuple[Steps, int]]) -> int:
    """Note the position of a value and of all in it; where it ends."""
    found.append((steps, position))
    opening = text[position]
    if opening not in "{[":
        return _DECODER.raw_decode(text, position)[1]
    index, position = 0, _after_space(text, position + 1)
    while text[position] not in "}]":
        step: str | int = index
        if opening == "{":
            step, position = _DECODER.raw_decode(text, position)
            position = _after_space(text, _after_space(text, position) + 1)
        position = _after_space(text, _walk(text, position, (*steps, step), found))
        if text[position] == ",":
            position = _after_space(text, position + 1)
        index += 1
    return position + 1


def _after_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position
