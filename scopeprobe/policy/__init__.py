"""What should be, compared with what is: findings, baselines, changes."""

from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.policy.advertised import Advertised, compare_with_advertised
from scopeprobe.policy.baseline import Baseline, Waiver
from scopeprobe.policy.findings import Earlier, Policy, Rule, findings, new_findings
from scopeprobe.policy.incidents import Nights, dated, incidents

__all__ = [
    "Advertised",
    "Baseline",
    "Earlier",
    "Finding",
    "FindingKind",
    "Nights",
    "Policy",
    "Rule",
    "Waiver",
    "compare_with_advertised",
    "dated",
    "findings",
    "incidents",
    "new_findings",
]
