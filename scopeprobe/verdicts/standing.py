"""All that rulings look at of one scope: scopes that stand alike are ruled on alike, at once."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import NamedTuple

from scopeprobe.model.scope_names import Scope
from scopeprobe.verdicts.ruling import Known


class Standing(NamedTuple):
    """
    Equal for scopes that no rule can tell apart.

    Where one answer settles a thousand scopes there are few of them. A rule that comes to look at
    something else of a scope needs it here: tests/verdicts/test_standing.py rules on every scope by
    itself as well.
    """

    asked: int
    """The identity of the facts about it."""
    shown: int
    """The identity of the lists that hold it."""
    met_by_others: tuple[bool, ...]
    exists: bool
    name: Hashable = None
    """The scope itself where rules look at its name."""


def standings(known: Known) -> Iterator[tuple[Scope, Standing]]:
    """How each candidate stands."""
    asking, showing = known.facts.asking, known.facts.places_showing
    met_by_others, named = known.met_by_others, known.facts.named
    absent = {
        scope for audience, scope in known.server.no_such_scopes if audience == known.audience
    }
    for scope in known.facts.assignment.candidates:
        yield (
            scope,
            Standing(
                id(asking(scope)),
                id(showing(scope)),
                tuple([scope in met for met in met_by_others]),
                scope not in absent,
                scope if known.looks_at_names or scope in named else None,
            ),
        )
