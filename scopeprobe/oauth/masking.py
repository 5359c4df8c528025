"""Mask a server's words: one line stays, without secrets and without what every answer changes."""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Self
from urllib.parse import quote, quote_plus

from scopeprobe.model.client import Client
from scopeprobe.model.secret import Secret
from scopeprobe.model.urls import percent_encoded

LONGEST_TEXT = 200
"""Characters kept of a description, an error code or a scope that a server chose."""
SHORTEST_TOKEN = 8
"""Characters. Shorter strings are no tokens, and to mask them would garble ordinary words."""
SHORTEST_PIECE = 4
"""Characters at the end of a cut text that are taken for the beginning of a secret."""
MASKED = "…"
"""What stands where something secret was."""

_JWT = r"eyJ[\w-]{8,}(?:\.[\w-]*)*"
"""What looks like a JWT or a JWE (RFC 7519), or like the beginning of one."""

_DIGIT = re.compile(r"\d")
_UUID = re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b", re.IGNORECASE)
_TIME = re.compile(
    r"\b(?=[\dMTWFS])(?:"  # most words are no time by their first letter
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,? )?\d{1,2} "
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w* \d{4}\b"
    r"|\d{4}/\d\d/\d\d\b|\d{8}T\d{6}Z?\b"
    r"|\d{1,2}:\d\d ?[AP]M\b"
    r"|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\d{1,2}:\d\d:\d\d(?:\.\d+)?\b"
    r"|1[5-9]\d{8}(?:\d{3})?\b)",
    re.IGNORECASE,
)
_DURATION = re.compile(
    r"\b\d+(?:\.\d+)?\s*(?:ms|millis\w*|s|secs?|seconds?|mins?|minutes?|hours?|hrs?|days?)\b",
    re.IGNORECASE,
)
"""What changes from answer to answer; times and durations have digits, and most texts have none."""


class Mask:
    """Masks secrets in a server's words, in every form in which they may come back."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = sorted({*filter(None, secrets)}, key=len, reverse=True)
        anywhere = (f"(?i:{re.escape(spelling)})" for spelling in spellings)
        self._secrets = re.compile("|".join((*anywhere, _JWT)))
        self._folded = tuple(map(str.casefold, spellings))
        self._of_answer: Iterable[str] = ()

    @classmethod
    def of(cls, client: Client) -> Self:
        shown: list[tuple[str, Secret | None]] = [
            (client.client_id, secret) for secret in (client.secret, client.assertion)
        ]
        if (introspector := client.server.introspector) is not None:
            shown.append((introspector.client_id, introspector.secret))
        pairs = [(name, secret.reveal()) for name, secret in shown if secret]
        pairs += [(client.client_id, part) for value in _sent_with(client) for part in value]
        return cls(spelling for name, secret in pairs for spelling in _spell(name, secret))

    def and_of(self, tokens: Iterable[str]) -> Mask:
        """Return a mask for an answer that brought tokens: it masks them, too."""
        mask = object.__new__(Mask)
        mask._secrets, mask._folded, mask._of_answer = self._secrets, self._folded, tokens
        return mask

    @cached_property
    def _tokens(self) -> tuple[str, ...]:
        """Read when a text is masked: in most answers none is."""
        return tuple(token for token in self._of_answer if len(token) >= SHORTEST_TOKEN)

    def __call__(self, text: str) -> str:
        for token in self._tokens:
            text = text.replace(token, MASKED)
        return self._secrets.sub(MASKED, text)

    def and_its_end(self, text: str) -> str:
        """Mask a text that may have been cut off in the middle of a secret."""
        text = self(text)
        folded = text.casefold()
        for start in (*self._folded, *map(str.casefold, self._tokens)):
            if start[:SHORTEST_PIECE] not in folded:
                continue
            for length in range(min(len(start), len(folded)), SHORTEST_PIECE - 1, -1):
                if folded.endswith(start[:length]):
                    return text[: max(len(text) - length, 0)] + MASKED
        return text


def _sent_with(client: Client) -> Iterator[tuple[str, ...]]:
    """Secret values of headers and form parameters; of `Bearer …` and its like, the end as well."""
    parameters = (pair for target in client.targets for pair in target.token_params)
    for _, value in (*client.server.connection.headers, *parameters):
        if isinstance(value, Secret):
            text = value.reveal()
            end = text.rpartition(" ")[2]
            yield (text, end) if len(end) >= SHORTEST_TOKEN else (text,)


def _spell(client_id: str, secret: str) -> set[str]:
    """All spellings of a secret: plain, trimmed, escaped, encoded, and Base64 beside the id."""
    pairs = (
        secret,
        f"{client_id}:{secret}",
        f"{percent_encoded(client_id)}:{percent_encoded(secret)}",
    )
    encoded = [base64.b64encode(pair.encode()).decode().rstrip("=") for pair in pairs]
    encoded += _inside_of_base64(secret.encode())
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return {
        secret,
        secret.strip(),
        percent_encoded(secret),
        quote(secret),
        quote_plus(secret),
        "".join(f"%{byte:02X}" for byte in secret.encode()),
        html.escape(secret),
        html.escape(secret).replace("&#x27;", "&#39;"),
        *escaped,
        *(text.replace("/", "\\/") for text in escaped),
        *encoded,
        *(text.translate(str.maketrans("+/", "-_")) for text in encoded),
    }


def _inside_of_base64(secret: bytes) -> list[str]:
    """
    What Base64 makes of a secret behind other text, for each of the three ways they can align.

    Letters that share bits with the text around it are left out.
    """
    shifted = ((skip, base64.b64encode(bytes(skip) + secret).decode()) for skip in range(3))
    whole = ((text[-(-skip * 4 // 3) :], len(secret) + skip) for skip, text in shifted)
    cut = [text.rstrip("=")[: -1 if length % 3 else None] for text, length in whole]
    return [text for text in cut if len(text) >= SHORTEST_TOKEN]


def printable(text: str) -> str:
    """Remove what a terminal would act on: control, format and surrogate characters."""
    if text.isprintable():
        return text.strip()
    return "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}
    ).strip()


def shown(text: str, mask: Mask) -> str:
    """
    The first line of a text, printable and with nothing secret in it.

    The secret goes first: it might hold a line break. It is masked again when all is printable:
    what is taken out may have stood inside of a secret.
    """
    lines = mask(text).strip().splitlines()
    return mask.and_its_end(printable(lines[0])) if lines else ""


def first_line(text: str, mask: Mask) -> str:
    """
    Keep the first line of a description, with everything masked that differs between equal nights.

    The end is cut off last: half a time or half a UUID would not be known for one.
    """
    line = shown(text, mask)
    line = _UUID.sub("<uuid>", line)
    if _DIGIT.search(line):
        line = _DURATION.sub("<duration>", _TIME.sub("<time>", line))
    return line[:LONGEST_TEXT]
