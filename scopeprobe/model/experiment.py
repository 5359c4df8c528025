"""Experiments of `explain`: a request, perhaps changed, its answer, and what is shown of both."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias

from scopeprobe.model.answer import Answer
from scopeprobe.model.question import Question


@dataclass(frozen=True, slots=True)
class Trace:
    """What was sent and what came back, with nothing secret in it."""

    curl: str
    """The request as a command; secret, assertion and proof are shell variables."""
    status: int | None = None
    """None where no HTTP answer came."""
    headers: tuple[tuple[str, str], ...] = ()
    """Those that matter: challenges, ids for a support case, limits, who stands in between."""
    body: str = ""
    """As text, masked and cut off; empty for a success."""
    skew: float | None = None
    """Seconds by which the server's `Date` is ahead of our clock; None where it has none."""

    def header(self, name: str) -> str:
        """Of several with one name the first; empty where there is none."""
        folded = name.casefold()
        return next((value for key, value in self.headers if key.casefold() == folded), "")


@dataclass(frozen=True, slots=True)
class Experiment:
    """One question of a diagnosis with its answer, in the order of asking."""

    question: Question
    answer: Answer
    trace: Trace
    throttled: int = 0
    """How often it was throttled before this answer came."""
    sent: int = 1
    """Token requests that were sent for it: again after faults, throttles, a demand for a nonce."""


ExperimentPlan: TypeAlias = Generator[Question, Experiment, None]
"""A diagnosis as a plan: one question a yield, because each decides which comes next."""
