"""Servers whose refusals name the culprits (docs/algorithm.md, G.N)."""

from __future__ import annotations

from collections.abc import Sequence

from scopeprobe.model.scope_names import Scope, stand_at_an_edge
from scopeprobe.strategies.controls import PlanPart
from scopeprobe.strategies.scope_sets import SetAnswer, SetProber


def take_out_the_named(
    prober: SetProber, reply: SetAnswer, order: Sequence[Scope]
) -> PlanPart[list[Scope]]:
    """
    Leave named scopes out of the request until the rest is accepted; return what is still open.

    Names are checked at the edges of the request, where a mere echo would name the same; else for
    the first time on a server, and then whenever twice as many were named. Nothing is left open,
    unless names prove wrong or no more are named. Raises ControlFailed.
    """
    left, named, checks = list(order), list[Scope](), 0
    while reply.is_refused and (culprits := reply.named):
        is_due = len(named) + 1 >= 2**checks if checks else not prober.behavior.names_culprits
        if len(culprits) > 1 and stand_at_an_edge(culprits, reply.asked):
            moved = yield from prober.ask(_to_the_middle(culprits, reply.asked))
            if set(moved.named) != set(culprits):
                return [*named, *left]
            checks += 1
        elif is_due or stand_at_an_edge(culprits, reply.asked):
            alone = yield from prober.ask(culprits[:1])
            if not alone.is_refused:
                return [scope for scope in (*named, *left) if scope not in prober.granted]
            checks += 1
        named += culprits
        left = [scope for scope in left if scope not in culprits]
        if not left:
            return []
        reply = yield from _ask_next(prober, left)
        while reply.is_accepted:
            left = [scope for scope in left if scope not in reply.asked]
            if not left:
                return []
            reply = yield from _ask_next(prober, left)
    return left


def _ask_next(prober: SetProber, left: Sequence[Scope]) -> PlanPart[SetAnswer]:
    reply = yield from prober.ask(left[: prober.fitting(left)])
    return reply


def _to_the_middle(culprits: Sequence[Scope], asked: Sequence[Scope]) -> list[Scope]:
    """With others before and behind them; with one other only, at the other end."""
    others = [scope for scope in asked if scope not in culprits]
    half = len(others) // 2
    if not half and set(asked[: len(culprits)]) == set(culprits):
        half = 1
    return [*others[:half], *culprits, *others[half:]]
