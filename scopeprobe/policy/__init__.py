"""What should be, held against what is."""

from scopeprobe.policy.advertised import Advertised, held_against
from scopeprobe.policy.baseline import Baseline, Waiver
from scopeprobe.policy.expectations import KINDS, Departure, Kind
from scopeprobe.policy.review import Earlier, Policy, Rule, news, review

__all__ = [
    "KINDS",
    "Advertised",
    "Baseline",
    "Departure",
    "Earlier",
    "Kind",
    "Policy",
    "Rule",
    "Waiver",
    "held_against",
    "news",
    "review",
]
