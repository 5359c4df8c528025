"""What a server's own words say of the cause: the table of `error_patterns.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from scopeprobe.model.answer import Issued
from scopeprobe.model.client import AuthMethod
from scopeprobe.model.experiment import Experiment

_RECALLED = "M"
_MOST_FOR_RECALLED = 0.85
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class ErrorPattern:
    """One row of the table, found in an answer."""

    cause: str
    confidence: float
    said_by: str
    source: str
    is_certain: bool = False
    """No experiment is to be spent on it any more."""
    tell: str = ""
    """What the next step says beside the usual."""
    method: AuthMethod | None = None


@cache
def _rows() -> tuple[tuple[re.Pattern[str], ErrorPattern], ...]:
    text = resources.files(__package__).joinpath("error_patterns.toml").read_text(encoding="utf-8")
    return tuple(map(_row, tomllib.loads(text)["signs"]))


def _row(row: dict[str, Any]) -> tuple[re.Pattern[str], ErrorPattern]:
    most = _MOST_FOR_RECALLED if row["source"] == _RECALLED else 1.0
    pattern = ErrorPattern(
        cause=row["cause"],
        confidence=min(row["confidence"], most),
        said_by=row["said_by"],
        source=row["source"],
        is_certain=row.get("certain", False),
        tell=row.get("tell", ""),
    )
    return re.compile(row["pattern"], re.IGNORECASE | re.DOTALL), pattern


def patterns_in(experiment: Experiment) -> tuple[ErrorPattern, ...]:
    """What an answer says in words that are known, the first of each cause."""
    if isinstance(experiment.answer, Issued):
        return ()
    text = _said(experiment)
    found: dict[str, ErrorPattern] = {}
    for expression, pattern in _rows():
        if (match := expression.search(text)) is not None:
            found.setdefault(pattern.cause, _with_method(pattern, match))
    return tuple(found.values())


def _said(experiment: Experiment) -> str:
    """All that the server said, without the words that it may repeat of ours."""
    error = getattr(experiment.answer, "error", "")
    headers = " ".join(f"{name}: {value}" for name, value in experiment.trace.headers)
    said = f"{experiment.trace.body} {headers}"[:_LONGEST]
    for scope in sorted(experiment.question.scopes or (), key=len, reverse=True):
        said = said.replace(scope, " ")
    return f"{experiment.trace.status or ''} {error} {said}"


def _with_method(pattern: ErrorPattern, match: re.Match[str]) -> ErrorPattern:
    named = match.groupdict().get("method") or ""
    if named not in set(AuthMethod):
        return pattern
    return replace(pattern, method=AuthMethod(named))
