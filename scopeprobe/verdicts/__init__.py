"""What the facts prove: `learn_behavior` of a server, `judge` what a client has."""

from scopeprobe.verdicts.accepted_sets import accepted_sets, earlier_client
from scopeprobe.verdicts.judge import judge
from scopeprobe.verdicts.learn_behavior import ToldClient, learn_behavior
from scopeprobe.verdicts.prefixes import shapes_in_doubt

__all__ = [
    "ToldClient",
    "accepted_sets",
    "earlier_client",
    "judge",
    "learn_behavior",
    "shapes_in_doubt",
]
