"""Why does this client get no token? Experiments that change one thing, and what they prove."""

from scopeprobe.diagnosis.case import Case, OtherEndpoint
from scopeprobe.diagnosis.explain import Cause, Explanation, codes, explain_log
from scopeprobe.diagnosis.experiments.credentials import diagnose

__all__ = ["Case", "Cause", "Explanation", "OtherEndpoint", "codes", "diagnose", "explain_log"]
