"""
Which of several layers wins: defaults < server < client < target < command line.

What a provider pack knows is farther than all of them. Functions take layers from far to near.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import TypeVar

from scopeprobe.inputs.schema import (
    ClientEntry,
    ClientKeys,
    DefaultsEntry,
    Entry,
    Layer,
    PartyEntry,
    ServerEntry,
)
from scopeprobe.inputs.scopes import distinct
from scopeprobe.inputs.secrets import SecretSource
from scopeprobe.model.provider import Verify
from scopeprobe.model.rate import Rate
from scopeprobe.model.scope_names import Scope

E = TypeVar("E", bound=Entry)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says about every server; None where it says nothing."""

    rate: Rate | None = None
    """The rate of servers that name none; for the others it lowers the rate and never raises it."""
    client_rate: Rate | None = None
    in_flight: int | None = None
    timeout: float | None = None
    retries: int | None = None
    max_auth_failures: int | None = None
    verify: Verify | None = None
    revokes: bool = False


def filled(entry: E, defaults: Entry) -> E:
    """Give an entry what only the defaults say. What layers add up to stays as it is."""
    inherited = {
        key: value
        for key in type(entry).model_fields
        if getattr(entry, key) is None and (value := getattr(defaults, key, None)) is not None
    }
    return entry.model_copy(update=inherited) if inherited else entry


def filled_server(entry: ServerEntry, defaults: DefaultsEntry) -> ServerEntry:
    """Likewise, but defaults do not move a server that says itself where it is."""
    whole = filled(entry, defaults)
    if entry.issuer is None and entry.token_endpoint is None:
        return whole
    own = {"issuer": entry.issuer, "token_endpoint": entry.token_endpoint}
    return whole.model_copy(update=own)


def locating(entry: ClientEntry, defaults: DefaultsEntry) -> ClientKeys:
    """Choose who says where a client's tokens come from: all of it is said in one place."""
    says_itself = entry.server or entry.issuer or entry.token_endpoint
    return entry if says_itself else defaults


def lowered(
    default: tuple[Rate, ...], named: tuple[Rate, ...], override: Rate | None
) -> tuple[Rate, ...]:
    """Add the command line's rate: of rates that all hold, the strictest counts."""
    if override is None:
        return named or default
    return (*named, override)


def nearest(farthest: T, *nearer: T | None) -> T:
    """Pick the last value that is given."""
    return next((value for value in reversed(nearer) if value is not None), farthest)


def scopes_of(layers: Iterable[Layer]) -> tuple[Scope, ...]:
    patterns = chain.from_iterable(layer.scopes for layer in layers)
    return distinct(chain.from_iterable(patterns))


def tags_of(layers: Iterable[Layer]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(layer.tags for layer in layers)))


def token_params_of(layers: Iterable[Layer]) -> dict[str, SecretSource]:
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
        owner=nearest("", *(layer.owner for layer in layers)),
        authorised_by=nearest("", *(layer.authorised_by for layer in layers)),
        secret_expires=nearest(None, *(layer.secret_expires for layer in layers)),
        contact=nearest("", *(layer.contact for layer in layers)),
    )
