"""How an audit begins: its folder entered, and a run of its own or one to go on with."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio

from scopeprobe.audits.assignments import PreviousMaps, assignments_of
from scopeprobe.audits.off_the_loop import off_the_loop
from scopeprobe.audits.order import RESTARTED, Audit, Resume
from scopeprobe.audits.signals import Endless
from scopeprobe.errors import FolderInUse, InputError, InputsChanged
from scopeprobe.inputs import Fleet
from scopeprobe.model.run import Run
from scopeprobe.policy import Earlier
from scopeprobe.reports.write import refuse_foreign_files
from scopeprobe.store import Store, StoredFacts, StoredRuns
from scopeprobe.strategies import STRATEGIES
from scopeprobe.strategies.estimates import total

LOOKS_EVERY = 0.5
"""Seconds between two looks at a folder that is in use."""


@asynccontextmanager
async def opened_store(order: Audit) -> AsyncIterator[Store]:
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
        except Endless:
            store.leave_open()
            raise
        finally:
            await off_the_loop(folder.__exit__, None, None, None)
        return


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the folder says before anything is asked."""

    run: Run
    known: StoredFacts
    earlier: Earlier | None
    previous_maps: PreviousMaps
    requests_expected: float
    written_files: Mapping[str, str]
    notices: tuple[str, ...]


def begin(order: Audit, store: Store) -> Beginning:
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
    return Beginning(
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
            raise InputsChanged([other_inputs(order.out, run)])
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


def refuse_without_runs(out: Path) -> None:
    """Before the folder is touched: it may be another one that was meant."""
    with StoredRuns.read_if_any(out) as stored:
        if stored is None or not stored.runs():
            message = (
                f"{out}: --resume: no run is stored here; choose the folder with --out, leave"
                " --resume out to begin a run, or take --resume-if-any for either"
            )
            raise InputError([message])


def other_inputs(out: Path, run: Run) -> str:
    return (
        f"{out}: run {run.id} was started with other inputs; put them back, or start a new run"
        " without --resume"
    )
