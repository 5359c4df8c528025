"""Find out what a server's text speaks of, by the patterns of `error_texts.toml`."""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib import resources

_LINES: dict[str, list[str]] = tomllib.loads(
    resources.files(__package__).joinpath("error_texts.toml").read_text(encoding="utf-8")
)
_PATTERNS = {topic: f"(?:{'|'.join(lines)})" for topic, lines in _LINES.items()}


@cache
def pattern_of(topic: str, behind: str = "") -> re.Pattern[str]:
    """Compile the pattern of a topic, followed by `behind` (a regular expression)."""
    return re.compile(_PATTERNS[topic] + behind, re.IGNORECASE)


@lru_cache(maxsize=1024)
def speaks_of(topic: str, text: str) -> bool:
    """Whether a text speaks of a topic. A server refuses hundreds of scopes in the same words."""
    return pattern_of(topic).search(text) is not None
