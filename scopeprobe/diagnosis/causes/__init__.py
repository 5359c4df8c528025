"""What the experiments prove to be wrong: a generator of causes a file, their texts in one table.

A new cause is a table in `causes.toml`, and a line in the generator that finds it; one that
servers name in their own words needs no generator, but `said_of` and a row in error_patterns.toml.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal, TypeAlias

import msgspec

Judged: TypeAlias = Literal["credentials", "request"]
"""What a server looks at, in this order, before it comes to the scopes."""


class CauseText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of `causes.toml`."""

    step: str
    """What to do next, as a template of NextStepFields."""
    mended_step: str = ""
    """The same, where a changed request was accepted and shows what is wanted instead."""
    said_of: tuple[Judged, ...] = ()
    """Servers name the cause in their own words, about these parts of the request."""
    is_behind_credentials: bool = False
    """A server that names it has accepted the credentials."""
    is_harmless: bool = False
    """It keeps nobody from a token."""


@cache
def cause_texts() -> dict[str, CauseText]:
    """All causes by their codes, in the order of mending."""
    text = resources.files(__package__).joinpath("causes.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, CauseText])


def codes() -> tuple[str, ...]:
    """Every cause code, in the order of mending."""
    return tuple(cause_texts())


@cache
def codes_said_of(judged: Judged) -> tuple[str, ...]:
    """Causes that servers name in their own words about this part of a request."""
    return tuple(code for code, cause in cause_texts().items() if judged in cause.said_of)
