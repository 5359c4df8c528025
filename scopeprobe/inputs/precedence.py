"""Which of several layers has the say: defaults < server < client < target < command line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import TypeVar

from scopeprobe.inputs.schema import Entry, Layer, PartyEntry
from scopeprobe.inputs.scopes import distinct
from scopeprobe.model.provider import Verify
from scopeprobe.model.rate import Rate
from scopeprobe.model.scope_names import Scope

E = TypeVar("E", bound=Entry)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says about every server."""

    rate: Rate | None = None
    """For servers that name none; of the others it lowers the rate, and never raises it."""
    client_rate: Rate | None = None
    in_flight: int | None = None
    timeout: float | None = None
    retries: int | None = None
    max_auth_failures: int | None = None
    verify: Verify | None = None
    revokes: bool = False


def filled(entry: E, defaults: Entry) -> E:
    """Give an entry what only the defaults say. What layers add up to is not touched."""
    inherited = {
        key: value
        for key in type(entry).model_fields
        if getattr(entry, key) is None and (value := getattr(defaults, key, None)) is not None
    }
    return entry.model_copy(update=inherited) if inherited else entry


def lowered(named: tuple[Rate, ...] | None, override: Rate | None) -> tuple[Rate, ...] | None:
    """Let the command line's rate hold too: of rates that all hold, the strictest counts."""
    if override is None:
        return named
    return (*(named or ()), override)


def nearest(*values: T | None) -> T | None:
    """Pick the last value that is given: layers come from far to near."""
    return next((value for value in reversed(values) if value is not None), None)


def scopes_of(layers: Iterable[Layer]) -> tuple[Scope, ...]:
    patterns = chain.from_iterable(layer.scopes for layer in layers)
    return distinct(chain.from_iterable(patterns))


def tags_of(layers: Iterable[Layer]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(layer.tags for layer in layers)))


def token_params_of(layers: Iterable[Layer]) -> dict[str, str]:
    """Add up form parameters; of two values the nearer layer's is sent."""
    return {name: value for layer in layers for name, value in layer.token_params.items()}


@dataclass(frozen=True, slots=True)
class Responsible:
    """Who answers for a client: each from the nearest layer that names somebody."""

    owner: str
    authorised_by: str
    secret_expires: date | None
    contact: str


def responsible(layers: Iterable[PartyEntry]) -> Responsible:
    layers = tuple(layers)
    return Responsible(
        owner=nearest(*(layer.owner for layer in layers)) or "",
        authorised_by=nearest(*(layer.authorised_by for layer in layers)) or "",
        secret_expires=nearest(*(layer.secret_expires for layer in layers)),
        contact=nearest(*(layer.contact for layer in layers)) or "",
    )
