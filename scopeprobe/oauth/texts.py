"""What is kept of a server's words: one line, nothing secret, nothing that changes by the night."""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Self
from urllib.parse import quote, quote_plus

from scopeprobe.model.clients import Client

LONGEST_TEXT = 200
"""Characters kept of a description, an error code or a scope that a server chose."""
SHORTEST_TOKEN = 8
"""Characters. What is shorter is nobody's token, and would take letters out of every word."""
MASKED = "…"
"""What stands where something secret was."""

_CHANGING = (
    (re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b", re.IGNORECASE), "<uuid>"),
    (
        re.compile(
            r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,? )?\d{1,2} "
            r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w* \d{4}\b"
            r"|\b\d{4}/\d\d/\d\d\b|\b\d{8}T\d{6}Z?\b"
            r"|\b\d{1,2}:\d\d ?[AP]M\b"
            r"|\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
            r"|\b\d{1,2}:\d\d:\d\d(?:\.\d+)?\b"
            r"|\b1[5-9]\d{8}(?:\d{3})?\b",
            re.IGNORECASE,
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
    """Takes what is secret out of a server's words, in every form it was sent or may come back."""

    __slots__ = ("_secrets", "_tokens")

    def __init__(self, secrets: Iterable[str], tokens: Iterable[str] = ()) -> None:
        longest_first = sorted({*filter(None, secrets)}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first)) or "(?!)", re.IGNORECASE)
        self._tokens = tuple(tokens)

    @classmethod
    def of(cls, client: Client) -> Self:
        secret = client.secret.reveal() if client.secret else ""
        return cls(_spellings(client.client_id, secret) if secret else ())

    def and_of(self, tokens: Iterable[str]) -> Mask:
        """The same, for an answer that brought tokens."""
        mask = Mask(())
        mask._secrets = self._secrets
        mask._tokens = tuple(token for token in tokens if len(token) >= SHORTEST_TOKEN)
        return mask

    def __call__(self, text: str) -> str:
        for token in self._tokens:
            text = text.replace(token, MASKED)
        return self._secrets.sub(MASKED, text)


def _spellings(client_id: str, secret: str) -> set[str]:
    """Plain, trimmed, url-encoded, escaped, and Base64 of it alone and of `id:secret`."""
    pairs = (
        secret,
        f"{client_id}:{secret}",
        f"{quote(client_id, safe='')}:{quote(secret, safe='')}",
    )
    encoded = [base64.b64encode(pair.encode()).decode().rstrip("=") for pair in pairs]
    return {
        secret,
        secret.strip(),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret, safe=""),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        *encoded,
        *(text.translate(str.maketrans("+/", "-_")) for text in encoded),
    }


def printable(text: str) -> str:
    """Take out what a terminal would act on: control, format and surrogate characters."""
    return "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}
    ).strip()


def first_line(text: str, mask: Mask) -> str:
    """
    Keep the first line of a description, with everything masked that differs between equal nights.

    The secret goes first: it might hold a line break. The end is cut off last: half a time or half
    a UUID would not be known for one.
    """
    lines = mask(text).strip().splitlines()
    line = printable(lines[0]) if lines else ""
    for pattern, name in _CHANGING:
        line = pattern.sub(name, line)
    return line[:LONGEST_TEXT]
