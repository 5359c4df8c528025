"""Servers whose refusals name the culprits (algorithm.md, appendix G.N)."""

from __future__ import annotations

from collections.abc import Sequence

from scopeprobe.model.scope_names import Scope, stand_at_an_edge
from scopeprobe.strategies.hearing import Asking
from scopeprobe.strategies.inquiry import Inquiry, Reply


def take_out_the_named(
    inquiry: Inquiry, reply: Reply, order: Sequence[Scope]
) -> Asking[list[Scope]]:
    """
    Take the named scopes out of the request until the rest is accepted.

    Names are doubted where a server that understands nothing would say the same: at the edges of
    the request, for the first time on a server, and then after twice as many. Returns the scopes
    that are still open: none, unless names cannot be believed or run out. Raises LetDown.
    """
    left, named, checks = list(order), list[Scope](), 0
    while reply.is_refused and (culprits := reply.named):
        is_due = len(named) + 1 >= 2**checks if checks else not inquiry.behavior.names_culprits
        if len(culprits) > 1 and stand_at_an_edge(culprits, reply.asked):
            moved = yield from inquiry.ask(_to_the_middle(culprits, reply.asked))
            if set(moved.named) != set(culprits):
                return [*named, *left]
            checks += 1
        elif is_due or stand_at_an_edge(culprits, reply.asked):
            alone = yield from inquiry.ask(culprits[:1])
            if not alone.is_refused:
                return [scope for scope in (*named, *left) if scope not in inquiry.granted]
            checks += 1
        named += culprits
        left = [scope for scope in left if scope not in culprits]
        if not left:
            return []
        reply = yield from _ask_next(inquiry, left)
        while reply.is_accepted:
            left = [scope for scope in left if scope not in reply.asked]
            if not left:
                return []
            reply = yield from _ask_next(inquiry, left)
    return left


def _ask_next(inquiry: Inquiry, left: Sequence[Scope]) -> Asking[Reply]:
    reply = yield from inquiry.ask(left[: inquiry.fitting(left)])
    return reply


def _to_the_middle(culprits: Sequence[Scope], asked: Sequence[Scope]) -> list[Scope]:
    """With others before and behind them; with one other only, at the other end."""
    others = [scope for scope in asked if scope not in culprits]
    half = len(others) // 2
    if not half and set(asked[: len(culprits)]) == set(culprits):
        half = 1
    return [*others[:half], *culprits, *others[half:]]
