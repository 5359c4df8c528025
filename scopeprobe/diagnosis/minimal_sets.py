"""
The minimal refusing sets of a request: scopes that are refused, and as few as possible of them.

Any server that refuses a set refuses what holds it; so the shortest refused beginning of the list
ends with a member of such a set, and a search by halves finds it. QuickXplain (Junker 2004) with a
list for its order: a single of `n` costs about log2(n) + 2 requests, a pair twice that.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import TypeAlias

from scopeprobe.model.scope_names import Scope

Scopes: TypeAlias = tuple[Scope, ...]
Asking: TypeAlias = Generator[Scopes, tuple[bool, Scopes], tuple[Scopes, ...]]
"""Sets out; whether each was accepted, and which of its scopes the refusal names, in."""


def refusing_sets(wanted: Scopes) -> Asking:
    """
    Find minimal refusing sets until what is left over is accepted.

    Of every set that is found, one member is left out from then on: of sets that share it, only
    one is found.
    """
    found: list[Scopes] = []
    rest, accepted = wanted, 0
    while rest:
        is_accepted, named = yield rest
        if is_accepted:
            break
        if culprits := _culprits(named, rest):
            core = yield from _named(culprits[0], rest)
            accepted = 0
        else:
            accepted = yield from _shortest((), rest, accepted)
            core = yield from _core(rest[accepted], rest[:accepted])
        found.append(tuple(scope for scope in wanted if scope in core))
        rest = tuple(scope for scope in rest if scope != core[0])
    return tuple(found)


def _culprits(named: Scopes, rest: Scopes) -> Scopes:
    """The scopes that a refusal names; none where it only repeats the whole request."""
    asked = tuple(scope for scope in named if scope in rest)
    return asked if 0 < len(asked) < len(rest) else ()


def _named(culprit: Scope, rest: Scopes) -> Generator[Scopes, tuple[bool, Scopes], Scopes]:
    others = tuple(scope for scope in rest if scope != culprit)
    return (yield from _core(culprit, others))


def _core(
    culprit: Scope, others: Sequence[Scope]
) -> Generator[Scopes, tuple[bool, Scopes], Scopes]:
    """The minimal refusing set that holds the culprit, and else only some of the others."""
    core: Scopes = (culprit,)
    while True:
        is_accepted, _ = yield core
        if not is_accepted or not others:
            return core
        accepted = yield from _shortest(core, others, 0)
        core, others = (*core, others[accepted]), others[:accepted]


def _shortest(
    core: Scopes, others: Sequence[Scope], accepted: int
) -> Generator[Scopes, tuple[bool, Scopes], int]:
    """How many of the others may be asked for with the core; one more is refused."""
    refused = len(others)
    while refused - accepted > 1:
        middle = (accepted + refused) // 2
        is_accepted, _ = yield (*core, *others[:middle])
        accepted, refused = (middle, refused) if is_accepted else (accepted, middle)
    return accepted


def minimal_sets(refused: Iterable[Scopes], accepted: Iterable[Scopes]) -> tuple[Scopes, ...]:
    """
    Which refused sets are shown to be minimal: without any one member they were accepted.

    A set is shown to be accepted by any accepted set that holds it. A single is minimal as it is.
    """
    held = [frozenset(scopes) for scopes in accepted]
    minimal: list[Scopes] = []
    for scopes in sorted(set(refused), key=len):
        members = frozenset(scopes)
        if any(members >= frozenset(less) for less in minimal):
            continue
        parts = (members - {scope} for scope in scopes)
        if len(scopes) == 1 or all(any(part <= whole for whole in held) for part in parts):
            minimal.append(scopes)
    return tuple(minimal)
