"""What the facts prove: `learn` what a server is like, `judge` what a client has."""

from scopeprobe.model.lessons import Lesson
from scopeprobe.verdicts.covers import covers, precedent
from scopeprobe.verdicts.judge import judge
from scopeprobe.verdicts.lesson import learn
from scopeprobe.verdicts.names import resource
from scopeprobe.verdicts.naming import culprits, stand_at_an_edge
from scopeprobe.verdicts.shapes import prefix, shapes_in_doubt
from scopeprobe.verdicts.testimony import names_on, tells

__all__ = [
    "Lesson",
    "covers",
    "culprits",
    "judge",
    "learn",
    "names_on",
    "precedent",
    "prefix",
    "resource",
    "shapes_in_doubt",
    "stand_at_an_edge",
    "tells",
]
