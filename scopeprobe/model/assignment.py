"""What a plan may know (Assignment), and what a plan is: a generator of waves of questions."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from scopeprobe.model.answer import Answer
from scopeprobe.model.behavior import NOTHING_KNOWN, ServerBehavior
from scopeprobe.model.cell import Cell, PermissionMap, Reason
from scopeprobe.model.client import Client, Target
from scopeprobe.model.question import WITHOUT_SCOPE, Question
from scopeprobe.model.scope_names import Scope


class Proof(StrEnum):
    """How often a refusal must be met before it denies."""

    SAFE = "safe"
    """Once, alone."""
    TWICE = "twice"
    """Every lone refusal is repeated once."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One client and one target: all that a plan may know. No clock, no randomness, no memory."""

    client: Client
    target: Target
    previous: PermissionMap | None = None
    """What the last run of this folder found out about the client."""
    shapes: tuple[Scope, ...] = ()
    """Invented scopes with prefixes of granted ones, asked last (docs/design.md, rule 12)."""
    behavior: ServerBehavior = NOTHING_KNOWN
    """What is known of the server before this client is asked; nothing, for the first ones."""
    proof: Proof = Proof.SAFE
    accepted_sets: tuple[tuple[Scope, ...], ...] = ()
    """Sets that were accepted last night, and together hold all that was granted in sets."""
    last_success: Question | None = None
    """What the client was issued a token for when it last was, in the runs of this folder."""
    needs_scope: bool = False
    """Without scope the client was issued none when it was last asked so."""
    is_first: bool = True
    """The first client of its server: on a recheck it alone asks what is asked once a server."""

    @property
    def candidates(self) -> tuple[Scope, ...]:
        return self.target.candidates

    @property
    def canary(self) -> Scope:
        return self.client.canary

    @property
    def unaskable_because(self) -> Reason | None:
        """Why nothing can be asked for it, or None."""
        if self.client.server.traits.single_token:
            return Reason.TOKEN_SHARED
        if self.client.server.traits.needs_target and not self.target.label:
            return Reason.NEEDS_TARGET
        return None

    def shaped_canary(self, prefix: str) -> Scope:
        """An invented scope that begins as others do: a server may grant whatever begins so."""
        return Scope(f"{prefix}{self.canary}")

    def prefix_of(self, shape: Scope) -> str:
        """The prefix of a shaped canary."""
        return shape.removesuffix(self.canary)

    @property
    def known_before(self) -> tuple[Cell, ...]:
        """The cells of the last run for this target."""
        found = self.previous.cells if self.previous is not None else ()
        return tuple(cell for cell in found if cell.audience == self.target.label)

    @property
    def was_unauthenticated(self) -> bool:
        """Last night every cell of the client was `unauthenticated`."""
        return self.previous is not None and self.previous.is_unauthenticated

    @property
    def was_told_all_at_once(self) -> bool:
        """Last night one answer of the server told everything; so it may again."""
        return any(cell.reason in _TOLD_AT_ONCE for cell in self.known_before)

    @property
    def first_try(self) -> Question:
        """What is likeliest to be answered with a token."""
        if self.last_success is not None and self.can_ask(self.last_success):
            return self.last_success
        hopeful = self.most_hopeful if self.client.server.traits.send_scope else None
        return WITHOUT_SCOPE if hopeful is None else Question((hopeful,))

    def can_ask(self, question: Question) -> bool:
        """It is without scope, or its scopes are still candidates."""
        return set(question.asked).issubset(self.candidates)

    @property
    def most_hopeful(self) -> Scope | None:
        return next(filter(self.is_hopeful, self.candidates), None)

    def is_hopeful(self, scope: Scope) -> bool:
        """The scope is expected to be granted, or was last night."""
        return self.target.expect.wants(scope) or (
            self.previous is not None and self.previous.grants(self.target.label, scope)
        )


_TOLD_AT_ONCE = {
    Reason.LEFT_OUT,
    Reason.NAMED_IN_REFUSAL,
    Reason.CANARY_ISSUED,
    Reason.SCOPE_NOT_USED,
    Reason.SHAPE_UNENFORCED,
}
"""Reasons of servers that list, name, or take whatever is asked for."""


Plan: TypeAlias = Generator[tuple[Question, ...], tuple[Answer, ...], None]
"""One wave of questions a yield; the answers come back by position, whatever order they came in."""

Strategy: TypeAlias = Callable[[Assignment], Plan]
