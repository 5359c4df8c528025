"""Why does this client get no token? Experiments that change one thing, and what they prove."""

from scopeprobe.diagnosis.case import Case, Known, OtherEndpoint, ToldToAnother
from scopeprobe.diagnosis.causes import codes
from scopeprobe.diagnosis.experiments import diagnose
from scopeprobe.diagnosis.explain import Cause, Explanation, explain_log, read_texts

__all__ = [
    "Case",
    "Cause",
    "Explanation",
    "Known",
    "OtherEndpoint",
    "ToldToAnother",
    "codes",
    "diagnose",
    "explain_log",
    "read_texts",
]
