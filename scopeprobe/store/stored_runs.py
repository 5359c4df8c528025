"""What is stored of the runs of a folder, for those who only read it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from functools import cache, partial, wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeAlias, TypeVar

import msgspec

from scopeprobe.errors import InputError
from scopeprobe.model.answer import Fact
from scopeprobe.model.cell import Cell, CellKey, PermissionMap, Verdict
from scopeprobe.model.client import ClientName, Registration
from scopeprobe.model.journal import Allowance
from scopeprobe.model.packed import PackedMap, unpack_cells
from scopeprobe.model.question import Question
from scopeprobe.model.run import Run
from scopeprobe.model.scope_names import Scope
from scopeprobe.policy.history import Past
from scopeprobe.store.folder import DATABASE, damaged, usable
from scopeprobe.store.snapshot import snapshot
from scopeprobe.store.stored_facts import StoredFacts, fact_of, question_of

AcceptedSets: TypeAlias = tuple[tuple[Scope, ...], ...]
"""Sets of scopes that were accepted together."""

EXPLANATION = "explain "
"""How the names of explanations begin, in the place of a run; the rest is when they began."""

P = ParamSpec("P")
R = TypeVar("R")

_accepted_sets = msgspec.json.Decoder(AcceptedSets).decode
_registration = msgspec.json.Decoder(Registration).decode


def _reads(
    method: Callable[Concatenate[StoredRuns, P], R],
) -> Callable[Concatenate[StoredRuns, P], R]:
    """Raise InputError where the database is damaged: its pages, or what is written on them."""

    @wraps(method)
    def read(stored: StoredRuns, /, *arguments: P.args, **named: P.kwargs) -> R:
        try:
            return method(stored, *arguments, **named)
        except (sqlite3.Error, msgspec.MsgspecError, UnicodeError, TypeError, ValueError) as error:
            raise InputError([damaged(stored.folder / DATABASE, error)]) from error

    return read


MOST_NIGHTS = 30
"""Runs that the past of a run is made of."""


BY_AGE = {"last": 0, "previous": 1}
"""Words for finished runs, by how many are newer."""


class StoredRuns:
    """The runs of one output folder, and what they found out."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection

    @classmethod
    @contextmanager
    def read(cls, folder: Path) -> Iterator[Self]:
        """
        All that is committed now, also while an audit writes there. The folder stays as it is.

        Raises InputError where no run is stored, or its database cannot be used.
        """
        with cls.read_if_any(folder) as stored:
            if stored is None:
                raise InputError([f"{folder}: no run is stored here; choose the folder with --out"])
            yield stored

    @classmethod
    @contextmanager
    def read_if_any(cls, folder: Path) -> Iterator[Self | None]:
        """The same; None where no run is stored."""
        if not has_store(folder):
            yield None
            return
        with closing(snapshot(folder / DATABASE)) as connection:
            yield cls(folder, connection)

    # -- runs

    @_reads
    def runs(self) -> list[Run]:
        """All of them, the newest first."""
        rows = self._connection.execute(
            "select id, started, finished, digest, strategy, clients, cells, complete, summary"
            " from runs order by started desc, id desc"
        )
        return [
            msgspec.convert(
                {
                    "id": run_id,
                    "started": started,
                    "finished": finished,
                    "digest": digest,
                    "strategy": strategy,
                    "clients": clients,
                    "cells": cells,
                    "complete": bool(complete),
                    "summary": summary and summary.encode(),
                },
                Run,
                builtin_types=(bytes,),
            )
            for run_id, started, finished, digest, strategy, clients, cells, complete, summary in (
                rows
            )
        ]

    def last_run(self) -> Run | None:
        return next(iter(self.runs()), None)

    def run(self, run_id: str) -> Run:
        """Raises InputError where no run of this folder has the id."""
        for run in self.runs():
            if run.id == run_id:
                return run
        listed = f"`scopeprobe runs -o {self.folder}` lists them"
        raise InputError([f"{self.folder}: there is no run {run_id}; {listed}"])

    def finished_run(self, run_id: str = "last") -> Run:
        """A run, or of those that are finished `last` or `previous`. Raises InputError without."""
        if run_id not in BY_AGE:
            return self.run(run_id)
        finished = [run for run in self.runs() if run.finished is not None]
        if len(finished) > BY_AGE[run_id]:
            return finished[BY_AGE[run_id]]
        few = "only one run was finished here" if finished else "no run was finished here yet"
        raise InputError([f"{self.folder}: {few}"])

    # -- what they found out

    @_reads
    def maps_of(self, run: Run) -> tuple[PermissionMap, ...]:
        """What a run found out, sorted by client."""
        rows = self._connection.execute(
            "select client, cells, registration from maps_of_runs join permission_maps using (map)"
            " where run = ? order by client",
            (run.id,),
        )
        return tuple(
            self.held(PackedMap(client, cells, told and _registration(told)))
            for client, cells, told in rows
        )

    def held(self, permissions: PermissionMap) -> PackedMap:
        """The same map, for as long as somebody needs it; of a run there are many."""
        return PackedMap.of(permissions)

    @_reads
    def maps_of_client(self, client: ClientName) -> list[tuple[Run, PermissionMap]]:
        """What each finished run found out about a client, the oldest first."""
        rows = self._connection.execute(
            "select run, cells from maps_of_runs join permission_maps using (map) where client = ?",
            (client,),
        )
        cells = dict(rows.fetchall())
        return [
            (run, PermissionMap(client, unpack_cells(cells[run.id])))
            for run in reversed(self.runs())
            if run.id in cells and run.finished is not None
        ]

    @_reads
    def nights_of(self, client: ClientName) -> list[tuple[date, PermissionMap]]:
        """The same by the days on which the runs began, the newest first; equal maps are one."""
        rows = self._connection.execute(
            "select started, map from maps_of_runs join runs on id = run"
            " where client = ? and finished is not null order by started desc",
            (client,),
        ).fetchall()
        maps = {
            digest: PackedMap(client, self._stored_cells(digest))
            for digest in dict.fromkeys(digest for _, digest in rows)
        }
        return [(datetime.fromtimestamp(at, UTC).date(), maps[digest]) for at, digest in rows]

    @_reads
    def past_of(self, run: Run) -> Past | None:
        """What the runs before one found out; None where it is the first."""
        runs = [one for one in self.runs() if one.finished and one.started < run.started]
        if not runs:
            return None
        of_the_run_before = self._connection.execute(
            "select client from maps_of_runs where run = ? order by client", (runs[0].id,)
        )
        clients = frozenset(client for (client,) in of_the_run_before)
        return Past(run, clients, partial(self._nights_of_runs, runs[MOST_NIGHTS - 1 :: -1]))

    @_reads
    def _nights_of_runs(
        self, runs: Sequence[Run], client: ClientName
    ) -> list[tuple[Run, PermissionMap]]:
        """What they found out about a client; equal maps are one."""
        rows = self._connection.execute(
            "select run, map from maps_of_runs where client = ? and run in"
            " (select value from json_each(?))",
            (client, msgspec.json.encode([run.id for run in runs]).decode()),
        )
        digests = dict(rows.fetchall())
        maps = {
            digest: PackedMap(client, self._stored_cells(digest))
            for digest in dict.fromkeys(digests.values())
        }
        return [(run, maps[digests[run.id]]) for run in runs if run.id in digests]

    def _stored_cells(self, digest: str) -> bytes:
        (cells,) = self._connection.execute(
            "select cells from permission_maps where map = ?", (digest,)
        ).fetchone()
        return bytes(cells)

    @_reads
    def ever_granted(self, client: ClientName) -> frozenset[tuple[str, Scope]] | None:
        """What any finished run was granted, by audience and scope; None where none asked."""
        found = [permissions for _, permissions in self.maps_of_client(client)]
        cells = (cell for permissions in found for cell in permissions.cells)
        granted = (cell for cell in cells if cell.verdict is Verdict.GRANTED)
        return frozenset((cell.audience, cell.scope) for cell in granted) if found else None

    @_reads
    def clients(self) -> list[ClientName]:
        """All clients that finished runs found something out about."""
        rows = self._connection.execute("select distinct client from maps_of_runs order by client")
        return [client for (client,) in rows]

    @_reads
    def maps_before(self, started: float) -> dict[ClientName, PackedMap]:
        """What was found out last about each client by runs that began before then (epoch)."""
        rows = self._connection.execute(
            """
            with aged as (
                select client, map, rank() over (partition by client order by started desc) as age
                from maps_of_runs join runs on id = run
                where started < ? and finished is not null
            )
            select client, cells from aged join permission_maps using (map) where age = 1
            """,
            (started,),
        )
        return {client: self.held(PackedMap(client, cells)) for client, cells in rows}

    @_reads
    def accepted_sets_before(self, started: float) -> dict[tuple[ClientName, str], AcceptedSets]:
        """The sets that were accepted last, by client and audience, of runs that began before."""
        rows = self._connection.execute(
            """
            with aged as (
                select client, audience, sets,
                    rank() over (partition by client order by started desc) as age
                from accepted_sets join runs on id = run
                where started < ? and finished is not null
            )
            select client, audience, sets from aged where age = 1
            """,
            (started,),
        )
        return {(client, audience): _accepted_sets(sets) for client, audience, sets in rows}

    @_reads
    def last_successes_before(
        self, started: float
    ) -> dict[tuple[ClientName, str], tuple[Question, bool]]:
        """
        What succeeded last, by client and audience, in runs that began before then (epoch).

        And whether a request without scope did not.
        """
        rows = self._connection.execute(
            """
            with aged as (
                select client, audience, question, needs_scope,
                    rank() over (partition by client, audience order by started desc) as age
                from last_successes join runs on id = run
                where started < ? and finished is not null
            )
            select client, audience, question, needs_scope from aged where age = 1
            """,
            (started,),
        )
        asked = cache(question_of)  # many clients are asked the same
        return {
            (client, audience): (asked(question), bool(needs_scope))
            for client, audience, question, needs_scope in rows
        }

    @_reads
    def last_worked(self, client: ClientName) -> float | None:
        """When (epoch) the last finished run ended that was issued a token for the client."""
        (ended,) = self._connection.execute(
            "select max(finished) from last_successes join runs on id = run"
            " where client = ? and finished is not null",
            (client,),
        ).fetchone()
        return None if ended is None else float(ended)

    @_reads
    def proved_by(self, moment: float) -> dict[CellKey, Cell]:
        """
        The last proved verdict on every cell, by runs that began before then (epoch).

        A run that did not prove a cell leaves the verdict of an earlier one.
        """
        proved: dict[CellKey, Cell] = {}
        for client in self.clients():
            proved |= self.proved_of(client, moment=moment)
        return proved

    @_reads
    def proved_of(self, client: ClientName, *, moment: float) -> dict[CellKey, Cell]:
        """The same of one client."""
        maps = self._connection.execute(
            "select map from maps_of_runs join runs on id = run"
            " where client = ? and started < ? and finished is not null"
            " group by map order by max(started) desc",
            (client, moment),
        ).fetchall()
        proved: dict[CellKey, Cell] = {}
        for (digest,) in maps:
            for cell in unpack_cells(self._stored_cells(digest)):
                if cell.is_proved:
                    proved.setdefault(cell.key, cell)
        return proved

    @_reads
    def written_files(self) -> dict[str, str]:
        """The permission maps of clients that runs of this folder wrote, with their digests."""
        return dict(self._connection.execute("select file, digest from written_files").fetchall())

    # -- what a run that goes on needs

    @_reads
    def facts(self, run: Run) -> StoredFacts:
        rows = self._connection.execute(
            "select client, audience, question, answer, sent, received from facts"
            " where run = ? order by received",
            (run.id,),
        )
        facts: dict[tuple[str, str], dict[Question, Fact]] = {}
        for client, audience, asked, answered, sent, received in rows:
            fact = fact_of(asked, answered, sent, received)
            facts.setdefault((client, audience), {})[fact.question] = fact
        rows = self._connection.execute(
            "select registration, count from failures where run = ?", (run.id,)
        )
        failures = dict(rows.fetchall())
        for registration, (begun, count) in self._failures_of_explanations().items():
            if begun > run.started:
                failures[registration] = max(count, failures.get(registration, 0))
        return StoredFacts(facts, failures, self.allowances())

    @_reads
    def failures_today(self, registration: str, client: ClientName, now: datetime) -> int:
        """
        How many requests in a row may have failed to authenticate, before an explanation begins.

        Those of earlier explanations of the day (UTC), of which each begins with the count of the
        one before; and those of a run of the day that may still be resumed. A later run that was
        issued a token clears the former.
        """
        midnight = (
            now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        )
        begun, count = self._failures_of_explanations().get(registration, (0.0, 0))
        (is_cleared,) = self._connection.execute(
            "select exists (select 1 from last_successes join runs on id = run"
            " where client = ? and started > ?)",
            (client, begun),
        ).fetchone()
        (of_runs,) = self._connection.execute(
            "select coalesce(max(count), 0) from failures join runs on id = run"
            " where registration = ? and not complete and started >= ?",
            (registration, midnight),
        ).fetchone()
        return max(0 if is_cleared or begun < midnight else count, int(of_runs))

    def _failures_of_explanations(self) -> dict[str, tuple[float, int]]:
        """By registration: when the last explanation began (epoch), and the count that it left."""
        rows = self._connection.execute(
            "select run, registration, count from failures where run like ? order by run",
            (f"{EXPLANATION}%",),
        )
        return {
            registration: (float(run.removeprefix(EXPLANATION)), count)
            for run, registration, count in rows
        }

    @_reads
    def allowances(self) -> dict[str, Allowance]:
        """By quota, what was used up of it before, and until when its group is left alone."""
        pauses = dict(self._connection.execute("select quota, until from pauses").fetchall())
        now = time.time()  # what a clock that was ahead noted, was before now
        used: dict[str, list[float]] = {quota: [] for quota in pauses}
        for quota, at in self._connection.execute("select quota, at from used_permits"):
            used.setdefault(quota, []).append(min(at, now))
        return {
            quota: Allowance(pauses.get(quota, 0.0), tuple(spent)) for quota, spent in used.items()
        }


def has_store(folder: Path) -> bool:
    """Whether a folder has a database. Raises InputError where it cannot be looked into."""
    database = folder / DATABASE
    with usable(database):
        return database.exists()
