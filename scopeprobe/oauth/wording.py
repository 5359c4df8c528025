"""How servers say it: the table of `wording.toml`, compiled once."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources


@cache
def _table() -> dict[str, re.Pattern[str]]:
    text = resources.files(__package__).joinpath("wording.toml").read_text(encoding="utf-8")
    return {
        topic: re.compile("|".join(patterns), re.IGNORECASE)
        for topic, patterns in tomllib.loads(text).items()
    }


def speaks_of(topic: str, text: str) -> bool:
    """Whether a server's text speaks of a topic of `wording.toml`."""
    return _table()[topic].search(text) is not None
