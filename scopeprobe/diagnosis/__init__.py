"""Why does this client get no token? Experiments that change one thing, and what they prove."""

from scopeprobe.diagnosis.cases import Case, Endpoint
from scopeprobe.diagnosis.explain import Cause, Explanation, codes, explain_log
from scopeprobe.diagnosis.plan import diagnose

__all__ = ["Case", "Cause", "Endpoint", "Explanation", "codes", "diagnose", "explain_log"]
