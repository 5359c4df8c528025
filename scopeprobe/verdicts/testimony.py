"""One client's facts, put in order: when it succeeded, what the canary met, what is bracketed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from scopeprobe.model.answers import (
    WITHOUT_SCOPE,
    Answer,
    Fact,
    Issued,
    Refusal,
    TooLarge,
    Unanswered,
    is_plain_about_scope,
)
from scopeprobe.model.clients import Scope
from scopeprobe.model.plans import Assignment


@dataclass(frozen=True)
class Testimony:
    """All facts of one assignment."""

    assignment: Assignment
    facts: Sequence[Fact]

    @cached_property
    def successes(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if isinstance(fact.answer, Issued))

    @cached_property
    def issued(self) -> tuple[Issued, ...]:
        return tuple(fact.answer for fact in self.facts if isinstance(fact.answer, Issued))

    @cached_property
    def refusals(self) -> tuple[Refusal, ...]:
        return tuple(fact.answer for fact in self.facts if isinstance(fact.answer, Refusal))

    @cached_property
    def _alone(self) -> dict[Scope, list[Fact]]:
        alone: dict[Scope, list[Fact]] = {}
        for fact in self.facts:
            if fact.question.scopes is not None and len(fact.question.scopes) == 1:
                alone.setdefault(fact.question.scopes[0], []).append(fact)
        return alone

    def about(self, scope: Scope) -> list[Fact]:
        """What was answered to the scope on its own, an earlier asking first."""
        return self._alone.get(scope, [])

    @cached_property
    def control(self) -> Answer | None:
        """The first answer to the request without `scope`."""
        return next((fact.answer for fact in self.facts if fact.question == WITHOUT_SCOPE), None)

    @cached_property
    def canary(self) -> Issued | Refusal | None:
        """What the invented scope met; None where that is not known."""
        for fact in self.about(self.assignment.canary):
            if not isinstance(fact.answer, TooLarge | Unanswered):
                return fact.answer
        return None

    @property
    def drops_canary(self) -> bool:
        """The invented scope is known to have been refused, or issued without being listed."""
        return self.canary is not None and self.assignment.canary not in names_on(self.canary)

    @cached_property
    def listed_for_nothing(self) -> frozenset[Scope]:
        """What a token carries for which only a scope was asked that nobody has; or for none."""
        if isinstance(self.canary, Issued) and tells(self.canary):
            return names_on(self.canary)
        return names_on(self.control) if self.control is not None else frozenset()

    @cached_property
    def carried(self) -> frozenset[Scope]:
        """Every scope that some token of this client is shown to carry."""
        return frozenset(name for answer in self.issued for name in names_on(answer))

    def lists(self, scope: Scope) -> bool:
        """Some token of this client is shown to carry the scope."""
        return scope in self.carried

    @cached_property
    def _last_success(self) -> int:
        return max((success.sent for success in self.successes), default=-1)

    @cached_property
    def _first_success(self) -> int | float:
        return min((success.received for success in self.successes), default=math.inf)

    def is_bracketed(self, fact: Fact) -> bool:
        """
        Whether a refusal stands between two successes of the same credentials (DESIGN, rule 3).

        The success behind it must have been sent after the refusal was read; one that was in the
        air at the same time proves nothing. Unless the code says that it is the scope, there must
        be one in front of it too: a lock may have been lifted, an outage may have ended.
        """
        behind = self._last_success > fact.received
        return behind and (is_plain_about_scope(fact.answer) or self._first_success < fact.sent)

    def is_withheld(self, scope: Scope) -> bool:
        """The scope was refused alone, or left out of a list, and nothing takes that back."""
        return any(
            scope not in names_on(fact.answer)
            if isinstance(fact.answer, Issued)
            else self.is_bracketed(fact)
            for fact in self.about(scope)
            if isinstance(fact.answer, Refusal)
            or (isinstance(fact.answer, Issued) and tells(fact.answer))
        )

    def is_accepted(self, scope: Scope) -> bool:
        """A token was issued for the scope alone, and nothing says that it was left out."""
        return any(
            isinstance(fact.answer, Issued)
            and (not tells(fact.answer) or scope in names_on(fact.answer))
            for fact in self.about(scope)
        )

    def is_carried(self, scope: Scope, *, silence_is_consent: bool) -> bool:
        """A token for the scope alone lists it, or lists nothing where that says nothing."""
        return any(
            scope in names_on(fact.answer) or (silence_is_consent and not tells(fact.answer))
            for fact in self.about(scope)
            if isinstance(fact.answer, Issued)
        )

    def is_issued(self, scope: Scope) -> bool:
        """A token was issued for the scope alone, whatever it carries."""
        return any(isinstance(fact.answer, Issued) for fact in self.about(scope))

    def is_dropped(self, scope: Scope, *, silence_is_consent: bool) -> bool:
        """A token was issued for the scope alone, and does not carry it."""
        return self.is_issued(scope) and not self.is_carried(
            scope, silence_is_consent=silence_is_consent
        )

    def asked(self) -> Iterator[Scope]:
        """Every scope that was asked for on its own, the canary among them."""
        yield from self._alone


def lists_of(answer: Issued) -> list[frozenset[Scope]]:
    """What the answer, the token and its introspection list, each as far as it lists anything."""
    told = (answer.listed, answer.claimed, answer.confirmed)
    return [frozenset(names) for names in told if names is not None]


def tells(answer: Issued) -> bool:
    """The answer, its token or its introspection speaks of scopes."""
    return bool(lists_of(answer))


def names_on(answer: Answer) -> frozenset[Scope]:
    """Every scope that a token is shown to carry."""
    return frozenset().union(*lists_of(answer)) if isinstance(answer, Issued) else frozenset()
