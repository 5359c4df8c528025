"""Find out what a server's text speaks of, by the patterns of `error_texts.toml`."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

_PATTERNS: dict[str, list[str]] = tomllib.loads(
    resources.files(__package__).joinpath("error_texts.toml").read_text(encoding="utf-8")
)


@cache
def pattern_of(topic: str, behind: str = "") -> re.Pattern[str]:
    """Compile the pattern of a topic, followed by `behind` (a regular expression)."""
    return re.compile(f"(?:{'|'.join(_PATTERNS[topic])}){behind}", re.IGNORECASE)


def speaks_of(topic: str, text: str) -> bool:
    """Whether a text speaks of a topic."""
    return pattern_of(topic).search(text) is not None
