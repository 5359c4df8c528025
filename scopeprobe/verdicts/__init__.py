"""What the facts prove: `learn` what a server is like, `judge` what a client has."""

from scopeprobe.verdicts.judge import judge
from scopeprobe.verdicts.lesson import Lesson, learn
from scopeprobe.verdicts.shapes import shapes_in_doubt

__all__ = ["Lesson", "judge", "learn", "shapes_in_doubt"]
