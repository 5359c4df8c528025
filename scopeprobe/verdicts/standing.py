"""All that rulings look at of one scope: scopes that stand alike are ruled on alike, at once."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from scopeprobe.model.scope_names import Scope
from scopeprobe.verdicts.client_facts import ClientFacts
from scopeprobe.verdicts.ruling import Known


class Standing(NamedTuple):
    """
    Equal for scopes that no rule can tell apart.

    Where one answer settles a thousand scopes there are few of them. A rule that comes to look at
    something else of a scope needs it here: tests/verdicts/test_standing.py rules on every scope by
    itself as well.
    """

    alone: Hashable
    """What it met alone; None where it was not asked for alone."""
    sets: int
    """The identity of the facts about sets with it."""
    shown: int
    """The identity of the lists of other tokens than those for one scope that hold it."""
    met_by_others: tuple[bool, ...]
    exists: bool
    name: Hashable = None
    """The scope itself where rules look at its name, or at more than one answer to it alone."""


def standings(known: Known) -> Iterator[tuple[Scope, Standing]]:
    """How each candidate stands."""
    facts, by_name, met_by_others = known.facts, known.looks_at_names, known.met_by_others
    met_alone = {} if by_name else _met_alone(facts)
    named = facts.named | (facts.asked_alone - met_alone.keys())
    absent = {
        scope for audience, scope in known.server.no_such_scopes if audience == known.audience
    }
    for scope in facts.assignment.candidates:
        yield (
            scope,
            Standing(
                met_alone.get(scope),
                id(facts.with_others(scope)),
                id(facts.shown_with_others(scope)),
                tuple([scope in met for met in met_by_others]),
                scope not in absent,
                scope if by_name or scope in named else None,
            ),
        )


def _met_alone(facts: ClientFacts) -> dict[Scope, Hashable]:
    """
    What scopes met that were asked for alone just once: equal where nothing but names differs.

    Not those that were refused so with their name in the words, or beside being asked for in sets:
    there it counts which came first.
    """
    met: dict[Scope, Hashable] = {}
    sets = [n for n, fact in enumerate(facts.facts) if len(fact.question.asked) > 1]
    for number, tokens in enumerate(facts.showings.values()):
        for asked, issued in tokens:
            if len(asked) == 1 and len(alone := facts.about(asked[0])) == 1:
                sets_before = bisect(sets, facts.position(alone[0]))
                met[asked[0]] = number, facts.is_shared(issued), sets_before
    for fact in facts.refused:
        asked, words = fact.question.asked, getattr(fact.answer, "description", "")
        if len(asked) != 1 or asked[0] in words or facts.with_others(asked[0]):
            continue
        if len(facts.about(asked[0])) == 1:
            met[asked[0]] = fact.answer, facts.is_followed(fact), facts.is_bracketed(fact)
    return met
