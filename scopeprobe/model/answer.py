"""What a token endpoint can answer to a question: a closed list."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import StrEnum
from functools import cached_property
from http import HTTPStatus
from typing import TypeAlias

import msgspec

from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Registration
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope, covers, is_held, places_of


class Place(StrEnum):
    """Where scopes of a token are shown."""

    ANSWER = "answer"
    """The `scope` member of the answer (RFC 6749 section 5.1)."""
    TOKEN = "token"
    """The token's own claims."""
    INTROSPECTION = "introspection"
    """RFC 7662 section 2.2."""


class Issued(msgspec.Struct, frozen=True, dict=True, tag="issued"):
    """A token was issued. It is gone; these are the scopes that were read off it."""

    listed: tuple[Scope, ...] | None = None
    """The `scope` member of the answer (RFC 6749 section 5.1); None where it is absent."""
    claimed: tuple[Scope, ...] | None = None
    """The scopes in the token's own claims; None where no claim speaks of scopes."""
    readable: bool = False
    """The token was a JWT, so that an absent claim could have been seen."""
    confirmed: tuple[Scope, ...] | None = None
    """The scopes that introspection listed (RFC 7662 section 2.2); None where it had no list."""
    rights: tuple[Scope, ...] | None = None
    """What a rights API says the client may do; `*` stands for any part of a name."""
    limits: tuple[tuple[Scope, str], ...] = ()
    """What limits a right; one that is held by several limited grants is here several times."""
    registration: Registration | None = None
    """What the rights API says of the client's own end; None where it speaks of none."""
    unconfirmed: bool = False
    """It was to be confirmed by introspection or a rights API, and no usable answer came."""
    token: int = 0
    """Equal for equal tokens that one invocation was given, and for no others; 0: not compared."""

    @cached_property
    def places(self) -> dict[Place, frozenset[Scope]]:
        """What the answer, the token and introspection list; a place without a list is left out."""
        shown = zip(Place, self.shown, strict=True)
        return {place: frozenset(names) for place, names in shown if names is not None}

    @property
    def shown(self) -> tuple[tuple[Scope, ...] | None, ...]:
        """What each place lists, in their order; None where it has no list."""
        return self.listed, self.claimed, self.confirmed

    @property
    def lists(self) -> tuple[frozenset[Scope], ...]:
        """The lists of all places that have one."""
        return tuple(self.places.values())

    @cached_property
    def names(self) -> frozenset[Scope]:
        """Every scope that is in at least one list."""
        first, *others = self.lists or (frozenset[Scope](),)
        return first.union(*others) if others else first

    @property
    def tells(self) -> bool:
        """At least one place lists scopes; its list may be empty."""
        return any(names is not None for names in self.shown)

    def shows(self, scope: Scope) -> bool:
        """At least one place lists the scope."""
        return any(scope in (names or ()) for names in self.shown)

    def allows(self, scope: Scope) -> bool | None:
        """Whether the rights include the scope; None where they are unknown or only resemble it."""
        return None if self.rights is None else is_held(scope, self.rights)

    def limited_to(self, scope: Scope) -> str:
        """What the rights to a scope are limited to; empty where one of them is unlimited."""
        held = {right for right in self.rights or () if covers(right, scope)}
        limits = [(right, limit) for right, limit in self.limits if right in held]
        if held - {right for right, _ in limits}:
            return ""
        return "; ".join(sorted({limit for _, limit in limits}))

    def carries(self, scope: Scope) -> bool | None:
        """
        Whether the token is shown to carry the scope (True), or to be without it (False).

        None where nothing speaks of it, where two places disagree, where a right merely resembles
        it, or where it is listed and could not be confirmed.
        """
        readings = set(self._readings(scope))
        if len(readings) != 1 or (self.unconfirmed and True in readings):
            return None
        return readings.pop()

    def _readings(self, scope: Scope) -> Iterator[bool | None]:
        """What each place shows of the scope."""
        yield from (scope in names for names in self.lists)
        if self.rights is not None:
            yield self.allows(scope)


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


Likeness: TypeAlias = tuple[str, int, str, str]
"""What refusals have in common that are alike: kind, status, code, and text without own words."""


def likeness(refusal: Refusal, own_words: Collection[str] = ()) -> Likeness:
    """What remains of a refusal without what was asked (docs/design.md, Terms: "alike")."""
    text = refusal.description
    for word in sorted(own_words, key=len, reverse=True):
        for start in reversed([*places_of(word, text)]):
            text = text[:start] + text[start + len(word) :]
    return str(refusal.__struct_config__.tag), refusal.status, refusal.error, text


def is_plain_about_scope(answer: Answer) -> bool:
    """
    Code or words say that it is the scope (docs/design.md, Terms): no fault or lock says that.

    Words under a 401 may be said of a wrong secret as well.
    """
    if not isinstance(answer, Refused) or answer.about not in {
        Subject.SCOPE,
        Subject.UNKNOWN_SCOPE,
        Subject.UNSAID,
    }:
        return False
    if answer.error in _SCOPE_ERRORS:
        return True
    return answer.about is not Subject.UNSAID and answer.status != HTTPStatus.UNAUTHORIZED


_SCOPE_ERRORS = {"invalid_scope", "insufficient_scope", "unauthorized_scope"}


class Fact(msgspec.Struct, frozen=True, array_like=True):
    """A question, its answer, and when: ticks of a clock that only orders facts of one client."""

    question: Question
    answer: Answer
    sent: int
    received: int


def names_on(answer: Answer | None) -> frozenset[Scope]:
    """Every scope that the answer's token lists; none where no token was issued."""
    return answer.names if isinstance(answer, Issued) else frozenset()


def culprits(answer: Answer, asked: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The asked scopes that a refusal names; none where it only repeats the whole request."""
    if not isinstance(answer, Refused):
        return ()
    repeated = frozenset(answer.named)
    named = tuple(scope for scope in asked if scope in repeated)
    return () if named == asked else named
