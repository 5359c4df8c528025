"""Scope lists as servers write them, in answers and in tokens."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable

import msgspec

from scopeprobe.model.clients import Scope
from scopeprobe.oauth.texts import LONGEST_TEXT, Mask, printable

MOST_NAMES = 5000
"""Names kept of one list; a longer one is a server's mistake or its malice."""

_CLAIMS = ("scope", "scp")
_JWT_PARTS = 3


def is_scope_list(value: object) -> bool:
    """Whether a `scope` member says something that can be read; null and absence say nothing."""
    return (
        value is None
        or isinstance(value, str)
        or (isinstance(value, list) and all(isinstance(item, str) for item in value))
    )


def scope_list(value: object, asked: Collection[Scope], mask: Mask) -> tuple[Scope, ...] | None:
    """
    Read a list of scopes: one string separated by spaces or commas, or an array of strings.

    A comma may also be part of a name (RFC 6749 section 3.3), so a name that was asked for is left
    whole, and is kept however long the list. Names that hold something secret are dropped. None
    where the value is no list of scopes at all.
    """
    match value:
        case str():
            names: Iterable[str] = value.split()
        case list() if is_scope_list(value):
            names = [name for item in value for name in item.split()]
        case _:
            return None
    whole = set(asked)
    single = {part for name in names for part in ((name,) if name in whole else name.split(","))}
    others = (name for name in single - whole if name and mask(name) == name)
    shown = sorted(printable(name)[:LONGEST_TEXT] for name in others)
    return (*sorted(whole & single), *map(Scope, shown[:MOST_NAMES]))


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
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        value = msgspec.json.decode(decoded)
    except (binascii.Error, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def claimed_scopes(
    claims: dict[str, object], asked: Collection[Scope], mask: Mask
) -> tuple[Scope, ...] | None:
    """The scopes that a token's claims speak of (`scope`, `scp`), or None where none does."""
    lists = [scope_list(claims[name], asked, mask) for name in _CLAIMS if name in claims]
    told = [names for names in lists if names is not None]
    if not told:
        return None
    return tuple(dict.fromkeys(name for names in told for name in names))
