"""
TOML, YAML, JSON and CSV text, read as plain data.

An error says where the text is broken and never quotes it: it may hold a secret.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node

from scopeprobe.errors import InputError
from scopeprobe.inputs.clients_csv import CsvError, read_csv_clients
from scopeprobe.inputs.outline import (
    Outline,
    line_of_second,
    lines_of_json,
    lines_of_toml,
    lines_of_yaml,
)
from scopeprobe.inputs.problems import Place
from scopeprobe.inputs.sources import Source, StandardInput, file_of, name_of, text_of

MOST_VALUES = 1_000_000
"""The most that a YAML document may hold once its aliases are expanded (CWE-776)."""
DEEPEST = 100

TOML_ERROR = re.compile(r"(?P<words>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)")
_TOML_CAUSES = {
    "Cannot ": "a key or table is given twice: take one of them out",
    "Duplicate ": "a key or table is given twice: take one of them out",
    "Invalid value": "a value is missing, or is text without quotes",
    "Expected '=' after a key": "a key without `=` behind it",
    "Expected newline or end of document": "more stands on the line than one key and its value:"
    " text needs quotes around all of it",
    "Unclosed array": "a list is not closed, or a comma is missing in it",
    "Unclosed inline table": "a table in braces is not closed, or a comma is missing in it",
    "Illegal character": "a quotation mark is missing at the end of the line, or the text holds a"
    " control character",
    "Unterminated string": "a quotation mark is missing at the end",
    "Unescaped": "a backslash stands alone: write it twice, or the text in 'single quotes'",
    "Expected ']": "a bracket is missing at the end of the name of a table",
    "Invalid statement": "a line that is neither a key nor a table: comments begin with #",
    "Invalid initial character for a key part": "a key begins with a character for which it needs"
    " quotes",
    "Invalid date or datetime": "there is no such date",
}
"""By how messages of `tomllib` begin, which may quote the document. Else: is not valid TOML."""
_YAML_CAUSES = {
    "mapping values are not allowed": "a colon where none can be: text with a colon needs"
    " quotes, or the indentation does not fit",
    "could not find expected ':'": "a key without a colon behind it",
    "'\\t' that cannot start any token": "a tab: YAML is indented by spaces",
    "cannot start any token": "text that begins with this character needs quotes",
    "expected <block end>": "the indentation does not fit the lines above",
    "expected ',' or": "a list or table in brackets is not closed, or a comma is missing in it",
    "unexpected end of stream": "a quotation mark is missing at the end",
    "undefined alias": "an alias (*name) without an anchor (&name)",
    "could not determine a constructor": "a tag (!name) that is not known here",
    "but found another document": "a second document (---): a file has one",
}
"""By pieces of the messages of `ruamel.yaml`, which may quote the document."""
_JSON_CAUSES = {
    "Expecting property name": "a name in double quotes is missing, or a comma is too many",
    "Illegal trailing comma": "a comma is too many",
    "Expecting ',' delimiter": "a comma is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Expecting value": "a value is missing, or is text without quotes, or a comma is too many",
    "Unterminated string": "a quotation mark is missing at the end",
    "Invalid control character": "a quotation mark is missing at the end of the line, or the text"
    " holds a control character",
    "Invalid \\escape": "a backslash stands alone: write it twice",
    "Extra data": "more follows behind the document",
}
"""By how messages of `json` begin."""


@dataclass(frozen=True, slots=True)
class Document:
    """The plain data of one file, and what is needed of the file to check it."""

    place: Place
    folder: Path
    """Relative paths in the document start here."""
    is_exposed: bool
    """Group or others can read the file."""
    file: str = ""
    """As it was named; empty where it is no file."""

    @property
    def data(self) -> object:
        return self.place.outline.data


class ParseError(Exception):
    """The text is not what the file's ending says; line and column where that shows."""

    def __init__(self, words: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.position = "".join(f":{one}" for one in (line, column) if one is not None)


class DuplicateMember(ParseError):
    """An object of JSON has one twice."""


def read_document(source: Source, standard_input: StandardInput) -> Document:
    """Read a file as its ending says, and standard input as YAML or JSON."""
    name = name_of(source)
    parse = _parser_for(source)
    try:
        outline = parse(text_of(source, standard_input))
    except ParseError as error:
        raise InputError([f"{name}{error.position}: {error.words}"]) from None
    except RecursionError:
        raise InputError([f"{name}: is nested too deeply"]) from None
    path = file_of(source)
    place = Place(name, outline=outline)
    if path is None:
        return Document(place, Path(), is_exposed=False)
    return Document(place, path.parent, _is_exposed(path), name)


def _parser_for(source: Source) -> Callable[[str], Outline]:
    path = file_of(source)
    ending = "-" if path is None else path.suffix.lower()
    try:
        return PARSERS[ending]
    except KeyError:
        accepted = ", ".join(ending for ending in PARSERS if ending != "-")
        others = "scopes are given by --scopes FILE, and one client by --client NAME"
        raise InputError([f"{source}: the ending must be one of {accepted}; {others}"]) from None


def _is_exposed(file: Path) -> bool:
    return os.name == "posix" and bool(file.stat().st_mode & 0o077)


def parse_toml(text: str) -> Outline:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Before Python 3.14 the position is only in the message.
        said = TOML_ERROR.fullmatch(str(error))
        words = _cause_of("TOML", str(error), _TOML_CAUSES)
        if said is None:
            last_line = len(text.splitlines()) or 1
            raise ParseError(f"{words}; the file ends here", last_line, 1) from None
        raise ParseError(words, int(said["line"]), int(said["column"])) from None
    except ValueError:
        raise ParseError("is not valid TOML") from None
    return Outline(data, partial(lines_of_toml, text))


def _cause_of(language: str, message: str, causes: Mapping[str, str]) -> str:
    """What is wrong in the user's words, and never the parser's own: they may quote a secret."""
    words = next((words for piece, words in causes.items() if piece in message), "")
    return f"is not valid {language}: {words}" if words else f"is not valid {language}"


def parse_json(text: str) -> Outline:
    """Read JSON as RFC 8259 defines it: no member twice, no NaN."""
    try:
        data = json.loads(text, object_pairs_hook=_members, parse_constant=_refuse_constant)
    except DuplicateMember as error:
        raise ParseError(error.words, line_of_second(text)) from None
    except json.JSONDecodeError as error:
        words = _cause_of("JSON", error.msg, _JSON_CAUSES)
        raise ParseError(words, error.lineno, error.colno) from None
    except ValueError:
        raise ParseError("holds a number that is too long") from None
    return Outline(data, partial(lines_of_json, text))


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DuplicateMember(f"an object has the member `{twice}` twice: take one of them out")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise ParseError("NaN and Infinity are not JSON")


def parse_yaml(text: str) -> Outline:
    """Read one document of YAML 1.2: no key twice, no custom tags, no explosion of aliases."""
    # Without the optional C parser: it would read YAML 1.1 on some machines and not on others.
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = DEEPEST
    yaml.composer.warn_double_anchors = False
    try:
        root = yaml.compose(text)
        if root is None:
            return Outline()
        if _size(root, {}) > MOST_VALUES:
            raise ParseError(f"holds more than {MOST_VALUES:,} values behind its aliases")
        return Outline(yaml.constructor.construct_document(root), partial(lines_of_yaml, root))
    except DuplicateKeyError as error:
        raise _malformed_yaml("a key is given twice: take one of them out", error) from None
    except MarkedYAMLError as error:
        words = _cause_of("YAML", str(error.problem), _YAML_CAUSES)
        raise _malformed_yaml(words, error) from None
    except (YAMLError, ValueError, LookupError):
        raise ParseError("is not valid YAML") from None


def _malformed_yaml(words: str, error: MarkedYAMLError) -> ParseError:
    mark = error.problem_mark or error.context_mark
    begins = error.context_mark
    if mark and begins and begins.line < mark.line and "quotation mark" in words:
        words = f"{words}; the text begins on line {begins.line + 1}"
    return ParseError(words, mark.line + 1, mark.column + 1) if mark else ParseError(words)


def _size(node: Node, sizes: dict[int, int]) -> int:
    """The number of values in a node; those of an alias count each time it is used."""
    if id(node) not in sizes:
        sizes[id(node)] = MOST_VALUES  # what a node that holds itself will find
        sizes[id(node)] = 1 + sum(_size(part, sizes) for part in _parts(node))
    return sizes[id(node)]


def _parts(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [*chain.from_iterable(node.value)]
    return node.value if isinstance(node, CollectionNode) else []


def parse_csv(text: str) -> Outline:
    try:
        rows = read_csv_clients(text)
    except CsvError as error:
        raise ParseError(error.words, error.line, error.column) from None
    return Outline({"clients": rows.clients}, rows.find_lines)


def parse_yaml_or_json(text: str) -> Outline:
    """Try JSON first, which is quicker, and then YAML 1.2, which contains JSON."""
    try:
        return parse_json(text)
    except ParseError:
        return parse_yaml(text)


PARSERS: dict[str, Callable[[str], Outline]] = {
    ".toml": parse_toml,
    ".yaml": parse_yaml,
    ".yml": parse_yaml,
    ".json": parse_json,
    ".csv": parse_csv,
    "-": parse_yaml_or_json,
}
