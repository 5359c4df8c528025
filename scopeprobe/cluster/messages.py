"""What goes between a worker and whoever journals its answers, while it asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, get_args

from msgspec.structs import astuple

from scopeprobe.engine.usage import Usage
from scopeprobe.model.answer import Fact
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import ClientName
from scopeprobe.model.events import Event
from scopeprobe.store import Row

LEASE = 10.0
"""Seconds for which a worker may ask on, once it was heard of."""
BEAT = 1.0
"""Seconds after which a worker says that it is there, if it has nothing else to say."""

SentEvent: TypeAlias = tuple[str, tuple[object, ...]]

_KINDS = {kind.name: kind for kind in get_args(Event)}


def sent_event(event: Event) -> SentEvent:
    return event.name, astuple(event)


def received_event(sent: SentEvent) -> Event:
    name, values = sent
    event: Event = _KINDS[name](*values)
    return event


@dataclass(frozen=True, slots=True)
class PlanOutcome:
    """What became of what was to be asked for one target."""

    audience: str
    open_because: Reason | None
    unanswered: tuple[Fact, ...]
    """Questions that nobody answered: they are not in the journal."""


@dataclass(frozen=True, slots=True)
class ClientOutcome:
    client: ClientName
    closed_because: Reason | None
    requests: int
    plans: tuple[PlanOutcome, ...]
    """In the order in which they were begun."""


@dataclass(frozen=True, slots=True)
class TokensOutcome:
    """What became of a server's tokens."""

    left_alive: int
    shares_tokens: bool


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """What became of a rate group, beside what is in the journal."""

    clients: tuple[ClientOutcome, ...]
    usage: Mapping[str, Usage]
    """By the name of the server."""
    tokens: Mapping[str, TokensOutcome]
    """By token endpoint."""
    stopped_because: Reason | None
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """What a worker could not go on after."""

    words: tuple[str, ...]
    is_input_error: bool
    """It is not a bug."""


@dataclass(frozen=True, slots=True)
class Message:
    """From a worker. The rows are to be committed; what is over, is so after that."""

    station: str
    number: int
    rows: Sequence[Row] = ()
    events: Sequence[SentEvent] = ()
    spent: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Requests and tokens, by group, where a budget is shared."""
    over: Mapping[str, GroupOutcome | Failure] = field(default_factory=dict)
    """By group."""


@dataclass(frozen=True, slots=True)
class SentShare:
    requests: float
    tokens: float
    is_spent: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """To a worker. It may ask on for LEASE seconds from when it sent what was heard last."""

    heard: int
    """The number of the last message that has come."""
    committed: int
    """The number of the last message whose rows are committed, with those of all before."""
    shares: Mapping[str, SentShare] = field(default_factory=dict)
    is_interrupted: bool = False
    """Nothing more is to be sent; what is known is to be told at once."""
