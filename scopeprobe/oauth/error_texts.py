"""How servers say it: the table of `error_texts.toml`, compiled once."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources


@cache
def _table() -> dict[str, list[str]]:
    text = resources.files(__package__).joinpath("error_texts.toml").read_text(encoding="utf-8")
    table: dict[str, list[str]] = tomllib.loads(text)
    return table


@cache
def pattern_of(topic: str, behind: str = "") -> re.Pattern[str]:
    """What finds a topic of `error_texts.toml`, with `behind` (a regular expression) behind it."""
    return re.compile(f"(?:{'|'.join(_table()[topic])}){behind}", re.IGNORECASE)


def speaks_of(topic: str, text: str) -> bool:
    """Whether a server's text speaks of a topic of `error_texts.toml`."""
    return pattern_of(topic).search(text) is not None
