"""
HTTP requests and responses as values, and the exchange that one question takes.

They are not frozen: each lives for one exchange, and a frozen one takes four times as long to make.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from scopeprobe.model.answer import Answer
from scopeprobe.model.cell import Reason
from scopeprobe.model.fault import Fault


class Purpose(StrEnum):
    """What a request is sent for. Only token requests are counted against budgets of requests."""

    TOKEN = "token"
    COMPARISON = "comparison"
    """A token request as well; its token is compared with that of another."""
    INTROSPECTION = "introspection"
    RIGHTS = "rights"
    REVOCATION = "revocation"
    METADATA = "metadata"

    @property
    def asks_for_token(self) -> bool:
        return self is Purpose.TOKEN or self is Purpose.COMPARISON


@dataclass(slots=True)
class HttpRequest:
    """One request of an exchange. Its credentials are never shown."""

    url: str
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    method: str = "POST"
    purpose: Purpose = Purpose.TOKEN


@dataclass(slots=True)
class HttpResponse:
    """An answer as it came, tokens and all: it lives inside one exchange."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Looked up without regard to case (RFC 9110 section 5.1)."""
    body: bytes = field(repr=False)
    """Empty where it was lost."""
    lost_because: Reason | None = None
    """Why the body did not come, or not whole: the status counts all the same."""
    content: object = field(default=None, repr=False, compare=False)
    """What its reader made of the body, which is read once however many look at it."""


class ExchangeCut(Exception):
    """Thrown into an exchange that is to end now. It may yield once more: what cannot wait."""


Exchange: TypeAlias = Generator[HttpRequest, HttpResponse | Fault, Answer]
"""
One question on the wire: requests out, responses in, or the fault by which there is none.

The token is a local of this frame and dies with it.
"""
