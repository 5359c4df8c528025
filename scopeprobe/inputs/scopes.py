"""Candidate scopes: brace patterns, and the files that list them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import takewhile
from typing import TextIO

from braceexpand import braceexpand

from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.sources import Source, StandardInput, name_of, text_of
from scopeprobe.model.scope_names import CANARY_PREFIX, SCOPE_CHARACTERS, Scope

FORBIDDEN = re.compile(f"[^{SCOPE_CHARACTERS}]")
"""Characters that no `scope-token` holds (RFC 6749 section 3.3)."""
MOST_SCOPES = 10_000
"""The most that one pattern may stand for."""

STRAY_BACKSLASH = re.compile(r"\\(?![{},#])")
ESCAPED = re.compile(r"\\.")
RANGE = re.compile(r"\{(-?\d+)\.\.(-?\d+)")


def read_scopes(
    files: Sequence[Source], extra: Sequence[str] = (), *, stdin: TextIO | None = None
) -> tuple[Scope, ...]:
    """
    Read scopes files, and then the scopes of `--scope`.

    Duplicates are dropped, order is kept.
    :raises InputError: with every scope that cannot be one, its file and line.
    """
    problems = Problems()
    scopes = gather_scopes(files, extra, StandardInput(stdin), problems)
    problems.raise_errors()
    return scopes


def gather_scopes(
    files: Sequence[Source], extra: Sequence[str], standard_input: StandardInput, problems: Problems
) -> tuple[Scope, ...]:
    """Read scopes as `read_scopes` does, but add errors to those of the other inputs."""
    patterns: list[tuple[Place, str]] = []
    for source in files:
        with problems.gathering():
            patterns += _patterns_of(source, standard_input)
    patterns += [(Place("--scope"), pattern) for text in extra for pattern in text.split()]
    scopes: list[Scope] = []
    for place, pattern in patterns:
        try:
            scopes += expand(pattern)
        except ValueError as error:
            problems.error(place, str(error))
    return distinct(scopes)


def _patterns_of(source: Source, standard_input: StandardInput) -> Iterator[tuple[Place, str]]:
    for number, line in enumerate(text_of(source, standard_input).split("\n"), start=1):
        for pattern in _before_comment(line.split()):
            yield Place(f"{name_of(source)}:{number}"), pattern


def _before_comment(words: Iterable[str]) -> Iterator[str]:
    """Stop at a word that starts with `#`; within a word it is a character of the scope."""
    return takewhile(lambda word: not word.startswith("#"), words)


def expand(pattern: str) -> tuple[Scope, ...]:
    r"""
    Write out the braces of a pattern: `{users,queues}:view` is two scopes.

    A backslash before one of `{},#` takes its meaning away.
    :raises ValueError: in the user's words, without the pattern itself.
    """
    if STRAY_BACKSLASH.search(pattern):
        raise ValueError("a scope holds no backslash (RFC 6749 section 3.3)")
    if _most_scopes(pattern) > MOST_SCOPES:
        raise ValueError(f"the braces stand for more than {MOST_SCOPES:,} scopes")
    try:
        names = tuple(braceexpand(pattern))
    except ValueError:
        raise ValueError(r"braces do not match; write \{ for one that belongs to a name") from None
    return tuple(map(_scope, names))


def _scope(name: str) -> Scope:
    if not name:
        raise ValueError("a scope is empty")
    if forbidden := FORBIDDEN.search(name):
        character = forbidden[0]
        said = f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()
        cure = "write each in quotes of its own" if character == " " else "take it out"
        raise ValueError(f"a scope holds no {said} (RFC 6749 section 3.3): {cure}")
    if name.startswith(CANARY_PREFIX):
        raise ValueError(f"{CANARY_PREFIX}… is kept for controls and cannot be a candidate")
    return Scope(name)


def _most_scopes(pattern: str) -> Decimal:
    """An upper bound of what a pattern expands to, so that `{1..999999999}` is never expanded."""
    most = Decimal(1)
    alternatives: list[int] = []
    for character in ESCAPED.sub("", pattern):
        if character == "{":
            alternatives.append(1)
        elif character == "," and alternatives:
            alternatives[-1] += 1
        elif character == "}" and alternatives:
            most *= alternatives.pop()
    for first, last in RANGE.findall(pattern):
        most *= abs(Decimal(last) - Decimal(first)) + 1
    return most


def distinct(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """Drop duplicates and keep the order."""
    return tuple(dict.fromkeys(scopes))
