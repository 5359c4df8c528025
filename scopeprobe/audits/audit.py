"""An audit: every client asked for its candidates, judged, and written down."""

from __future__ import annotations

import math
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import anyio

from scopeprobe.audits.assignments import PreviousMaps, assignments_of
from scopeprobe.audits.build_summary import Cost, build_summary, distinct, notices_of
from scopeprobe.audits.discover import parted
from scopeprobe.audits.off_the_loop import off_the_loop
from scopeprobe.audits.rounds import Rounds, Unread
from scopeprobe.audits.signals import Interruption, noted_signals
from scopeprobe.engine.budgets import Budgets
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.errors import (
    FolderGone,
    FolderInUse,
    InputError,
    InputsChanged,
    cause_of,
    describe,
)
from scopeprobe.inputs import Fleet
from scopeprobe.model.assignment import Proof, Strategy
from scopeprobe.model.cell import PROVED, Cell, PermissionMap, Reason, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.events import Observer, RunFinished, RunResumed, RunStarted
from scopeprobe.model.fault import Fault
from scopeprobe.model.finding import Finding
from scopeprobe.model.http import Purpose
from scopeprobe.model.journal import KnownFacts
from scopeprobe.model.packed import PackedMap
from scopeprobe.model.run import Run
from scopeprobe.policy import (
    Earlier,
    Nights,
    Policy,
    dated,
    findings,
    incidents,
    new_findings,
    unmatched_expectations,
)
from scopeprobe.policy.history import Past
from scopeprobe.reports.formats import Format, refuse_missing_extras
from scopeprobe.reports.page import MOST_CELLS
from scopeprobe.reports.split import SplitBy
from scopeprobe.reports.summary import Commands, Summary
from scopeprobe.reports.write import refuse_foreign_files, write_reports
from scopeprobe.store import SqliteJournal, Store, StoredFacts, StoredRuns
from scopeprobe.strategies import STRATEGIES
from scopeprobe.strategies.estimates import total

A = TypeVar("A")
R = TypeVar("R")
KEPT = 100
RESTARTED = 12 * 3600
"""Seconds within which a job is started again: by then it is not the next night's."""
LOOKS_EVERY = 0.5
"""Seconds between two looks at a folder that is in use."""
DEFAULT_FAIL_ON = ("missing", "excess", "unauthenticated")


class Resume(Enum):
    """Whether an audit goes on with a run that is there."""

    NEVER = auto()
    MUST = auto()
    """It is an error where none is stored."""
    IF_ANY = auto()
    """
    For jobs that a scheduler starts again: with the last run, where it was begun within RESTARTED,
    is not complete and asked the same; else a new one is begun.
    """


@dataclass(frozen=True, slots=True)
class Audit:
    """What to audit, and how."""

    fleet: Fleet
    out: Path
    limits: Budgets = field(default_factory=Budgets)
    fail_on: Collection[str] = DEFAULT_FAIL_ON
    """The kinds of findings that fail the run."""
    policy: Policy = field(default_factory=Policy)
    previous: str | None = None
    """The run that cells are compared with, or `last`; None: with none."""
    new_only: bool = False
    """Only findings that were not there before fail the run."""
    formats: Collection[Format] = ()
    """Files beside the CSV ones."""
    commands: Commands = field(default_factory=Commands)
    """What people are told to type."""
    with_page: bool = True
    """Write `report.html` too, unless it would hold more than MOST_CELLS."""
    split_by: SplitBy | None = None
    """Write the files of each owner, tag or server as well, beside those of the whole."""
    keep: int = KEPT
    """Finished runs that stay in the folder's database."""
    strategy: str = "each"
    """One of STRATEGIES."""
    proof: Proof = Proof.SAFE
    is_patient: bool = False
    """Wait for another audit that writes into the folder."""
    resume: Resume = Resume.NEVER
    run_id: str | None = None
    """Which run to go on with; None: the last one."""
    observer: Observer = field(default=lambda _event: None)
    rounds: Callable[[Strategy, KnownFacts, Budgets], Rounds] = Rounds
    """Who asks: this process, unless given."""

    def formats_of(self, cells: int) -> tuple[Format, ...]:
        """What is written beside the CSV files of a run with so many cells."""
        page = (Format.HTML,) if self.with_page and cells <= MOST_CELLS else ()
        return tuple(dict.fromkeys((*self.formats, *page)))

    def observed_by(self, observer: Observer) -> Self:
        return replace(self, observer=observer)


@dataclass(frozen=True, slots=True)
class Result:
    """What an audit found; its files are written."""

    run: str
    maps: tuple[PermissionMap, ...]
    summary: Summary
    findings: tuple[Finding, ...]
    stopped_by: signal.Signals | None
    notices: tuple[str, ...]
    page: Path | None = None
    """Where the run can be looked at in a browser."""

    @property
    def cells(self) -> Iterator[Cell]:
        return (cell for permissions in self.maps for cell in permissions.cells)

    @property
    def is_complete(self) -> bool:
        return self.summary.complete

    @property
    def judged_nothing(self) -> bool:
        """
        No server could be reached, or no client authenticated.

        A server may reject its clients in words that nobody knows: where it issued no token at
        all, cells that asking again would not settle were not judged either.
        """
        gave_nothing = self.summary.tokens == 0
        if any(self.summary.counts[verdict] for verdict in PROVED):
            return False
        return all(
            cell.verdict is Verdict.UNAUTHENTICATED
            or (cell.verdict is Verdict.UNKNOWN and cell.reason.is_out_of_reach)
            or (cell.verdict is Verdict.UNKNOWN and gave_nothing and _is_rejected(cell))
            for cell in self.cells
        )


def _is_rejected(cell: Cell) -> bool:
    return not cell.is_open or cell.reason is Reason.CLIENT_LEFT_ALONE


async def audit(order: Audit) -> Result:
    """
    Find out which scopes every client of a fleet has, and write it down.

    Raises InputError where the folder cannot be used or holds no run to go on with, FolderInUse
    while another audit writes there, InputsChanged where a run is to be resumed with other inputs.
    Whatever fails later ends the run: StoreError where disk or database do, anything else is a bug.
    A note of the error says what could be written.
    """
    refuse_missing_extras(order.formats)
    if order.resume is Resume.MUST:
        await off_the_loop(_refuse_without_runs, order.out)
    async with _store_of(order) as store:
        beginning = await off_the_loop(_begin, order, store)
        session = _Session(order, store, beginning)
        with noted_signals() as interruption:
            try:
                session.announce()
                stopped_by = await session.ask(interruption)
            except InputError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, what is known is written
                failure = cause_of(error)
                failure.add_note(await session.write_what_is_known(failure))
                raise failure from None
            return await session.conclude(stopped_by, beginning.notices)


@asynccontextmanager
async def _store_of(order: Audit) -> AsyncIterator[Store]:
    """The folder's store; where another audit writes there, wait if told to."""
    while True:
        folder = Store.open(order.out)
        try:
            store = await off_the_loop(folder.__enter__)
        except FolderInUse:
            if not order.is_patient:
                raise
            await anyio.sleep(LOOKS_EVERY)
            continue
        try:
            yield store
        finally:
            await off_the_loop(folder.__exit__, None, None, None)
        return


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What the folder says before anything is asked."""

    run: Run
    known: StoredFacts
    earlier: Earlier | None
    previous_maps: PreviousMaps
    requests_expected: float
    written_files: Mapping[str, str]
    notices: tuple[str, ...]


def _begin(order: Audit, store: Store) -> _Beginning:
    """Begin the run in the folder's store, or go on with it. Raises InputError where it cannot."""
    written_files = store.written_files()
    names = [client.name for client in order.fleet.clients]
    formats = order.formats_of(order.fleet.cells)
    refuse_foreign_files(order.out, names, written_files, formats, order.split_by)
    earlier, absence = _earlier(order, store)
    run, notices = _run_of(order, store)
    previous_maps = PreviousMaps.before(run.started, store)
    assignments = assignments_of(order.fleet, previous_maps, order.proof)
    estimates = map(STRATEGIES[run.strategy].estimate, assignments)
    return _Beginning(
        run=run,
        known=store.facts(run),
        earlier=earlier,
        previous_maps=previous_maps,
        requests_expected=total(estimates).requests_expected,
        written_files=written_files,
        notices=(*store.notices, *notices, *absence),
    )


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
    proved_of = partial(store.proved_of, moment=moment)
    return Earlier(store.clients(), proved_of, store.maps_of(before), before.day), ()


def _run_of(order: Audit, store: Store) -> tuple[Run, tuple[str, ...]]:
    """The run to be carried out: a new one, or the one to go on with."""
    last, now = store.last_run(), time.time()
    if order.resume is Resume.MUST:
        run = store.run(order.run_id or store.runs()[0].id)
        if not order.fleet.goes_on_from(run.digest):
            raise InputsChanged([_other_inputs(order.out, run)])
        return run, (f"run {run.id} was complete already",) if run.complete else ()
    if order.resume is Resume.IF_ANY and last is not None and _was_cut_off(last, order.fleet, now):
        return last, ()
    run = Run(
        id=f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}",
        started=now,
        finished=None,
        digest=order.fleet.digest,
        strategy=order.strategy,
        clients=len(order.fleet.clients),
        cells=order.fleet.cells,
    )
    store.begin(run)
    if last is not None and not last.complete:
        return run, (f"run {last.id} was left unfinished; --resume would have gone on with it",)
    return run, ()


def _was_cut_off(run: Run, fleet: Fleet, now: float) -> bool:
    return not run.complete and now - run.started < RESTARTED and fleet.goes_on_from(run.digest)


def _refuse_without_runs(out: Path) -> None:
    """Before the folder is touched: it may be another one that was meant."""
    with StoredRuns.read_if_any(out) as stored:
        if stored is None or not stored.runs():
            message = (
                f"{out}: --resume: no run is stored here; choose the folder with --out, leave"
                " --resume out to begin a run, or take --resume-if-any for either"
            )
            raise InputError([message])


def _other_inputs(out: Path, run: Run) -> str:
    return (
        f"{out}: run {run.id} was started with other inputs; put them back, or start a new run"
        " without --resume"
    )


def _if_readable(read: Callable[[A], R], key: A) -> R | None:
    """What earlier runs found out; None where the database cannot be read any more."""
    try:
        return read(key)
    except InputError:
        return None


class _Session:
    """One invocation of a run."""

    def __init__(self, order: Audit, store: Store, beginning: _Beginning) -> None:
        self._order = order
        self._earlier = beginning.earlier
        self._store = store
        self._run = run = beginning.run
        self._known = known = beginning.known
        self._written_files = beginning.written_files
        self._requests_expected = beginning.requests_expected
        self._started = time.monotonic()
        self._assignments_of = partial(
            assignments_of, previous_maps=beginning.previous_maps, proof=order.proof
        )
        self._fleet = order.fleet
        """With all metadata that was read so far."""
        at_once, self._unread = parted(order.fleet)
        self._rounds = order.rounds(STRATEGIES[run.strategy].ask, known, order.limits)
        self._rounds.add(self._assignments_of(at_once), at_once.unusable)

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
                requests_expected=max(round(self._requests_expected) - len(self._known), 0),
            )
        )

    async def ask(self, interruption: Interruption) -> signal.Signals | None:
        """
        Ask what is not known yet. Returns the signal that ended it early, if one did.

        Raises InputsChanged where metadata is another than that of the run that is gone on with,
        InputError where it has no candidates; what was asked until then is kept.
        """
        journal, observer = self._store.journal(self._run), self._order.observer
        late = [Unread(part, partial(self._lay_out, journal, part)) for part in self._unread]
        try:
            return await self._rounds.ask(journal, observer, interruption, late)
        finally:
            await journal.close()
            self._give_up_unread()

    def _give_up_unread(self) -> None:
        """Lay out what was not asked because its metadata did not come in time."""
        because = self._rounds.stopped_because or Reason.NOT_ASKED
        for part in self._unread:
            unread = dict.fromkeys((one.server.name for one in part.clients), Fault(because))
            self._fleet = replace(self._fleet, unusable={**self._fleet.unusable, **unread})
            self._rounds.add(self._assignments_of(part), unread)

    def _lay_out(self, journal: SqliteJournal, part: Fleet, read: Fleet) -> Sequence[RateGroup]:
        """Lay out what is to be asked, now that the metadata of a part was read."""
        if not read.is_read_as_in(self._run.digest):
            raise InputsChanged([_other_inputs(self._order.out, self._run)])
        self._unread.remove(part)
        self._fleet = self._fleet.with_part(read)
        self._run = replace(
            self._run, digest=read.added_to(self._run.digest), cells=self._fleet.cells
        )
        journal.note_inputs(self._run.digest, self._run.cells)
        return self._rounds.add(self._assignments_of(read), read.unusable)

    async def write_what_is_known(self, failure: BaseException) -> str:
        """Judge and write down what was committed before something failed; says what came of it."""
        out = self._order.out
        if isinstance(failure, FolderGone):
            return f"{out}: nothing was written there any more"
        try:
            await self.conclude(None, ())
        except Exception as error:  # noqa: BLE001 - there is a worse failure to be told of
            return f"{out}: what is known could not all be written: {describe(error)}"
        return f"{out}: the files hold what was known by then"

    async def conclude(self, stopped_by: signal.Signals | None, notices: tuple[str, ...]) -> Result:
        """Judge, write the files, and only then call the run finished."""
        result = await off_the_loop(self._conclude, stopped_by, notices)
        self._order.observer(
            RunFinished(
                run=result.run,
                requests=result.summary.requests,
                complete=result.summary.complete,
                seconds=round(time.monotonic() - self._started, 1),
            )
        )
        return result

    def _conclude(self, stopped_by: signal.Signals | None, notices: tuple[str, ...]) -> Result:
        order, rounds = self._order, self._rounds
        maps = tuple(map(PackedMap.of, rounds.maps()))
        found = self._findings(maps)
        failures = tuple(one for one in found if one.kind in order.fail_on)
        warnings = tuple(one for one in found if one.kind not in order.fail_on)
        finished = time.time()
        summary = build_summary(
            self._run,
            finished,
            self._fleet,
            maps,
            failures=failures,
            warnings=warnings,
            cost=self._cost(),
            doubts=rounds.doubts(),
            commands=order.commands,
        )
        self._write(maps, summary, finished)
        of_metadata = self._fleet.notices[len(order.fleet.notices) :]
        notices = (
            *sorted(of_metadata),
            *rounds.notices,
            *notices,
            *notices_of(summary, maps, self._fleet),
        )
        has_page = Format.HTML in order.formats_of(self._run.cells)
        page = order.out / Format.HTML.file if has_page else None
        return Result(self._run.id, maps, summary, failures, stopped_by, notices, page)

    def _findings(self, maps: Sequence[PermissionMap]) -> list[Finding]:
        order, clients = self._order, self._fleet.clients
        compared = self._earlier if order.previous is not None else None
        found = findings(maps, clients, order.policy, compared, self._run.day)
        if order.new_only and self._earlier is not None:
            found = new_findings(found, clients, order.policy, self._earlier, self._run.day)
        unmatched = unmatched_expectations(
            self._fleet.as_known,
            order.policy.rules,
            found=(
                cell.key
                for permissions in maps
                for cell in permissions.cells
                if cell.reason is Reason.UNLISTED
            ),
            unread=self._fleet.unread,
        )
        found = [*(one.as_finding() for one in unmatched), *found]
        return dated(incidents(found, maps, clients), self._nights_of, self._run.day)

    def _nights_of(self, client: ClientName) -> Nights:
        return _if_readable(self._store.nights_of, client) or ()

    def _past(self) -> Past | None:
        past = _if_readable(self._store.past_of, self._run)
        if past is None:
            return None
        nights_of = past.nights_of
        return replace(past, nights_of=lambda client: _if_readable(nights_of, client) or ())

    def _cost(self) -> Cost:
        rounds, known = self._rounds, self._known
        usage = rounds.usage.values()
        return Cost(
            requests=len(known) + sum(one.requests for one in usage),
            tokens=known.tokens + sum(one.tokens for one in usage),
            by_client=rounds.requests_by_client(),
            by_server=rounds.usage,
            follow_ups={purpose: rounds.follow_ups(purpose) for purpose in Purpose},
            tokens_left_alive=sum(one.left_alive for one in rounds.token_handling.values()),
            shared_tokens=distinct(rounds.servers_that_share_tokens()),
        )

    def _write(self, maps: Sequence[PermissionMap], summary: Summary, finished: float) -> None:
        order = self._order
        self._written_files = write_reports(
            order.out,
            maps,
            summary,
            known=order.fleet.known,
            formats=order.formats_of(self._run.cells),
            written=self._written_files,
            past=self._past(),
            split_by=order.split_by,
        )
        self._run = replace(
            self._run,
            finished=finished,
            complete=summary.complete,
            summary=summary.as_json().encode(),
        )
        rounds = self._rounds
        self._store.finish(
            self._run,
            maps,
            rounds.accepted_sets(maps),
            rounds.last_successes(),
            written_files=self._written_files,
            keep=order.keep,
        )
