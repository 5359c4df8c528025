"""Pieces of text that several reports are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

_ACTIVE = re.compile("[\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")
"""Characters that JSON need not escape: of control (C1), and of the direction of text."""


def json_text(document: object) -> str:
    """A document as indented JSON, with a line end; what a terminal would act on is escaped."""
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
    return _ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Characters of control, of the direction of text, and such as show nothing."""


def visible(text: str) -> str:
    """A text in which characters that would not be seen, or act on others, are written out."""
    if text.isprintable():
        return text
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def counted(number: int, noun: str, form: str = "") -> str:
    """A number and its noun, in the plural unless it is one; `form` as of `format`."""
    return f"{number:{form}} {noun}{'' if number == 1 else 's'}"


MOST_LISTED = 10


def listed(names: Sequence[str]) -> str:
    """Names, of which a long list shows the first only."""
    distinct = list(dict.fromkeys(names))
    left = len(distinct) - MOST_LISTED
    return ", ".join(distinct[:MOST_LISTED]) + (f" and {left} more" if left > 0 else "")
