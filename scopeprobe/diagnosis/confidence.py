"""
How sure each of several causes of one failure is: Bayes' rule over `confidence.toml`.

Odds against "something else" are multiplied sign by sign, as if signs did not depend on each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import prod

import msgspec

PLAIN = 0.7
"""From this confidence on, a server's words leave hardly anything else."""
WORDS = "words"
"""The sign that has no table: error_patterns.toml tells how often each row means its cause."""
_ANY = "any"


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that was observed, and that speaks for or against a cause."""

    name: str
    """Its table in `confidence.toml`; or WORDS."""
    strength: float = 0.0
    """Of words: how often they mean the cause, with nothing else known."""
    of: str = ""
    """Of words: their cause; another one may be meant by them just as well."""

    @property
    def is_proof(self) -> bool:
        """It is a contrast, a plain word of the server, or the fault itself."""
        if self.name == WORDS:
            return self.strength >= PLAIN
        return model().signs[self.name].proves


class Likelihood(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sign of `confidence.toml`."""

    if_so: float
    otherwise: float
    proves: bool = False


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `confidence.toml`."""

    priors: dict[str, dict[str, float]]
    """By provider; `any` for all."""
    signs: dict[str, Likelihood]

    def prior(self, cause: str, provider: str) -> float:
        return self.priors.get(provider, {}).get(cause, self.priors[_ANY][cause])


@cache
def model() -> Model:
    """What is written down."""
    text = resources.files(__package__).joinpath("confidence.toml").read_bytes()
    return msgspec.toml.decode(text, type=Model)


def confidences(rivals: Sequence[tuple[str, Iterable[Sign]]], provider: str) -> tuple[float, ...]:
    """
    The confidence in each of the causes that one failure may have, in their order.

    What remains to 1 is the chance that it is none of them.
    """
    priors = [model().prior(cause, provider) for cause, _ in rivals]
    weights = [
        prior * prod(_ratio(sign, provider) for sign in signs)
        for prior, (_, signs) in zip(priors, rivals, strict=True)
    ]
    whole = sum(weights) + max(1 - sum(priors), 0.01)
    return tuple(weight / whole for weight in weights)


def _ratio(sign: Sign, provider: str) -> float:
    """How much likelier the sign is where the cause is the true one."""
    if sign.name == WORDS:
        return _odds(sign.strength) / _odds(model().prior(sign.of, provider))
    known = model().signs[sign.name]
    return known.if_so / known.otherwise


def _odds(chance: float) -> float:
    return chance / (1 - chance)
