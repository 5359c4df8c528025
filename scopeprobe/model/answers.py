"""What is asked of a token endpoint, and the closed list of what it can answer."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import msgspec

from scopeprobe.model.client import AuthMethod, BasicEncoding, Scope
from scopeprobe.model.findings import Reason


@dataclass(frozen=True, slots=True)
class Change:
    """What a request has otherwise than its client is configured: flags, never a secret."""

    auth_method: AuthMethod | None = None
    basic_encoding: BasicEncoding | None = None
    trimmed: bool = False
    """The white space at the ends of `client_id` and secret is left away."""
    endpoint: str = ""
    """Where it is sent instead of the configured token endpoint."""
    proof: bool = False
    """With a DPoP proof (RFC 9449), although the client is not configured to send one."""
    clock_shift: float = 0.0
    """Seconds that are added to our clock when assertions and proofs are written."""
    assertion_audience: str = ""
    dropped: tuple[str, ...] = ()
    """Names of parameters that are left away."""
    added: tuple[tuple[str, str], ...] = ()
    """Parameters that the configuration does not have, or has otherwise."""


AS_CONFIGURED = Change()


@dataclass(frozen=True, slots=True)
class Question:
    """One token request as a value: equal questions are one fact."""

    scopes: tuple[Scope, ...] | None
    """In candidate order, never a set. None: no `scope` parameter at all."""
    change: Change = field(default=AS_CONFIGURED, kw_only=True)
    again: int = 0
    """The n-th asking on purpose: controls count up from 1, those of a resume down from -1."""

    @property
    def size(self) -> int:
        """The length of the `scope` parameter in bytes, before it is encoded for the form."""
        return len(" ".join(self.scopes or ()).encode())


WITHOUT_SCOPE = Question(scopes=None)


class Issued(msgspec.Struct, frozen=True, tag="issued"):
    """A token was issued. It is gone; these are the scopes that were read off it."""

    listed: tuple[Scope, ...] | None = None
    """The `scope` member of the answer (RFC 6749 section 5.1); None where it is absent."""
    claimed: tuple[Scope, ...] | None = None
    """The scopes in the token's own claims; None where no claim speaks of scopes."""
    readable: bool = False
    """The token was a JWT, so that an absent claim could have been seen."""
    confirmed: tuple[Scope, ...] | None = None
    """The scopes that introspection told (RFC 7662 section 2.2); None where it told none."""
    rights: tuple[Scope, ...] | None = None
    """What a rights API says the client may do; `*` stands for any part of a name."""
    unconfirmed: bool = False
    """It was to be confirmed elsewhere, and there nothing was said that could confirm it."""


class Subject(StrEnum):
    """What a refusal speaks of, as far as its code or its words say so."""

    UNSAID = ""
    SCOPE = "scope"
    UNKNOWN_SCOPE = "unknown_scope"
    """No client could have it: the server says that the scope does not exist."""
    SCOPE_PARAMETER = "scope_parameter"
    """The parameter as such is not wanted, whatever its value (Salesforce)."""
    TARGET = "target"
    """The audience or resource is missing or unknown (RFC 8707 section 2, `invalid_target`)."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The server would not issue a token for what was asked."""

    status: int
    error: str = ""
    description: str = ""
    about: Subject = Subject.UNSAID
    named: tuple[Scope, ...] = ()
    """Asked scopes that the answer repeats, in the order of the request. Not yet culprits."""


class Unauthenticated(msgspec.Struct, frozen=True, tag="unauthenticated"):
    """The answer is the one that failed client authentication gets, whatever its true cause."""

    status: int
    error: str = ""
    description: str = ""
    unknown_client: bool = False
    """The server says that no such client exists, and not merely that the secret is wrong."""


class GrantNotAllowed(msgspec.Struct, frozen=True, tag="grant_not_allowed"):
    """The client may not use this grant at all; no scope was judged."""

    status: int
    error: str = ""
    description: str = ""


class TooLarge(msgspec.Struct, frozen=True, tag="too_large"):
    """The request was larger than the server reads (413, 414, 431)."""

    status: int


class Unanswered(msgspec.Struct, frozen=True, tag="unanswered"):
    """No verdict can be drawn: a throttle, a fault, or nothing at all."""

    reason: Reason
    status: int | None = None
    error: str = ""
    description: str = ""
    wait: float | None = None
    """Seconds that the server asked to be left alone."""


Answer: TypeAlias = Issued | Refused | Unauthenticated | GrantNotAllowed | TooLarge | Unanswered


Refusal: TypeAlias = Refused | Unauthenticated | GrantNotAllowed
"""An answer that withholds a token. Which of them is about the scope, only its neighbours tell."""


def alike(one: Answer | None, other: Answer | None) -> bool:
    """Refusals of one kind, status and code. Their text may name what was asked."""
    return (
        isinstance(one, Refusal)
        and isinstance(other, Refusal)
        and (type(one), one.status, one.error) == (type(other), other.status, other.error)
    )


def is_plain_about_scope(answer: Answer) -> bool:
    """The code says that it is the scope (RFC 6749 section 5.2): no fault or lock says that."""
    return (
        isinstance(answer, Refused)
        and answer.error in _SCOPE_ERRORS
        and answer.about is not Subject.TARGET
    )


_SCOPE_ERRORS = {"invalid_scope", "insufficient_scope"}


@dataclass(frozen=True, slots=True)
class Fact:
    """A question, its answer, and when: ticks of a clock that only orders facts of one client."""

    question: Question
    answer: Answer
    sent: int
    received: int


class Purpose(StrEnum):
    """What a request is sent for. Only token requests are counted against budgets of requests."""

    TOKEN = "token"
    COMPARISON = "comparison"
    """A token request as well; its token is compared with that of another."""
    INTROSPECTION = "introspection"
    RIGHTS = "rights"
    REVOCATION = "revocation"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request of an exchange. Its credentials are never shown."""

    url: str
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    method: str = "POST"
    purpose: Purpose = Purpose.TOKEN


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole answer as it came, tokens and all: it lives inside one exchange."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Looked up without regard to case (RFC 9110 section 5.1)."""
    body: bytes = field(repr=False)


class CutShort(Exception):
    """Thrown into an exchange that is to end now. It may yield once more: what cannot wait."""


Exchange: TypeAlias = Generator[HttpRequest, HttpResponse | Reason, Answer]
"""
One question on the wire: requests out, responses in, or the reason why there is none.

The token is a local of this frame and dies with it.
"""
