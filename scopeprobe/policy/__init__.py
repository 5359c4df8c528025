"""What should be, held against what is."""

from scopeprobe.policy.advertised import Advertised, held_against
from scopeprobe.policy.baseline import Baseline, Waiver
from scopeprobe.policy.findings import FINDING_KINDS, Finding, FindingKind
from scopeprobe.policy.review import Earlier, Policy, Rule, news, review

__all__ = [
    "FINDING_KINDS",
    "Advertised",
    "Baseline",
    "Earlier",
    "Finding",
    "FindingKind",
    "Policy",
    "Rule",
    "Waiver",
    "held_against",
    "news",
    "review",
]
