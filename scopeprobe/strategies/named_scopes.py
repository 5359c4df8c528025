"""Servers whose refusals name the culprits (docs/algorithm.md, G.N)."""

from __future__ import annotations

from collections.abc import Sequence

from scopeprobe.model.scope_names import Scope, stand_at_an_edge
from scopeprobe.strategies.controls import PlanPart
from scopeprobe.strategies.scope_sets import SetAnswer, SetProber


def take_out_the_named(
    prober: SetProber, reply: SetAnswer, order: Sequence[Scope], most: int
) -> PlanPart[list[Scope]]:
    """
    Leave named scopes out of the request until the rest is accepted; return what is still open.

    Names are checked at the edges of the request, where a mere echo would name the same; else for
    the first time on a server, and then whenever twice as many were named; and where the rest of a
    request that had several is refused: they may be what is allowed. Nothing is left open,
    unless names prove wrong, no more are named, or checks would take more than `most` requests in
    all. Raises ControlFailed.
    """
    left, named, checks, several = list(order), list[Scope](), 0, list[Scope]()
    while left and reply.is_refused:
        if several:
            yield from prober.ask([several.pop()])
        culprits = reply.named
        if not (prober.carried | prober.granted).isdisjoint((*named, *culprits)):
            return _not_granted(prober, [*named, *left])
        if not culprits or prober.spent + _MOST_FOR_ONE + len(left) > most:
            return left
        is_due = len(named) + 1 >= 2**checks if checks else not prober.behavior.names_culprits
        is_at_an_edge = stand_at_an_edge(culprits, reply.request)
        if is_due or is_at_an_edge:
            if not (yield from _are_right(prober, culprits, reply.request)):
                return _not_granted(prober, [*named, *left])
            checks += 1
        if not named and len(culprits) > 1:
            several.append(culprits[-1])
        named += culprits
        left = [scope for scope in left if scope not in culprits]
        if is_at_an_edge:
            left = _turned(left)
        reply, left = yield from _ask_rest(prober, reply, left)
    return left


def _are_right(
    prober: SetProber, culprits: tuple[Scope, ...], request: tuple[Scope, ...]
) -> PlanPart[bool]:
    """Whether they are named elsewhere in the request too, or are refused alone where asked."""
    if len(culprits) > 1 and stand_at_an_edge(culprits, request):
        moved = yield from prober.ask(_to_the_middle(culprits, request))
        return set(moved.named) == set(culprits)
    alone = yield from prober.ask(culprits[:1])
    return alone.is_refused


def _ask_rest(
    prober: SetProber, reply: SetAnswer, left: list[Scope]
) -> PlanPart[tuple[SetAnswer, list[Scope]]]:
    """Ask for what is left until it is all accepted, or a request is not; what is left then."""
    while left:
        size = prober.fitting(left, beside=prober.anchor_of(left))
        reply = yield from prober.ask_anchored(left[:size])
        if not reply.is_accepted:
            break
        left = [scope for scope in left if scope not in reply.asked]
    return reply, left


_MOST_FOR_ONE = 4
"""Requests that it takes at most to have one more name, checked at both ends."""


def _not_granted(prober: SetProber, scopes: Sequence[Scope]) -> list[Scope]:
    known = prober.granted | prober.carried
    return [scope for scope in scopes if scope not in known]


def _turned(scopes: list[Scope]) -> list[Scope]:
    """With what stood in the middle at the ends: the next culprit may be seen off the edge."""
    half = len(scopes) // 2
    return [*scopes[half:], *scopes[:half]]


def _to_the_middle(culprits: Sequence[Scope], asked: Sequence[Scope]) -> list[Scope]:
    """With others before and behind them; with one other only, at the other end."""
    others = [scope for scope in asked if scope not in culprits]
    half = len(others) // 2
    if not half and set(asked[: len(culprits)]) == set(culprits):
        half = 1
    return [*others[:half], *culprits, *others[half:]]
