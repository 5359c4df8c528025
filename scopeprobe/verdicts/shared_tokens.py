"""Tokens that a server handed out for more than one question (docs/design.md, rule 11)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from scopeprobe.model.answer import Fact, Issued


def shared_tokens(successes: Iterable[Fact]) -> frozenset[int]:
    """
    Tokens that answered different questions, one showing right after the other.

    Such a token was kept, and not made for what was asked. Where another token came between two
    of its showings, the server chose it for the question.
    """
    ordered = sorted(successes, key=lambda fact: fact.sent)
    shared, returned, seen = set[int](), set[int](), set[int]()
    for token, showings in groupby(ordered, key=_token):
        if token in seen:
            returned.add(token)
        seen.add(token)
        if len({fact.question.scopes for fact in showings}) > 1:
            shared.add(token)
    return frozenset(shared - returned - {0})


def _token(fact: Fact) -> int:
    return fact.answer.token if isinstance(fact.answer, Issued) else 0
