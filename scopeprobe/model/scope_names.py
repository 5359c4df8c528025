"""Names of scopes and rights: their grammar, their parts, and what one says of another."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from typing import NewType
from unicodedata import normalize

Scope = NewType("Scope", str)
"""One `scope-token` of RFC 6749 section 3.3."""

SCOPE_CHARACTERS = r"\x21\x23-\x5B\x5D-\x7E"
"""What a `scope-token` is made of (RFC 6749 section 3.3), for a set of a regular expression."""
SCOPE_TOKEN = re.compile(f"[{SCOPE_CHARACTERS}]+")

CANARY_PREFIX = "scopeprobe-canary-"
"""How every invented scope begins: constant, so that a security team can know it."""


def is_canary(scope: Scope) -> bool:
    """It was invented to see what a server makes of a scope that nobody has."""
    return scope.startswith(CANARY_PREFIX)


def is_held(scope: Scope, rights: tuple[Scope, ...]) -> bool | None:
    """
    Whether one of the rights is the scope or more than it.

    None where a right fits only if its `*` may stand for several parts or for less than one, or
    if upper and lower case are one: who wrote it may have meant the scope.
    """
    if any(covers(right, scope) for right in rights):
        return True
    names, patterns = _read_loosely(rights)
    folded = scope.lower()
    return None if folded in names or patterns.match(folded) else False


@lru_cache(maxsize=64)
def _read_loosely(rights: tuple[Scope, ...]) -> tuple[frozenset[str], re.Pattern[str]]:
    """Rights in lower case: names, and a pattern of those in which `*` stands for anything."""
    folded = frozenset(right.lower() for right in rights)
    globs = sorted(re.sub(r"([?[])", r"[\1]", right) for right in folded if "*" in right)
    return folded, re.compile("|".join(map(translate, globs)) or r"(?!)")


def covers(right: str, scope: str) -> bool:
    """
    Compare part by part, `*` standing for any one.

    A scope with `*` is covered by a right that says `*` there too: all of it is held.
    """
    parts, wanted = right.split(":"), scope.split(":")
    return len(parts) == len(wanted) and all(
        part in {"*", asked} for part, asked in zip(parts, wanted, strict=True)
    )


_AROUND_NAMES = "[](){}<>'`"
"""Signs that servers write around names in lists."""
_IN_NO_NAME = re.compile(rf"\\u\{{[0-9a-f]+\}}|[^{SCOPE_CHARACTERS}]")
"""Signs that no `scope-token` may hold, also spelled out as they are shown."""


def resembles(name: Scope, scope: Scope) -> bool:
    """
    Whether a server may mean the scope by a name in its lists (docs/design.md, rule 10).

    The same in other cases, in brackets or with signs that no scope can hold, one with the other as
    its last part, a parent of the scope, or a pattern: `Read`, `[read]`, `api/read`,
    `api://app/read` resemble `read`, and `users` and `users:*` resemble `users:read`.
    """
    one, other = _plain(name), _plain(scope)
    if one == other or ("*" in one and fnmatchcase(other, re.sub(r"([?[])", r"[\1]", one))):
        return True
    if one not in other and other not in one:
        return False
    return any(
        one.endswith(separator + other)
        or other.endswith(separator + one)
        or other.startswith(one + separator)
        for separator in "/:.#"
    )


@lru_cache(maxsize=20_000)
def _plain(name: Scope) -> str:
    """A name as a careless reader sees it."""
    return _IN_NO_NAME.sub("", normalize("NFKD", name).lower()).strip(_AROUND_NAMES)


def places_of(word: str, text: str) -> Iterator[int]:
    """
    Where a word stands in a text by itself, and is no part of a longer one; from left to right.

    An expression of its own for each scope would have to be compiled for each answer: Python keeps
    512 of them.
    """
    start = text.find(word) if word else -1
    while start >= 0:
        end = start + len(word)
        if _is_word_character(text[start - 1 : start]) or _is_word_character(text[end : end + 1]):
            start = text.find(word, start + 1)
        else:
            yield start
            start = text.find(word, end)


def _is_word_character(sign: str) -> bool:
    """What `\\w` is in an expression."""
    return sign.isalnum() or sign == "_"


def resource(scope: Scope) -> str:
    """The part of a name that tells its resource: up to the last slash; empty without one."""
    return scope.rpartition("/")[0]


@lru_cache(maxsize=20_000)
def prefix(scope: Scope) -> str:
    """A name up to its last separator; empty where it has none."""
    return scope[: max(map(scope.rfind, ".:/")) + 1]


def stand_at_an_edge(named: Collection[Scope], asked: tuple[Scope, ...]) -> bool:
    """
    The names are the first or the last ones of the request.

    A server that names whatever comes first, or cuts its echo of the request short, does the same.
    """
    ends = asked[: len(named)], asked[-len(named) :]
    return any(set(named) == set(end) for end in ends)


def are_believable(named: Collection[Scope], refusals: Iterable[tuple[Scope, ...]]) -> bool:
    """
    Whether their places in the requests, whose refusals all named just these, rule an echo out.

    It takes a request in which they stood in the middle, or two with them at either end; and one
    name alone at an edge is never believed without being asked for.
    """
    requests = list(refusals)
    if any(not stand_at_an_edge(named, asked) for asked in requests):
        return True
    starts = {set(asked[: len(named)]) == set(named) for asked in requests}
    return len(named) > 1 and len(starts) > 1
