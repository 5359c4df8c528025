"""summary.json: what was found, what it took, what was not tested and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Self

import msgspec

from scopeprobe.model.cell import (
    Cell,
    PermissionMap,
    Reason,
    Verdict,
    what_stood_in_the_way,
)
from scopeprobe.model.client import Client, ClientName
from scopeprobe.model.finding import Finding
from scopeprobe.model.scope_names import Scope
from scopeprobe.reports.texts import json_text


@dataclass(frozen=True, slots=True)
class ServerSummary:
    name: str
    token_endpoint: str
    requests: int
    throttled: int
    seconds: float
    advertised_but_refused: tuple[Scope, ...] | None = None
    """Both None where no `scopes_supported` was read (policy/advertised.py)."""
    granted_but_not_advertised: tuple[Scope, ...] | None = None


@dataclass(frozen=True, slots=True)
class ClientSummary:
    name: ClientName
    server: str
    counts: dict[str, int]
    requests: int
    family: str
    """How the server treats scopes, as seen with this client."""
    owner: str = ""
    tags: tuple[str, ...] = ()
    file: str = ""
    """The clients file that describes it, as the command line named it; empty where none does."""
    line: int = 0
    """That on which it begins there, from 1; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class NotTested:
    client: ClientName
    reason: Reason
    cells: int
    detail: str = ""
    """What stood in the way, where something did."""

    @property
    def why(self) -> str:
        return ": ".join(filter(None, (self.reason, self.detail)))


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type to learn more of a client: its name follows, and a scope may."""

    explain: str = "scopeprobe explain CLIENTS"
    history: str = "scopeprobe history"


@dataclass(frozen=True, slots=True)
class Summary:
    """The shape of `summary.json` and of `audit --print json`; members are only ever added."""

    run: str
    started: str
    finished: str
    complete: bool
    over_bar: bool
    counts: dict[str, int]
    requests: int
    tokens: int
    clients: tuple[ClientSummary, ...]
    servers: tuple[ServerSummary, ...]
    not_tested: tuple[NotTested, ...]
    findings: tuple[Finding, ...]
    introspections: int = 0
    rights_calls: int = 0
    revocations: int = 0
    """Revocation requests; those that failed left a token alive."""
    tokens_left_alive: int = 0
    shared_tokens: tuple[str, ...] = ()
    """Servers that hand out tokens that others use too: nothing was revoked there."""
    authorised_by: tuple[str, ...] = ()
    contact: tuple[str, ...] = ()
    warnings: tuple[Finding, ...] = ()
    """Findings that do not fail the run."""
    commands: Commands = Commands()
    version: int = 1

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read what `as_json` wrote."""
        return msgspec.json.decode(text, type=cls)

    def as_json(self) -> str:
        members = msgspec.to_builtins(self)
        ordered = {"version": members.pop("version"), **members}
        return json_text(ordered)


def counts(maps: Iterable[PermissionMap]) -> dict[str, int]:
    """How many cells got each verdict; every verdict is named."""
    tally = Counter[Verdict]()
    for permissions in maps:
        for (verdict, _), count in permissions.tally.items():
            tally[verdict] += count
    return {verdict.value: tally[verdict] for verdict in Verdict}


def client_summaries(
    maps: Sequence[PermissionMap], clients: Mapping[ClientName, Client], requests: Mapping[str, int]
) -> tuple[ClientSummary, ...]:
    described = ((permissions, clients[permissions.client]) for permissions in maps)
    return tuple(
        ClientSummary(
            name=client.name,
            server=client.server.name,
            counts=counts([permissions]),
            requests=requests.get(client.name, 0),
            family=_family(permissions),
            owner=client.owner,
            tags=client.tags,
            file=client.file,
            line=client.line,
        )
        for permissions, client in described
    )


def not_tested(
    maps: Iterable[PermissionMap], servers: Mapping[ClientName, str] = MappingProxyType({})
) -> tuple[NotTested, ...]:
    """
    Cells that ended unknown, by client and reason.

    A client that was not asked because others of its server met something is told what they met.
    """
    open_cells: defaultdict[tuple[ClientName, Reason], list[Cell]] = defaultdict(list)
    for permissions in maps:
        is_settled = all(verdict is not Verdict.UNKNOWN for verdict, _ in permissions.tally)
        for cell in () if is_settled else permissions.cells:
            if cell.verdict is Verdict.UNKNOWN:
                open_cells[cell.client, cell.reason].append(cell)
    of_server: defaultdict[tuple[str, Reason], list[Cell]] = defaultdict(list)
    for (client, reason), cells in open_cells.items():
        of_server[servers.get(client, client), reason] += cells
    met = {key: what_stood_in_the_way(cells) for key, cells in of_server.items()}
    return tuple(
        NotTested(
            client,
            reason,
            len(cells),
            what_stood_in_the_way(cells) or met[servers.get(client, client), reason],
        )
        for (client, reason), cells in sorted(open_cells.items())
    )


def moment(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _family(permissions: PermissionMap) -> str:
    verdicts = {verdict for verdict, _ in permissions.tally}
    reasons = {reason for _, reason in permissions.tally}
    if Verdict.UNENFORCED in verdicts:
        return "ignoring"
    if {Reason.REFUSED_ALONE, Reason.LEFT_OUT} <= reasons:
        return "mixed"
    if Reason.LEFT_OUT in reasons:
        return "narrowing"
    if Reason.REFUSED_ALONE in reasons:
        return "strict"
    return "unknown"
