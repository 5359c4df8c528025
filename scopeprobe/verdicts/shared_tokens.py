"""Tokens that a server handed out for more than one question (docs/design.md, rule 11)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from scopeprobe.model.answer import Fact, Issued


def shared_tokens(facts: Iterable[Fact]) -> frozenset[int]:
    """
    Tokens that answered different questions, one showing right after the other.

    Such a token was kept, and not made for what was asked. Where another token came between two
    of its showings, the server chose it for the question.
    """
    ordered = sorted(facts, key=lambda fact: fact.sent)
    showings = (
        (fact.answer.token, fact.question.scopes)
        for fact in ordered
        if isinstance(fact.answer, Issued)
    )
    shared, returned, seen = set[int](), set[int](), set[int]()
    for token, together in groupby(showings, key=itemgetter(0)):
        if token in seen:
            returned.add(token)
        seen.add(token)
        if len({scopes for _, scopes in together}) > 1:
            shared.add(token)
    return frozenset(shared - returned - {0})
