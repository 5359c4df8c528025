"""
TOML, YAML, JSON and CSV text, read as plain data.

An error says where the text is broken and never quotes it: it may hold a secret.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node

from scopeprobe.errors import InputError
from scopeprobe.inputs.clients_csv import CsvError, read_csv_clients
from scopeprobe.inputs.lines import lines_in_json, lines_in_toml, lines_in_yaml
from scopeprobe.inputs.problems import Place
from scopeprobe.inputs.sources import Source, StandardInput, file_of, name_of, text_of

MOST_VALUES = 1_000_000
"""The most that a YAML document may hold once its aliases are expanded (CWE-776)."""
DEEPEST = 100

TOML_ERROR = re.compile(r"(?P<words>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)")
QUOTES_NOTHING = re.compile(r"[A-Za-z /-]+")
"""Messages of `tomllib` that cannot hold a piece of the document."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """The plain data of a text."""

    data: object
    lines: tuple[int, ...] = ()
    """Those on which its clients begin; none where that is not known."""
    has_client_a_line: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """The plain data of one file, and what is needed of the file to check it."""

    place: Place
    folder: Path
    """Relative paths in the document start here."""
    is_exposed: bool
    """Group or others can read the file."""
    data: object
    file: str = ""
    """As it was named; empty where it is no file."""
    lines: tuple[int, ...] = ()
    """Those on which its clients begin; none where that is not known."""
    has_client_a_line: bool = False


class ParseError(Exception):
    """The text is not what the file's ending says; line and column where that shows."""

    def __init__(self, words: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.position = "" if line is None else f":{line}:{column}"


def read_document(source: Source, standard_input: StandardInput) -> Document:
    """Read a file as its ending says, and standard input as YAML or JSON."""
    name = name_of(source)
    parse = _parser_for(source)
    try:
        parsed = parse(text_of(source, standard_input))
    except ParseError as error:
        raise InputError([f"{name}{error.position}: {error.words}"]) from None
    except RecursionError:
        raise InputError([f"{name}: is nested too deeply"]) from None
    path = file_of(source)
    if path is None:
        return Document(Place(name), Path(), is_exposed=False, data=parsed.data)
    return Document(
        Place(name),
        path.parent,
        _is_exposed(path),
        parsed.data,
        name,
        parsed.lines,
        parsed.has_client_a_line,
    )


def _parser_for(source: Source) -> Callable[[str], Parsed]:
    path = file_of(source)
    ending = "-" if path is None else path.suffix.lower()
    try:
        return PARSERS[ending]
    except KeyError:
        accepted = ", ".join(ending for ending in PARSERS if ending != "-")
        raise InputError([f"{source}: the ending must be one of {accepted}"]) from None


def _is_exposed(file: Path) -> bool:
    return os.name == "posix" and bool(file.stat().st_mode & 0o077)


def parse_toml(text: str) -> Parsed:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Before Python 3.14 the position is only in the message.
        said = TOML_ERROR.fullmatch(str(error))
        if said is None:
            raise ParseError("the TOML ends too early", text.count("\n") + 1, 1) from None
        words = _unquoted(said["words"])
        raise ParseError(words, int(said["line"]), int(said["column"])) from None
    except ValueError:
        raise ParseError("is not valid TOML") from None
    return Parsed(data, lines_in_toml(text))


def _unquoted(words: str) -> str:
    if words.startswith(("Cannot ", "Duplicate ")):
        return "a key or table is given twice"
    return f"is not valid TOML: {words}" if QUOTES_NOTHING.fullmatch(words) else "is not valid TOML"


def parse_json(text: str) -> Parsed:
    """Read JSON as RFC 8259 defines it: no member twice, no NaN."""
    try:
        data = json.loads(text, object_pairs_hook=_members, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ParseError(f"is not valid JSON: {error.msg}", error.lineno, error.colno) from None
    except ValueError:
        raise ParseError("holds a number that is too long") from None
    return Parsed(data, lines_in_json(text))


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(f"an object has the member `{twice}` twice")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise ParseError("NaN and Infinity are not JSON")


def parse_yaml(text: str) -> Parsed:
    """Read one document of YAML 1.2: no key twice, no custom tags, no explosion of aliases."""
    # Without the optional C parser: it would read YAML 1.1 on some machines and not on others.
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = DEEPEST
    yaml.composer.warn_double_anchors = False
    try:
        root = yaml.compose(text)
        if root is None:
            return Parsed(None)
        if _size(root, {}) > MOST_VALUES:
            raise ParseError(f"holds more than {MOST_VALUES:,} values behind its aliases")
        return Parsed(yaml.constructor.construct_document(root), lines_in_yaml(root))
    except DuplicateKeyError as error:
        raise _malformed_yaml("a key is given twice", error) from None
    except MarkedYAMLError as error:
        raise _malformed_yaml("is not valid YAML", error) from None
    except (YAMLError, ValueError, LookupError):
        raise ParseError("is not valid YAML") from None


def _malformed_yaml(words: str, error: MarkedYAMLError) -> ParseError:
    mark = error.problem_mark or error.context_mark
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


def parse_csv(text: str) -> Parsed:
    try:
        rows = read_csv_clients(text)
    except CsvError as error:
        raise ParseError(error.words, error.line, error.column) from None
    return Parsed({"clients": rows.clients}, rows.lines, has_client_a_line=True)


def parse_yaml_or_json(text: str) -> Parsed:
    """Try JSON first, which is quicker, and then YAML 1.2, which contains JSON."""
    try:
        return parse_json(text)
    except ParseError:
        return parse_yaml(text)


PARSERS: dict[str, Callable[[str], Parsed]] = {
    ".toml": parse_toml,
    ".yaml": parse_yaml,
    ".yml": parse_yaml,
    ".json": parse_json,
    ".csv": parse_csv,
    "-": parse_yaml_or_json,
}
