"""Scope lists as servers write them, in answers and in tokens."""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

import msgspec

from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.masking import Mask

MOST_NAMES = 1000
"""Names kept of one list, beside those that are looked for: as many as are shown of a client."""
LONGEST_NAME = 1000
"""Characters kept of a name that nobody asked for."""
CUT = "…"
"""Stands where a name was cut; no `scope-token` holds it (RFC 6749 section 3.3)."""

_CLAIMS = ("scope", "scp", "scopes")
_JWT_PARTS = 3
_BLANKS = re.compile(r"[ \t\r\n]+")
"""What separates names; any other space is part of one, though RFC 6749 section 3.3 has none."""


def is_scope_list(value: object) -> bool:
    """Whether a `scope` member can be read: a text, texts, or nothing."""
    return (
        value is None
        or isinstance(value, str)
        or (isinstance(value, list) and all(isinstance(item, str) for item in value))
    )


def scope_list(
    value: object, asked: Collection[Scope], mask: Mask, candidates: Collection[Scope] = ()
) -> tuple[Scope, ...] | None:
    """
    Read a list of scopes: one string separated by spaces or commas, or an array of strings.

    A comma may also be part of a name (RFC 6749 section 3.3), so a name that was asked for is left
    whole. It is kept however long the list, and so are candidates. Names that hold something secret
    are dropped. None where the value is no list of scopes at all.

    Names are compared as they were sent (docs/design.md, rule 10): one that cannot be shown so
    becomes one that is no `scope-token`, and equals none.
    """
    match value:
        case str():
            items: Iterable[str] = [value]
        case list() if is_scope_list(value):
            items = value
        case _:
            return None
    whole = set(asked)
    written = {name for item in items for name in _BLANKS.split(item)}
    if written <= whole:
        return tuple(sorted(whole & written))
    single = _names_in(items, whole)
    if single <= whole:
        return tuple(sorted(whole & single))
    shown = _names_in(map(mask, items), whole)  # a secret may have blanks, as names have not
    others = {name for name in single - whole if name in shown and name and mask(name) == name}
    looked_for = sorted(others.intersection(candidates))
    told = sorted(map(_told, others.difference(looked_for)))[:MOST_NAMES]
    return (*sorted(whole & single), *map(Scope, (*looked_for, *told)))


def _names_in(items: Iterable[str], whole: Collection[str]) -> set[str]:
    names = (name for item in items for name in _BLANKS.split(item))
    return {part for name in names for part in ((name,) if name in whole else name.split(","))}


def _told(name: str) -> str:
    """A name for people: what they could not see is spelled out, what is too long ends in `…`."""
    if not name.isprintable():
        name = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + CUT


def token_claims(token: str) -> dict[str, object] | None:
    """
    The claims of an access token that is a JWT (RFC 7519, RFC 9068), or None.

    The signature is not checked: the token came from the token endpoint itself over TLS, and what
    is read is a description of it (RFC 9068 section 6), not a permission to act on.
    """
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return None
    header, claims = (_segment(part) for part in parts[:2])
    return claims if header is not None and "alg" in header else None


def _segment(part: str) -> dict[str, object] | None:
    try:
        base64 = part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4)
        value = msgspec.json.decode(binascii.a2b_base64(base64))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def token_issued_at(token: str) -> float | None:
    """When a JWT says that it was issued (`iat`, RFC 7519 section 4.1.6): epoch, seconds."""
    issued_at = (token_claims(token) or {}).get("iat")
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        return None
    try:
        return float(issued_at) if math.isfinite(issued_at) else None
    except OverflowError:
        return None


def scope_claims(claims: dict[str, object], also: tuple[str, ...] = ()) -> list[object]:
    """
    The values of those claims of a token that speak of scopes.

    `scope`, `scp` and `scopes` are read always; `also` names further claims by name or dotted path
    (`realm_access.roles`), where `*` stands for any one member.
    """
    values = [claims[name] for name in _CLAIMS if name in claims]
    return values + [value for path in also for value in _values_at(claims, path)]


def claimed_scopes(
    values: list[object], asked: Collection[Scope], mask: Mask, candidates: Collection[Scope] = ()
) -> tuple[Scope, ...] | None:
    """The scopes in values of claims, or None where none of them is a list."""
    lists = (scope_list(value, asked, mask, candidates) for value in values)
    told = [names for names in lists if names is not None]
    return tuple(dict.fromkeys(chain.from_iterable(told))) if told else None


def _values_at(claims: dict[str, object], path: str) -> Iterator[object]:
    """The claim of exactly this name (URLs have dots, too), or the values at the path's end."""
    if path in claims:
        yield claims[path]
        return
    name, _, rest = path.partition(".")
    inner = claims.values() if name == "*" else (claims.get(name),)
    for value in inner:
        if rest and isinstance(value, dict):
            yield from _values_at(value, rest)
        elif name == "*" and not rest:
            yield value
