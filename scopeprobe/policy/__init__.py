"""What should be, held against what is."""

from scopeprobe.policy.expectations import KINDS, Departure, departures

__all__ = ["KINDS", "Departure", "departures"]
