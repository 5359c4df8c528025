"""
The theories of a thread about a 401: which of them fell, by which requests, and which are open.

A theory holds where one of its causes is named. Else refutations.py says what rules it
out; where none can, the theory is open, and what would test it is told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from importlib import resources

import msgspec

from scopeprobe.diagnosis.observations import Observations
from scopeprobe.diagnosis.refutations import REFUTATIONS, undecided

Evidence = tuple[str, ...]


class Theory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of `theories.toml`."""

    says: str
    causes: tuple[str, ...]
    test: str


class RuledOut(msgspec.Struct, frozen=True):
    """A theory that fell."""

    theory: str
    says: str
    evidence: Evidence


class NotTested(msgspec.Struct, frozen=True):
    """A theory that nothing of this diagnosis decides."""

    theory: str
    says: str
    test: str


@cache
def theories() -> dict[str, Theory]:
    """All theories by their names, the cheapest to test first."""
    text = resources.files(__package__).joinpath("theories.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, Theory])


def judge_theories(
    seen: Observations, named: Collection[str]
) -> tuple[tuple[RuledOut, ...], tuple[NotTested, ...]]:
    """Those that fell and those that are open, beside the named causes."""
    fallen: list[RuledOut] = []
    left: list[NotTested] = []
    for name, theory in theories().items():
        if not seen.log or set(theory.causes) & set(named):
            continue
        evidence = tuple(dict.fromkeys(REFUTATIONS[name](seen)))
        if evidence:
            fallen.append(RuledOut(name, theory.says, evidence))
        else:
            left.append(NotTested(name, theory.says, undecided(name, seen) or theory.test))
    return tuple(fallen), tuple(left)


COMPARE = (
    "The request of this command is accepted: where your own software is refused, compare what it"
    " sends with the line for a shell (body, Content-Type, Authorization, scope, address)."
)
"""What is next where nothing is wrong with the client."""


def cheapest_test(doubted: Collection[str], left: Sequence[NotTested]) -> str:
    """What to test next: between the causes that are named without proof, else what is left."""
    between = [t.test for t in theories().values() if set(t.causes) & set(doubted)]
    return next(iter((*between, *(open_one.test for open_one in left))), "")
