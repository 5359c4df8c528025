"""Which causes a server names in its own words: the table of `error_patterns.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from scopeprobe.diagnosis.confidence import WORDS, Sign
from scopeprobe.model.answer import Issued
from scopeprobe.model.client import AuthMethod
from scopeprobe.model.experiment import Experiment

_FROM_MEMORY = "M"
_MOST_FROM_MEMORY = 0.85
_LONGEST = 4000
"""Characters that are searched."""


@dataclass(frozen=True, slots=True)
class ErrorPattern:
    """One row of the table, found in an answer."""

    cause: str
    confidence: float
    """How often the words mean this cause, with nothing else known."""
    servers: str
    """Whose words they are."""
    source: str
    is_certain: bool = False
    """No experiment is to be spent on it any more."""
    advice: str = ""
    """What the next step says beside the usual."""
    method: AuthMethod | None = None
    """The authentication method that the server wants."""

    @property
    def sign(self) -> Sign:
        """The words as a sign of their cause."""
        return Sign(WORDS, self.confidence, self.cause)


@cache
def known_patterns() -> tuple[tuple[re.Pattern[str], ErrorPattern], ...]:
    """All that are written down, and what each is looked for by."""
    text = resources.files(__package__).joinpath("error_patterns.toml").read_text(encoding="utf-8")
    return tuple(map(_row, tomllib.loads(text)["patterns"]))


def _row(row: dict[str, Any]) -> tuple[re.Pattern[str], ErrorPattern]:
    most = _MOST_FROM_MEMORY if row["source"] == _FROM_MEMORY else 1.0
    pattern = ErrorPattern(
        cause=row["cause"],
        confidence=min(row["confidence"], most),
        servers=row["servers"],
        source=row["source"],
        is_certain=row.get("certain", False),
        advice=row.get("advice", ""),
        method=AuthMethod(row["method"]) if "method" in row else None,
    )
    return re.compile(row["pattern"], re.IGNORECASE | re.DOTALL), pattern


def patterns_in(experiment: Experiment) -> tuple[ErrorPattern, ...]:
    """The patterns that an answer fits, the first of each cause."""
    return () if isinstance(experiment.answer, Issued) else _patterns_of(_text_of(experiment))


@lru_cache(maxsize=1000)
def _patterns_of(text: str) -> tuple[ErrorPattern, ...]:
    """Each answer is looked at many times while a diagnosis goes on."""
    found: dict[str, ErrorPattern] = {}
    for expression, pattern in known_patterns():
        if (match := expression.search(text)) is not None:
            found.setdefault(pattern.cause, _with_method(pattern, match))
    return tuple(found.values())


def _text_of(experiment: Experiment) -> str:
    """All that the server wrote, without the scopes that it may repeat."""
    error = getattr(experiment.answer, "error", "")
    headers = " ".join(f"{name}: {value}" for name, value in experiment.trace.headers)
    said = f"{experiment.trace.body} {headers}"[:_LONGEST]
    for scope in sorted(experiment.question.asked, key=len, reverse=True):
        said = said.replace(scope, " ")
    return f"{experiment.trace.status or ''} {error} {said}"


def _with_method(pattern: ErrorPattern, match: re.Match[str]) -> ErrorPattern:
    named = match.groupdict().get("method") or ""
    if named not in set(AuthMethod):
        return pattern
    return replace(pattern, method=AuthMethod(named))
