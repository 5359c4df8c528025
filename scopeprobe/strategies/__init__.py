"""Which questions, in which order: plans, as generators without I/O."""

from scopeprobe.strategies.each import each

__all__ = ["each"]
