"""What stands above the cells: figures, findings, what changed, what was not tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from scopeprobe.model.cell import PermissionMap, Verdict
from scopeprobe.model.finding import Finding
from scopeprobe.policy.history import Past
from scopeprobe.reports.findings import ERROR, findings_members, headline, worst_first
from scopeprobe.reports.summary import ClientSummary, ServerSummary, Summary
from scopeprobe.reports.texts import counted

MOST_ROWS = 1000
"""Findings, changes and clients that were not tested that are told one by one; files have all."""


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings that differ in nothing but their scope."""

    severity: str
    kind: str
    clients: tuple[str, ...]
    """One, or those of an incident."""
    server: str
    is_incident: bool
    """Of a whole server."""
    audience: str
    scopes: tuple[str, ...]
    detail: str
    owner: str
    since: str
    next_step: str

    @property
    def subject(self) -> str:
        return self.server if self.is_incident else self.clients[0]

    @property
    def is_command(self) -> bool:
        """The next step is to be pasted into a terminal."""
        return self.next_step.startswith("scopeprobe ")


@dataclass(frozen=True, slots=True)
class Change:
    """Cells of a client that were proved to be another than before."""

    client: str
    audience: str
    scopes: tuple[str, ...]
    was: str
    now: str
    since: str
    """The day of the last run that proved them to be what they were."""


@dataclass(frozen=True, slots=True)
class Untested:
    """Clients of one server whose cells are unknown for one reason."""

    server: str
    why: str
    clients: tuple[str, ...]
    cells: int


def changes_of(permissions: PermissionMap, past: Past | None) -> Iterator[Change]:
    """What a run found changed in the cells of one client."""
    if past is None:
        return
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for cell in past.of(permissions):
        if cell.changed_in(past.run):
            was, now = cell.intervals[-2:]
            key = (cell.audience, was.verdict, now.verdict, str(was.last.day))
            groups.setdefault(key, []).append(cell.scope)
    for (audience, was_so, is_so, since), scopes in groups.items():
        yield Change(permissions.client, audience, tuple(scopes), was_so, is_so, since)


class Overview:
    """A run as its page tells it, above the cells."""

    def __init__(self, summary: Summary, changes: Sequence[Change], past: Past | None) -> None:
        self.summary = summary
        self.changes = changes
        self.is_compared = past is not None
        names = {client.name for client in summary.clients}
        before = names if past is None else set(past.clients)
        self.new_clients = sorted(names - before)
        self.gone_clients = sorted(before - names)
        self.most = MOST_ROWS

    @property
    def headline(self) -> str:
        told = headline(self.summary) if self.cells else "nothing was tested"
        return told[:1].upper() + told[1:]

    @property
    def when(self) -> str:
        """When it ran, in UTC."""
        first, last = (
            moment.rstrip("Z").split("T")
            for moment in (self.summary.started, self.summary.finished)
        )
        until = last[1:] if first[0] == last[0] else last
        return f"{' '.join(first)} to {' '.join(until)} UTC"

    @property
    def state(self) -> str:
        """How urgent it is to read on: `bad`, `fair` or `good`."""
        if self.summary.findings or not self._is_anything_proved:
            return "bad"
        return "fair" if self.summary.warnings or not self.summary.complete else "good"

    @property
    def cells(self) -> int:
        return sum(self.summary.counts.values())

    @property
    def _is_anything_proved(self) -> bool:
        proved = (Verdict.GRANTED, Verdict.DENIED, Verdict.UNENFORCED)
        return any(self.summary.counts.get(verdict) for verdict in proved)

    @property
    def figures(self) -> Iterator[tuple[str, int, str]]:
        """Numbers of cells by verdict, and of what it took, and the severity of what was found."""
        summary = self.summary
        for verdict, number in summary.counts.items():
            yield verdict, number, self._severities.get(verdict, "")
        yield "clients", len(summary.clients), ""
        yield "servers", len(summary.servers), ""
        yield "requests", summary.requests, ""
        yield "tokens issued", summary.tokens, ""

    @cached_property
    def _severities(self) -> dict[str, str]:
        """The worst by kind of finding; three kinds have the name of their verdict."""
        severities: dict[str, str] = {}
        for severity, one in worst_first(self.summary):
            severities.setdefault(one.kind, severity)
        return severities

    @property
    def completeness(self) -> str:
        if not self.cells:
            return (
                "There was no cell to test: look at the clients, their scopes, --client and --tag."
            )
        unknown = self.summary.counts.get(Verdict.UNKNOWN, 0)
        told = f"{counted(unknown, 'cell', ',')} of {self.cells:,} unknown"
        if self.summary.complete:
            return f"Complete; {told}." if unknown else "Complete: every cell was settled."
        return f"Incomplete: {told}. Go on with --resume."

    # -- findings

    @cached_property
    def findings(self) -> Sequence[FindingGroup]:
        """The worst first."""
        groups: dict[tuple[object, ...], list[Finding]] = {}
        steps: dict[tuple[object, ...], str] = {}
        for members, (severity, one) in zip(
            findings_members(self.summary), worst_first(self.summary), strict=True
        ):
            key = (severity, one.kind, one.subject, one.audience, one.detail, one.since)
            groups.setdefault(key, []).append(one)
            steps.setdefault(key, members["next_step"])
        return [
            FindingGroup(
                severity=str(key[0]),
                kind=first.kind,
                clients=first.clients or (first.client,),
                server=first.server or self.server_of.get(first.client, ""),
                is_incident=bool(first.server),
                audience=first.audience,
                scopes=tuple(one.scope for one in group if one.scope),
                detail=first.detail.removeprefix(f"{first.server}: "),
                owner=first.owner,
                since=first.since,
                next_step=steps[key],
            )
            for key, group in groups.items()
            for first in group[:1]
        ]

    @property
    def failing(self) -> int:
        """Rows of findings that fail the run."""
        return sum(group.severity == ERROR for group in self.findings)

    # -- clients and servers

    @property
    def untested(self) -> Sequence[Untested]:
        """The largest first."""
        groups: dict[tuple[str, str], list[str]] = {}
        cells: Counter[tuple[str, str]] = Counter()
        for one in self.summary.not_tested:
            key = (self.server_of.get(one.client, ""), one.why)
            groups.setdefault(key, []).append(one.client)
            cells[key] += one.cells
        told = [Untested(*key, tuple(clients), cells[key]) for key, clients in groups.items()]
        return sorted(told, key=lambda one: (-one.cells, one.server, one.why))

    @cached_property
    def server_of(self) -> dict[str, str]:
        return {client.name: client.server for client in self.summary.clients}

    @cached_property
    def findings_of(self) -> Counter[str]:
        """How many findings that fail the run a client has, an incident of its server included."""
        return Counter(
            name for one in self.summary.findings for name in one.clients or (one.client,)
        )

    @property
    def clients(self) -> Sequence[ClientSummary]:
        return self.summary.clients

    @property
    def servers(self) -> Sequence[ServerSummary]:
        return self.summary.servers
