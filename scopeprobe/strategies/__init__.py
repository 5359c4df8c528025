"""Which questions, in which order: plans, as generators without I/O."""

from scopeprobe.strategies.adaptive import adaptive
from scopeprobe.strategies.each import each
from scopeprobe.strategies.recheck import recheck

__all__ = ["LEARNING", "adaptive", "each", "recheck"]

LEARNING = frozenset({adaptive, recheck})
"""Strategies whose questions depend on what other clients of the server were told."""
