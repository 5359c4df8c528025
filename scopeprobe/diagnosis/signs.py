"""What a server's own words say of the cause: the table of `signs.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
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
class Sign:
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
def _rows() -> tuple[tuple[re.Pattern[str], Sign], ...]:
    text = resources.files(__package__).joinpath("signs.toml").read_text(encoding="utf-8")
    return tuple(map(_row, tomllib.loads(text)["signs"]))


def _row(row: dict[str, Any]) -> tuple[re.Pattern[str], Sign]:
    most = _MOST_FOR_RECALLED if row["source"] == _RECALLED else 1.0
    sign = Sign(
        cause=row["cause"],
        confidence=min(row["confidence"], most),
        said_by=row["said_by"],
        source=row["source"],
        is_certain=row.get("certain", False),
        tell=row.get("tell", ""),
    )
    return re.compile(row["pattern"], re.IGNORECASE | re.DOTALL), sign


def signs_of(experiment: Experiment) -> tuple[Sign, ...]:
    """What an answer says in words that are known, the first of each cause."""
    if isinstance(experiment.answer, Issued):
        return ()
    text = _said(experiment)
    found: dict[str, Sign] = {}
    for pattern, sign in _rows():
        if (match := pattern.search(text)) is not None:
            found.setdefault(sign.cause, _with_method(sign, match))
    return tuple(found.values())


def _said(experiment: Experiment) -> str:
    """All that the server said, without the words that it may repeat of ours."""
    error = getattr(experiment.answer, "error", "")
    headers = " ".join(f"{name}: {value}" for name, value in experiment.trace.headers)
    said = f"{experiment.trace.body} {headers}"[:_LONGEST]
    for scope in sorted(experiment.question.scopes or (), key=len, reverse=True):
        said = said.replace(scope, " ")
    return f"{experiment.trace.status or ''} {error} {said}"


def _with_method(sign: Sign, match: re.Match[str]) -> Sign:
    named = match.groupdict().get("method") or ""
    if named not in set(AuthMethod):
        return sign
    return Sign(
        sign.cause, sign.confidence, sign.said_by, sign.source, sign.is_certain, sign.tell,
        AuthMethod(named),
    )  # fmt: skip
