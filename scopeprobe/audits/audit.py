"""The audit: clients times candidates, asked, judged, written down."""

from __future__ import annotations

import secrets
import signal
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self

from scopeprobe.audits.discovery import resolve
from scopeprobe.audits.interruption import undisturbed, until_interrupted
from scopeprobe.engine.conversation import Conversation
from scopeprobe.engine.lines import Limits, lines_for
from scopeprobe.engine.run import Engine, Tally
from scopeprobe.engine.transport import connect
from scopeprobe.errors import InputsChanged
from scopeprobe.inputs import Fleet
from scopeprobe.model.answers import Purpose
from scopeprobe.model.clients import ClientName
from scopeprobe.model.events import Observer, RunFinished, RunResumed, RunStarted
from scopeprobe.model.findings import Finding, PermissionMap, Reason, Verdict
from scopeprobe.model.plans import Assignment, Strategy
from scopeprobe.model.runs import Run
from scopeprobe.oauth.exchange import TokenOffice
from scopeprobe.policy import Departure, departures, held_against
from scopeprobe.reports.files import write_reports
from scopeprobe.reports.summary import (
    NotTested,
    ServerSummary,
    Summary,
    client_summaries,
    counts,
    moment,
    not_tested,
)
from scopeprobe.store import Store, StoredFacts
from scopeprobe.strategies import each
from scopeprobe.verdicts import judge, learn, shapes_in_doubt

DEFAULT_BAR = ("missing", "excess", "unauthenticated")
STRATEGIES: dict[str, Strategy] = {"each": each}


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit is told to do."""

    fleet: Fleet
    out: Path
    limits: Limits = field(default_factory=Limits)
    bar: Collection[str] = DEFAULT_BAR
    strategy: str = "each"
    """One of STRATEGIES."""
    resume: bool = False
    """Go on with the unfinished run of the folder."""
    run_id: str | None = None
    """Which run to go on with; the last one unless told otherwise."""
    observer: Observer = field(default=lambda _event: None)

    def observed_by(self, observer: Observer) -> Self:
        return replace(self, observer=observer)


@dataclass(frozen=True, slots=True)
class Result:
    """What an audit found out. Its files are written."""

    run: str
    maps: tuple[PermissionMap, ...]
    summary: Summary
    departures: tuple[Departure, ...]
    stopped_by: signal.Signals | None
    notices: tuple[str, ...]

    @property
    def findings(self) -> Iterator[Finding]:
        return (finding for permissions in self.maps for finding in permissions.findings)

    @property
    def is_complete(self) -> bool:
        return self.summary.complete

    @property
    def judged_nothing(self) -> bool:
        """No server could be reached, or no client authenticated."""
        return all(
            finding.verdict is Verdict.UNAUTHENTICATED
            or (finding.verdict is Verdict.UNKNOWN and finding.reason.is_out_of_reach)
            for finding in self.findings
        )


def requests_expected(fleet: Fleet) -> int:
    """Candidates, two controls and a closing one for every client and target."""
    return sum(len(target.candidates) + 3 for client in fleet.clients for target in client.targets)


async def audit(order: Audit) -> Result:
    """
    Find out which scopes every client of a fleet has, and write it down.

    Raises InputError where the folder cannot be used, FolderInUse while another audit writes
    there, InputsChanged where a run is to be resumed with other inputs.
    """
    fleet = await resolve(order.fleet)
    remarked = fleet.notices[len(order.fleet.notices) :]
    order = replace(order, fleet=fleet)
    with Store.open(order.out) as store:
        run, notices = _run_of(order, store)
        notices = (*remarked, *notices)
        known = store.facts(run)
        session = _Session(order, store, run, known)
        session.announce()
        stopped_by = await session.ask()
        with undisturbed():
            return session.conclude(stopped_by, notices)


def _run_of(order: Audit, store: Store) -> tuple[Run, tuple[str, ...]]:
    """The run to be carried out: a new one, or the one to go on with."""
    if order.resume:
        run = store.run(order.run_id) if order.run_id else store.last_run()
        if run is not None:
            if not order.fleet.goes_on_from(run.digest):
                complaint = (
                    f"{order.out}: run {run.id} was started with other inputs; put them back, or"
                    " start a new run without --resume"
                )
                raise InputsChanged([complaint])
            return run, (f"run {run.id} was complete already",) if run.complete else ()
    now = time.time()
    run = Run(
        id=f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}",
        started=now,
        finished=None,
        digest=order.fleet.digest,
        strategy=order.strategy,
        clients=len(order.fleet.clients),
        cells=sum(len(target.candidates) for c in order.fleet.clients for target in c.targets),
    )
    last = store.last_run()
    store.begin(run)
    if order.resume:
        return run, ("nothing was stored that could be resumed: a new run was started",)
    if last is not None and not last.complete:
        return run, (f"run {last.id} was left unfinished; --resume would have gone on with it",)
    return run, ()


class _Session:
    """One invocation of a run."""

    def __init__(self, order: Audit, store: Store, run: Run, known: StoredFacts) -> None:
        self._order = order
        self._store = store
        self._run = run
        self._known = known
        self._previous = store.maps_before(run)
        self._started = time.monotonic()
        assignments = [
            Assignment(client, target, self._previous.get(client.name))
            for client in order.fleet.clients
            for target in client.targets
        ]
        self._offices: dict[str, TokenOffice] = {}
        self._lines = lines_for(
            assignments,
            STRATEGIES[run.strategy],
            memory=known,
            limits=order.limits,
            offices=self._offices,
        )
        for line in self._lines:
            for lane in line.lanes:
                if reason := order.fleet.unusable.get(lane.client.server.name):
                    lane.close(reason)
            line.refresh(line.lanes)
        self._tallies: dict[str, Tally] = {}
        self._is_second_look = False

    def announce(self) -> None:
        fleet = self._order.fleet
        if len(self._known):
            self._order.observer(RunResumed(self._run.id, len(self._known)))
        self._order.observer(
            RunStarted(
                run=self._run.id,
                clients=len(fleet.clients),
                servers=len({client.server.name for client in fleet.clients}),
                cells=self._run.cells,
                requests_expected=max(requests_expected(fleet) - len(self._known), 0),
            )
        )

    async def ask(self) -> signal.Signals | None:
        """Ask what is not known yet. Returns the signal that ended it early, if one did."""
        if self._is_over():
            return None
        journal = self._store.journal(self._run)
        fleet = self._order.fleet
        reachable = [c for c in fleet.clients if c.server.name not in fleet.unusable]
        try:
            async with connect(reachable) as transport:
                engine = Engine(
                    transport=transport,
                    journal=journal,
                    observer=self._order.observer,
                    limits=self._order.limits,
                    lines=self._lines,
                    tallies=self._tallies,
                )
                stopped_by = await until_interrupted(partial(self._rounds, engine))
                if stopped_by is not None:
                    engine.stop(Reason.INTERRUPTED)
        finally:
            await journal.close()
        return stopped_by

    async def _rounds(self, engine: Engine) -> None:
        await engine.run()
        while engine.stopped_because is None and not self._is_over():
            await engine.run()

    def _is_over(self) -> bool:
        """Nothing is left to ask, also not about shapes that the first round left in doubt."""
        if all(line.is_over for line in self._lines) and not self._is_second_look:
            self._is_second_look = True
            self._look_again()
        return all(line.is_over for line in self._lines)

    def _look_again(self) -> None:
        """Go on where the granted scopes of a server have a prefix that may be granted whole."""
        talks = {
            id(talk.assignment): (line, lane, talk)
            for line in self._lines
            for lane in line.lanes
            for talk in lane.heard
        }
        heard = [talk for _, _, talk in talks.values()]
        for members in _by_endpoint(heard).values():
            told = ((talk.assignment, talk.facts.values()) for talk in members)
            for assignment, further in shapes_in_doubt(told):
                line, lane, talk = talks[id(assignment)]
                line.go_on(lane, talk, talk.further(further, STRATEGIES[self._run.strategy]))

    def conclude(self, stopped_by: signal.Signals | None, notices: tuple[str, ...]) -> Result:
        """Judge, write the files, and only then call the run finished."""
        fleet, order = self._order.fleet, self._order
        maps = tuple(self._judged())
        findings = [finding for permissions in maps for finding in permissions.findings]
        unread = tuple(_without_cells(fleet))
        over_bar = tuple(departures(maps, fleet.clients, order.bar))
        finished = time.time()
        summary = Summary(
            run=self._run.id,
            started=moment(self._run.started),
            finished=moment(finished),
            complete=not any(finding.is_open for finding in findings) and not unread,
            over_bar=bool(over_bar),
            counts=counts(findings),
            requests=len(self._known) + sum(tally.requests for tally in self._tallies.values()),
            tokens=self._known.tokens + sum(tally.tokens for tally in self._tallies.values()),
            clients=client_summaries(
                maps, {client.name: client for client in fleet.clients}, self._requests()
            ),
            servers=tuple(self._server_summaries(maps)),
            not_tested=(*unread, *not_tested(maps)),
            findings=over_bar,
            introspections=self._follow_ups(Purpose.INTROSPECTION),
            rights_calls=self._follow_ups(Purpose.RIGHTS),
            revocations=self._follow_ups(Purpose.REVOCATION),
            tokens_left_alive=sum(office.left_alive for office in self._offices.values()),
            shared_tokens=self._servers_that_share_tokens(),
            authorised_by=_distinct(client.authorised_by for client in fleet.clients),
            contact=_distinct(client.server.contact for client in fleet.clients),
        )
        text = summary.as_json()
        write_reports(order.out, maps, text, fleet.known)
        self._run = replace(
            self._run, finished=finished, complete=summary.complete, summary=text.encode()
        )
        self._store.finish(self._run, maps)
        order.observer(
            RunFinished(
                run=self._run.id,
                requests=summary.requests,
                complete=summary.complete,
                seconds=round(time.monotonic() - self._started, 1),
            )
        )
        notices += (*_other_regions(maps, fleet), *_token_notices(summary))
        return Result(self._run.id, maps, summary, over_bar, stopped_by, notices)

    # -- what the facts say

    def _judged(self) -> Iterator[PermissionMap]:
        """The maps, sorted by client. A server's lesson comes from all its clients (rule 2)."""
        heard = [talk for line in self._lines for lane in line.lanes for talk in lane.heard]
        lessons = {
            endpoint: learn((talk.assignment, talk.facts.values()) for talk in talks)
            for endpoint, talks in _by_endpoint(heard).items()
        }
        by_client: dict[ClientName, list[Finding]] = {}
        for talk in sorted(heard, key=_name_and_audience):
            client = talk.assignment.client
            because = talk.open_because or Reason.NOT_ASKED
            by_client.setdefault(client.name, []).extend(
                judge(
                    talk.assignment,
                    lessons[_endpoint(talk)],
                    talk.facts.values(),
                    because,
                )
            )
        return (PermissionMap(client, tuple(cells)) for client, cells in by_client.items())

    def _requests(self) -> dict[str, int]:
        return {
            lane.client.name: lane.requests
            + sum(len(self._known.facts_of(talk.assignment)) for talk in lane.heard)
            for line in self._lines
            for lane in line.lanes
        }

    def _follow_ups(self, purpose: Purpose) -> int:
        return sum(tally.follow_ups[purpose] for tally in self._tallies.values())

    def _servers_that_share_tokens(self) -> tuple[str, ...]:
        return _distinct(
            client.server.name
            for client in self._order.fleet.clients
            if (office := self._offices.get(client.server.token_endpoint)) and office.shares_tokens
        )

    def _server_summaries(self, maps: Sequence[PermissionMap]) -> Iterator[ServerSummary]:
        clients = self._order.fleet.clients
        servers = {client.server.name: client.server for client in clients}
        for name, server in sorted(servers.items()):
            members = {client.name for client in clients if client.server.name == name}
            findings = [f for m in maps if m.client in members for f in m.findings]
            advertised = held_against(server.scopes_supported, findings)
            tally = self._tallies.get(name, Tally())
            yield ServerSummary(
                name=name,
                token_endpoint=server.address,
                requests=tally.requests,
                throttled=tally.throttled,
                seconds=round(tally.seconds, 3),
                advertised_but_refused=advertised.refused if advertised else None,
                granted_but_not_advertised=advertised.unadvertised if advertised else None,
            )


def _other_regions(maps: Iterable[PermissionMap], fleet: Fleet) -> Iterator[str]:
    """A client that is not known may well be, in another region of its provider."""
    servers = {client.name: client.server for client in fleet.clients}
    for permissions in maps:
        server = servers[permissions.client]
        is_unknown = all(f.reason is Reason.UNKNOWN_CLIENT for f in permissions.findings)
        if server.region and is_unknown:
            others = ", ".join(region for region in server.regions if region != server.region)
            yield (
                f"{permissions.client}: {server.region} knows no such client; it may be of another"
                f" region: {others}"
            )


def _token_notices(summary: Summary) -> Iterator[str]:
    if summary.shared_tokens:
        servers = ", ".join(summary.shared_tokens)
        yield f"nothing was revoked on {servers}: tokens there are shared with other users of them"
    if summary.tokens_left_alive:
        yield f"{summary.tokens_left_alive} tokens could not be revoked and live until they expire"


def _without_cells(fleet: Fleet) -> Iterator[NotTested]:
    """Clients whose candidates were to come from metadata that could not be had."""
    for client in fleet.clients:
        reason = fleet.unusable.get(client.server.name)
        if reason and not any(target.candidates for target in client.targets):
            yield NotTested(client.name, reason, 0)


def _name_and_audience(talk: Conversation) -> tuple[str, str]:
    return talk.assignment.client.name, talk.assignment.target.label


def _by_endpoint(talks: Iterable[Conversation]) -> dict[str, list[Conversation]]:
    endpoints: dict[str, list[Conversation]] = {}
    for talk in talks:
        endpoints.setdefault(_endpoint(talk), []).append(talk)
    return endpoints


def _endpoint(talk: Conversation) -> str:
    server = talk.assignment.client.server
    return server.token_endpoint or server.issuer


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(filter(None, values))))
