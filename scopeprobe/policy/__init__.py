"""What should be, held against what is."""

from scopeprobe.policy.advertised import Advertised, held_against
from scopeprobe.policy.expectations import KINDS, Departure, departures

__all__ = ["KINDS", "Advertised", "Departure", "departures", "held_against"]
