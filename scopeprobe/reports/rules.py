"""What is said of each kind of finding, wherever findings are told."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from scopeprobe.model.finding import FindingKind
from scopeprobe.reports.summary import Commands


class Rule(msgspec.Struct, frozen=True):
    """What a kind of finding means, and what to do about it."""

    title: str
    text: str
    next_step: str

    @property
    def is_explained(self) -> bool:
        """`explain` says why."""
        return "{explain}" in self.next_step

    def next_step_for(self, client: str, commands: Commands) -> str:
        """What to do, or to type."""
        return self.next_step.format(
            client=shlex.quote(client), explain=commands.explain, history=commands.history
        )


@cache
def rules() -> Mapping[FindingKind, Rule]:
    """Those of rules.toml: one a kind, the worst first."""
    text = resources.files("scopeprobe.reports").joinpath("rules.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[FindingKind, Rule])
