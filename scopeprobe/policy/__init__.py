"""What should be, compared with what is: findings, baselines, changes."""

from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.policy.advertised import Advertised, compare_with_advertised
from scopeprobe.policy.baseline import Baseline, Waiver
from scopeprobe.policy.findings import Earlier, Policy, Rule, findings, new_findings
from scopeprobe.policy.incidents import Nights, dated, incidents
from scopeprobe.policy.unmatched import complaints_of_rules, unmatched_expectations

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
    "complaints_of_rules",
    "dated",
    "findings",
    "incidents",
    "new_findings",
    "unmatched_expectations",
]
