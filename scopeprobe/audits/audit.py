"""The audit: clients times candidates, asked, judged, written down."""

from __future__ import annotations

import math
import secrets
import signal
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import anyio

from scopeprobe.audits.assignments import PreviousMaps, assignments_of
from scopeprobe.audits.discover import resolve
from scopeprobe.audits.rounds import Rounds
from scopeprobe.audits.signals import uninterrupted
from scopeprobe.engine.budgets import Budgets
from scopeprobe.engine.usage import Usage
from scopeprobe.errors import FolderInUse, InputsChanged
from scopeprobe.inputs import Fleet
from scopeprobe.model.assignment import Proof, Strategy
from scopeprobe.model.cell import Cell, PermissionMap, Reason, Verdict
from scopeprobe.model.events import Observer, RunFinished, RunResumed, RunStarted
from scopeprobe.model.http import Purpose
from scopeprobe.model.run import Run
from scopeprobe.policy import Earlier, Finding, FindingKind, Policy, held_against, news, review
from scopeprobe.reports.formats import Format
from scopeprobe.reports.summary import (
    NotTested,
    ServerSummary,
    Summary,
    client_summaries,
    counts,
    moment,
    not_tested,
)
from scopeprobe.reports.write import write_reports
from scopeprobe.store import Store, StoredFacts
from scopeprobe.strategies import adaptive, each, recheck
from scopeprobe.strategies.estimates import ESTIMATORS, total

KEPT = 100
LOOKS_EVERY = 0.5
"""Seconds between two looks at a folder that is in use."""
WARNINGS = {FindingKind.SECRET_EXPIRY, FindingKind.STALE_WAIVER}
"""Findings that deserve a notice where they are not over the bar."""
DEFAULT_BAR = ("missing", "excess", "unauthenticated")
STRATEGIES: dict[str, Strategy] = {"each": each, "adaptive": adaptive, "recheck": recheck}


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit is told to do."""

    fleet: Fleet
    out: Path
    limits: Budgets = field(default_factory=Budgets)
    bar: Collection[str] = DEFAULT_BAR
    policy: Policy = field(default_factory=Policy)
    previous: str | None = None
    """The run that cells are compared with, or `last`; None: with none."""
    new_only: bool = False
    """Only findings that were not there before are over the bar."""
    formats: Collection[Format] = ()
    """Files beside the CSV ones."""
    keep: int = KEPT
    """Finished runs that stay in the folder's database."""
    strategy: str = "each"
    """One of STRATEGIES."""
    proof: Proof = Proof.SAFE
    is_patient: bool = False
    """Wait for another audit that writes into the folder."""
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
    findings: tuple[Finding, ...]
    stopped_by: signal.Signals | None
    notices: tuple[str, ...]

    @property
    def cells(self) -> Iterator[Cell]:
        return (cell for permissions in self.maps for cell in permissions.cells)

    @property
    def is_complete(self) -> bool:
        return self.summary.complete

    @property
    def judged_nothing(self) -> bool:
        """No server could be reached, or no client authenticated."""
        return all(
            cell.verdict is Verdict.UNAUTHENTICATED
            or (cell.verdict is Verdict.UNKNOWN and cell.reason.is_out_of_reach)
            for cell in self.cells
        )


async def audit(order: Audit) -> Result:
    """
    Find out which scopes every client of a fleet has, and write it down.

    Raises InputError where the folder cannot be used, FolderInUse while another audit writes
    there, InputsChanged where a run is to be resumed with other inputs.
    """
    fleet = await resolve(order.fleet)
    remarked = fleet.notices[len(order.fleet.notices) :]
    order = replace(order, fleet=fleet)
    with ExitStack() as folder:
        store = await _enter(folder, order)
        earlier, absence = _earlier(order, store)
        run, notices = _run_of(order, store)
        notices = (*remarked, *notices, *absence)
        known = store.facts(run)
        session = _Session(order, store, run, known, earlier)
        session.announce()
        stopped_by = await session.ask()
        with uninterrupted():
            return session.conclude(stopped_by, notices)


async def _enter(folder: ExitStack, order: Audit) -> Store:
    """Open the folder's store; where another audit writes there, wait if told to."""
    while True:
        try:
            return folder.enter_context(Store.open(order.out))
        except FolderInUse:
            if not order.is_patient:
                raise
        await anyio.sleep(LOOKS_EVERY)


def _earlier(order: Audit, store: Store) -> tuple[Earlier | None, tuple[str, ...]]:
    """
    What this run is compared with, and a notice where there is nothing yet.

    Raises InputError where a run is named that is not there.
    """
    if order.previous is None and not order.new_only:
        return None, ()
    finished = [run for run in store.runs() if run.finished is not None]
    if order.previous is not None and order.previous != "last":
        finished = [store.finished_run(order.previous)]
    if not finished:
        return None, ("no earlier run is finished here: there is nothing to compare with",)
    before, moment = finished[0], math.nextafter(finished[0].started, math.inf)
    return Earlier(store.proved_by(moment), store.maps_of(before)), ()


def _run_of(order: Audit, store: Store) -> tuple[Run, tuple[str, ...]]:
    """The run to be carried out: a new one, or the one to go on with."""
    if order.resume:
        run = store.run(order.run_id) if order.run_id else store.last_run()
        if run is not None:
            if not order.fleet.goes_on_from(run.digest):
                message = (
                    f"{order.out}: run {run.id} was started with other inputs; put them back, or"
                    " start a new run without --resume"
                )
                raise InputsChanged([message])
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

    def __init__(
        self, order: Audit, store: Store, run: Run, known: StoredFacts, earlier: Earlier | None
    ) -> None:
        self._order = order
        self._earlier = earlier
        self._store = store
        self._run = run
        self._known = known
        self._started = time.monotonic()
        before = PreviousMaps.before(run.started, store)
        assignments = list(assignments_of(order.fleet, before, order.proof))
        self._requests_expected = round(
            total(map(ESTIMATORS[run.strategy], assignments)).requests_expected
        )
        strategy = STRATEGIES[run.strategy]
        self._rounds = Rounds(order.fleet, assignments, strategy, known, order.limits)

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
                requests_expected=max(self._requests_expected - len(self._known), 0),
            )
        )

    async def ask(self) -> signal.Signals | None:
        """Ask what is not known yet. Returns the signal that ended it early, if one did."""
        self._rounds.lay_out()
        if self._rounds.is_over:
            return None
        journal = self._store.journal(self._run)
        try:
            return await self._rounds.ask(journal, self._order.observer)
        finally:
            await journal.close()

    def conclude(self, stopped_by: signal.Signals | None, notices: tuple[str, ...]) -> Result:
        """Judge, write the files, and only then call the run finished."""
        fleet, order = self._order.fleet, self._order
        maps = tuple(self._rounds.maps())
        cells = [cell for permissions in maps for cell in permissions.cells]
        are_open = {cell.client for cell in cells if cell.is_open}
        doubts = (doubt for doubt in self._rounds.doubts() if doubt[0] not in are_open)
        unread = (
            *_without_cells(fleet),
            *(NotTested(client, reason, 0) for client, reason in doubts),
        )
        found = self._reviewed(maps)
        over_bar = tuple(one for one in found if one.kind in order.bar)
        finished = time.time()
        rounds, by_name = self._rounds, {client.name: client for client in fleet.clients}
        usage = rounds.usage.values()
        summary = Summary(
            run=self._run.id,
            started=moment(self._run.started),
            finished=moment(finished),
            complete=not any(cell.is_open for cell in cells) and not unread,
            over_bar=bool(over_bar),
            counts=counts(cells),
            requests=len(self._known) + sum(usage.requests for usage in usage),
            tokens=self._known.tokens + sum(usage.tokens for usage in usage),
            clients=client_summaries(maps, by_name, rounds.requests_by_client()),
            servers=tuple(self._server_summaries(maps)),
            not_tested=(*_skipped(fleet), *unread, *not_tested(maps)),
            findings=over_bar,
            introspections=rounds.follow_ups(Purpose.INTROSPECTION),
            rights_calls=rounds.follow_ups(Purpose.RIGHTS),
            revocations=rounds.follow_ups(Purpose.REVOCATION),
            tokens_left_alive=sum(
                handling.left_alive for handling in rounds.token_handling.values()
            ),
            shared_tokens=_distinct(rounds.servers_that_share_tokens()),
            authorised_by=_distinct(client.authorised_by for client in fleet.clients),
            contact=_distinct(client.server.connection.contact for client in fleet.clients),
        )
        write_reports(order.out, maps, summary, fleet.known, order.formats)
        text = summary.as_json().encode()
        self._run = replace(self._run, finished=finished, complete=summary.complete, summary=text)
        self._store.finish(self._run, maps, self._rounds.accepted_sets(maps), order.keep)
        order.observer(
            RunFinished(
                run=self._run.id,
                requests=summary.requests,
                complete=summary.complete,
                seconds=round(time.monotonic() - self._started, 1),
            )
        )
        warned = (one for one in found if one.kind in WARNINGS - {*order.bar})
        notices += (
            *(f"{one.client}: {one.detail}" for one in warned),
            *_other_regions(maps, fleet),
            *_token_notices(summary, fleet),
        )
        return Result(self._run.id, maps, summary, over_bar, stopped_by, notices)

    def _reviewed(self, maps: Sequence[PermissionMap]) -> list[Finding]:
        order, clients = self._order, self._order.fleet.clients
        today = datetime.fromtimestamp(self._run.started, UTC).date()
        compared = self._earlier if order.previous is not None else None
        found = review(maps, clients, order.policy, compared, today)
        if order.new_only and self._earlier is not None:
            found = news(found, clients, order.policy, self._earlier, today)
        return found

    def _server_summaries(self, maps: Sequence[PermissionMap]) -> Iterator[ServerSummary]:
        clients = self._order.fleet.clients
        servers = {client.server.name: client.server for client in clients}
        for name, server in sorted(servers.items()):
            members = {client.name for client in clients if client.server.name == name}
            cells = [f for m in maps if m.client in members for f in m.cells]
            advertised = held_against(server.scopes_supported, cells)
            usage = self._rounds.usage.get(name, Usage())
            yield ServerSummary(
                name=name,
                token_endpoint=server.address,
                requests=usage.requests,
                throttled=usage.throttled,
                seconds=round(usage.seconds, 3),
                advertised_but_refused=advertised.refused if advertised else None,
                granted_but_not_advertised=advertised.unadvertised if advertised else None,
            )


def _other_regions(maps: Iterable[PermissionMap], fleet: Fleet) -> Iterator[str]:
    """A client that is not known may well be, in another region of its provider."""
    servers = {client.name: client.server for client in fleet.clients}
    for permissions in maps:
        server = servers[permissions.client]
        is_unknown = all(f.reason is Reason.UNKNOWN_CLIENT for f in permissions.cells)
        if server.region and is_unknown:
            others = ", ".join(region for region in server.regions if region != server.region)
            yield (
                f"{permissions.client}: {server.region} knows no such client; it may be of another"
                f" region: {others}"
            )


def _token_notices(summary: Summary, fleet: Fleet) -> Iterator[str]:
    asked = {client.server for client in fleet.clients}
    if silent := _distinct(s.name for s in asked if s.revokes and not s.endpoints.revocation):
        yield f"no revocation_endpoint of {', '.join(silent)} is known: their tokens live on"
    if summary.shared_tokens:
        servers = ", ".join(summary.shared_tokens)
        yield f"nothing was revoked on {servers}: tokens there are shared with other users of them"
    if summary.tokens_left_alive:
        yield f"{summary.tokens_left_alive} tokens could not be revoked and live until they expire"


def _skipped(fleet: Fleet) -> Iterator[NotTested]:
    """Clients that are left alone on purpose, which makes no run incomplete."""
    for client in sorted(fleet.skipped, key=lambda one: one.name):
        cells = sum(len(target.candidates) for target in client.targets)
        yield NotTested(client.name, Reason.NOT_ASKED, cells)


def _without_cells(fleet: Fleet) -> Iterator[NotTested]:
    """Clients whose candidates were to come from metadata that could not be had."""
    for client in fleet.clients:
        reason = fleet.unusable.get(client.server.name)
        if reason and not any(target.candidates for target in client.targets):
            yield NotTested(client.name, reason, 0)


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(filter(None, values))))
