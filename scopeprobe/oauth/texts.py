"""What is kept of a server's words: one line, nothing secret, nothing that changes by the night."""

from __future__ import annotations

import base64
import re
import unicodedata
from urllib.parse import quote, quote_plus

from scopeprobe.model.clients import Client

LONGEST_TEXT = 200
"""Characters kept of a description, an error code or a scope that a server chose."""

_CHANGING = (
    (re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b", re.IGNORECASE), "<uuid>"),
    (
        re.compile(
            r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
            r"|\b\d{1,2}:\d\d:\d\d(?:\.\d+)?\b"
            r"|\b1[5-9]\d{8}(?:\d{3})?\b",
        ),
        "<time>",
    ),
    (
        re.compile(
            r"\b\d+(?:\.\d+)?\s*(?:ms|millis\w*|s|secs?|seconds?|mins?|minutes?|hours?|hrs?|days?)\b",
            re.IGNORECASE,
        ),
        "<duration>",
    ),
)


class Mask:
    """Takes a client's secret out of what its server sends back, in every form it was sent in."""

    __slots__ = ("_pattern",)

    def __init__(self, client: Client) -> None:
        secret = client.secret.reveal() if client.secret else ""
        self._pattern = (
            re.compile(
                "|".join(map(re.escape, _spellings(client.client_id, secret))), re.IGNORECASE
            )
            if secret
            else None
        )

    def __call__(self, text: str) -> str:
        return self._pattern.sub("…", text) if self._pattern else text


def _spellings(client_id: str, secret: str) -> list[str]:
    """Plain, url-encoded, and Base64 of `id:secret` in both encodings; the longest first."""
    pairs = (f"{client_id}:{secret}", f"{quote(client_id, safe='')}:{quote(secret, safe='')}")
    encoded = [base64.b64encode(pair.encode()).decode().rstrip("=") for pair in pairs]
    plain = [secret, quote(secret, safe=""), quote_plus(secret, safe="")]
    urlsafe = [text.translate(str.maketrans("+/", "-_")) for text in encoded]
    return sorted({*plain, *encoded, *urlsafe}, key=len, reverse=True)


def printable(text: str) -> str:
    """Take out what a terminal would act on: control, format and surrogate characters."""
    return "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}
    ).strip()[:LONGEST_TEXT]


def first_line(text: str, mask: Mask) -> str:
    """
    Keep the first line of a description, with everything masked that differs between equal nights.

    The secret goes first: it might hold a line break.
    """
    lines = mask(text).strip().splitlines()
    line = printable(lines[0]) if lines else ""
    for pattern, name in _CHANGING:
        line = pattern.sub(name, line)
    return line
