"""What the facts prove: `learn_behavior`: what a server is like, `judge` what a client has."""

from scopeprobe.verdicts.covers import covers, earlier_client
from scopeprobe.verdicts.judge import judge
from scopeprobe.verdicts.learn_behavior import learn_behavior
from scopeprobe.verdicts.shapes import shapes_in_doubt
from scopeprobe.verdicts.testimony import names_on, tells

__all__ = [
    "covers",
    "earlier_client",
    "judge",
    "learn_behavior",
    "names_on",
    "shapes_in_doubt",
    "tells",
]
