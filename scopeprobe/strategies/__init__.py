"""What to ask, and in which order: plans as generators, without I/O. STRATEGIES is the list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scopeprobe.model.assignment import Assignment, Strategy
from scopeprobe.strategies.adaptive import adaptive, estimate_adaptive
from scopeprobe.strategies.each import each, estimate_each
from scopeprobe.strategies.estimates import Estimate
from scopeprobe.strategies.recheck import estimate_recheck, recheck

__all__ = ["LEARNING", "STRATEGIES", "StrategyEntry", "adaptive", "each", "recheck"]


@dataclass(frozen=True, slots=True)
class StrategyEntry:
    """One strategy that a user can choose."""

    ask: Strategy
    estimate: Callable[[Assignment], Estimate]
    """How many requests it takes, before anything is sent."""
    learns: bool = False
    """Its questions depend on what other clients of the server were told."""
    needs_maps: bool = False
    """It asks what the last run proved: without one there is nothing to gain by it."""


STRATEGIES = {
    "each": StrategyEntry(each, estimate_each),
    "adaptive": StrategyEntry(adaptive, estimate_adaptive, learns=True),
    "recheck": StrategyEntry(recheck, estimate_recheck, learns=True, needs_maps=True),
}

LEARNING = frozenset(entry.ask for entry in STRATEGIES.values() if entry.learns)
"""Strategies whose questions depend on what other clients of the server were told."""
