"""What happens in a run, as typed events. Logs, progress and counters are observers of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from scopeprobe.model.client import ClientName
from scopeprobe.model.scope_names import Scope


@dataclass(frozen=True, slots=True)
class RunStarted:
    name: ClassVar[str] = "run_started"
    run: str
    clients: int
    servers: int
    cells: int
    requests_expected: int


@dataclass(frozen=True, slots=True)
class RunResumed:
    name: ClassVar[str] = "run_resumed"
    run: str
    answers_known: int


@dataclass(frozen=True, slots=True)
class ClientStarted:
    name: ClassVar[str] = "client_started"
    client: ClientName
    server: str
    candidates: int


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """One token request came back, or was given up as unanswered."""

    name: ClassVar[str] = "request_answered"
    client: ClientName
    server: str
    scopes: tuple[Scope, ...] | None
    status: int | None
    outcome: str
    attempt: int
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class RequestRetried:
    name: ClassVar[str] = "request_retried"
    client: ClientName
    server: str
    scopes: tuple[Scope, ...] | None
    status: int | None
    outcome: str
    attempt: int
    wait_s: float
    detail: str = ""
    """What stood in the way, where something did."""


@dataclass(frozen=True, slots=True)
class EndpointThrottled:
    name: ClassVar[str] = "endpoint_throttled"
    server: str
    wait_s: float
    asked_by_server: bool = False
    """By `Retry-After`, a header of its quotas, or in words; else the wait is our own."""


@dataclass(frozen=True, slots=True)
class EndpointOutOfReach:
    """Its clients wait for it, and one of them tries again after a while."""

    name: ClassVar[str] = "endpoint_out_of_reach"
    server: str
    wait_s: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EndpointLeftAlone:
    name: ClassVar[str] = "endpoint_left_alone"
    server: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ClientLeftAlone:
    name: ClassVar[str] = "client_left_alone"
    client: ClientName
    server: str
    failures: int


@dataclass(frozen=True, slots=True)
class ClientFinished:
    name: ClassVar[str] = "client_finished"
    client: ClientName
    server: str
    requests: int


@dataclass(frozen=True, slots=True)
class RunFinished:
    name: ClassVar[str] = "run_finished"
    run: str
    requests: int
    complete: bool
    seconds: float


Event = (
    RunStarted
    | RunResumed
    | ClientStarted
    | RequestAnswered
    | RequestRetried
    | EndpointThrottled
    | EndpointOutOfReach
    | EndpointLeftAlone
    | ClientLeftAlone
    | ClientFinished
    | RunFinished
)


class Observer(Protocol):
    """Told of every event, in order, on the event loop: it must not block."""

    def __call__(self, event: Event, /) -> None: ...
