"""When a refusal of several scopes names its culprits, and when the names may be believed."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from scopeprobe.model.answers import Answer, Refused
from scopeprobe.model.client import Scope


def culprits(answer: Answer, asked: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The asked scopes that a refusal names; none where it only repeats the whole request."""
    if not isinstance(answer, Refused):
        return ()
    named = tuple(scope for scope in asked if scope in answer.named)
    return () if named == asked else named


def stand_at_an_edge(named: Collection[Scope], asked: tuple[Scope, ...]) -> bool:
    """
    The names are the first or the last ones of the request.

    A server that names whatever comes first, or cuts its echo of the request short, does the same.
    """
    ends = asked[: len(named)], asked[-len(named) :]
    return any(set(named) == set(end) for end in ends)


def are_believable(named: Collection[Scope], refusals: Iterable[tuple[Scope, ...]]) -> bool:
    """
    Whether their places in the requests, whose refusals all named just these, rule an echo out.

    It takes a request in which they stood in the middle, or two with them at either end; and one
    name alone at an edge is never believed without being asked for.
    """
    requests = list(refusals)
    if any(not stand_at_an_edge(named, asked) for asked in requests):
        return True
    starts = {set(asked[: len(named)]) == set(named) for asked in requests}
    return len(named) > 1 and len(starts) > 1
