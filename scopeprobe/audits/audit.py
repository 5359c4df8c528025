"""An audit: every client asked for its candidates, judged, and written down."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from scopeprobe.audits.assignments import assignments_of
from scopeprobe.audits.beginning import (
    Beginning,
    begin,
    opened_store,
    other_inputs,
    refuse_without_runs,
)
from scopeprobe.audits.build_summary import Cost, build_summary, distinct, notices_of
from scopeprobe.audits.conclusions import Conclusions
from scopeprobe.audits.discover import parted
from scopeprobe.audits.off_the_loop import off_the_loop
from scopeprobe.audits.order import Audit, Resume
from scopeprobe.audits.rounds import Unread
from scopeprobe.audits.signals import Endless, Interruption, noted_signals
from scopeprobe.engine.rate_group import RateGroup
from scopeprobe.errors import (
    FolderGone,
    InputError,
    InputsChanged,
    cause_of,
    describe,
)
from scopeprobe.inputs import Fleet
from scopeprobe.model.cell import PROVED, Cell, PermissionMap, Reason, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.events import RunFinished, RunResumed, RunStarted
from scopeprobe.model.fault import Fault
from scopeprobe.model.finding import Finding
from scopeprobe.model.http import Purpose
from scopeprobe.policy import (
    Nights,
    dated,
    findings,
    incidents,
    new_findings,
    unmatched_expectations,
)
from scopeprobe.policy.history import Past
from scopeprobe.reports.formats import Format, refuse_missing_extras
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.write import write_reports
from scopeprobe.store import SqliteJournal, Store
from scopeprobe.strategies import STRATEGIES

A = TypeVar("A")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """
    What an audit found; its files are written.

    Its repr shows none of it: the event loop asks for that of the task that returned it.
    """

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
        await off_the_loop(refuse_without_runs, order.out)
    async with opened_store(order) as store:
        beginning = await off_the_loop(begin, order, store)
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


def _if_readable(read: Callable[[A], R], key: A) -> R | None:
    """What earlier runs found out; None where the database cannot be read any more."""
    try:
        return read(key)
    except InputError:
        return None


class _Session:
    """One invocation of a run."""

    def __init__(self, order: Audit, store: Store, beginning: Beginning) -> None:
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
            await off_the_loop(journal.close)
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
            raise InputsChanged([other_inputs(self._order.out, self._run)])
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
        try:
            result = await off_the_loop(self._conclude, stopped_by, notices)
        except Endless:
            self._store.leave_open()
            raise
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
        concluded = rounds.conclusions()
        maps = tuple(map(self._store.held_on, concluded.maps()))
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
            cost=self._cost(concluded),
            doubts=concluded.doubts(),
            commands=order.commands,
        )
        self._write(maps, summary, finished)
        self._finish(maps, concluded)
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

    def _cost(self, concluded: Conclusions) -> Cost:
        rounds, known = self._rounds, self._known
        usage = rounds.usage.values()
        return Cost(
            requests=len(known) + sum(one.requests for one in usage),
            tokens=known.tokens + sum(one.tokens for one in usage),
            by_client=concluded.requests_by_client(),
            by_server=rounds.usage,
            follow_ups={one: sum(spent.follow_ups[one] for spent in usage) for one in Purpose},
            tokens_left_alive=sum(one.left_alive for one in rounds.token_handling.values()),
            shared_tokens=distinct(concluded.servers_that_share_tokens()),
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

    def _finish(self, maps: Sequence[PermissionMap], concluded: Conclusions) -> None:
        """Store what was found, which makes the run a finished one."""
        self._store.finish(
            self._run,
            maps,
            concluded.accepted_sets(maps),
            concluded.last_successes(),
            written_files=self._written_files,
            keep=self._order.keep,
        )
