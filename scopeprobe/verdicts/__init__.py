"""What the facts prove: `learn` what a server is like, `judge` what a client has."""

from scopeprobe.verdicts.covers import covers, precedent
from scopeprobe.verdicts.judge import judge
from scopeprobe.verdicts.lesson import learn
from scopeprobe.verdicts.shapes import shapes_in_doubt
from scopeprobe.verdicts.testimony import names_on, tells

__all__ = [
    "covers",
    "judge",
    "learn",
    "names_on",
    "precedent",
    "shapes_in_doubt",
    "tells",
]
