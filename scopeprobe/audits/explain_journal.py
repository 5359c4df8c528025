"""What explanations read of an output folder, and what they leave there: what was used up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio

from scopeprobe.audits.off_the_loop import off_the_loop
from scopeprobe.diagnosis import Case
from scopeprobe.engine.build_queues import registration_of
from scopeprobe.errors import InputError, StoreError
from scopeprobe.model.answer import Fact
from scopeprobe.model.assignment import Assignment
from scopeprobe.model.journal import NOTHING_USED, Allowance
from scopeprobe.model.question import Question
from scopeprobe.store import Store, StoredRuns, discard_store, has_store


def registration_of_case(case: Case) -> str:
    """Under which failed authentications of its client are counted."""
    return registration_of(case.client.server.endpoints.token, case.client.client_id)


def allowances_in(folder: Path | None) -> Mapping[str, Allowance]:
    """By quota, what was used up of it, so says an output folder."""
    with stored_in(folder) as store:
        return {} if store is None else store.allowances()


@contextmanager
def stored_in(folder: Path | None) -> Iterator[StoredRuns | None]:
    """The store of an output folder; None where it has none, or there is no folder."""
    if folder is None:
        yield None
        return
    with StoredRuns.read_if_any(folder) as store:
        yield store


class UsedBefore:
    """What is known before a request: no fact, and what was used up, also in this invocation."""

    def __init__(
        self, before: Mapping[str, Allowance], journal: ExplainJournal, cases: Iterable[Case]
    ) -> None:
        """`before`: what was used up of quotas when the invocation began."""
        self._before = before
        self._journal = journal
        self._failures = {registration_of_case(case): case.known.failures_spent for case in cases}

    def facts_of(self, _assignment: Assignment) -> Mapping[Question, Fact]:
        return {}

    def allowance(self, quota: str) -> Allowance:
        return self._journal.allowance_after(self._before.get(quota, NOTHING_USED), quota)

    def failures_of(self, registration: str) -> int:
        return self._failures.get(registration, 0)


class ExplainJournal:
    """
    A journal in memory: facts count at once, and what was used up goes to the output folder.

    What may fail is stored before the request leaves, so that no interrupt adds a failed
    authentication; quotas at the end. The folder is made for the former only, and taken away again
    where nothing failed. Its lock is held for moments, lest an audit that begins meanwhile is
    refused; while one runs, nothing is kept.
    """

    def __init__(self, folder: Path | None, begun: float) -> None:
        self._folder = folder
        self._begun = begun
        self._sent: list[tuple[str, float]] = []
        self._pauses: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._stored: dict[str, int] = {}
        self._writing = anyio.Lock()
        self.has_made_folder = False
        self._has_made_it_all = False

    def put(self, _assignment: Assignment, _fact: Fact, then: Callable[[], None]) -> None:
        then()

    def note_sent(self, quota: str, at: float) -> None:
        self._sent.append((quota, at))

    def note_pause(self, quota: str, until: float) -> None:
        self._pauses[quota] = until

    def note_failures(self, registration: str, count: int) -> None:
        self._failures[registration] = count

    def failures_of(self, registration: str, before: int) -> int:
        """How many requests in a row may have failed by now; so many had when it began."""
        return self._failures.get(registration, before)

    def allowance_after(self, before: Allowance, quota: str) -> Allowance:
        """What is used up of a quota by now; so much was when it began."""
        sent = tuple(at for name, at in self._sent if name == quota)
        until = max(before.paused_until, self._pauses.get(quota, 0.0))
        return Allowance(until, before.spent_at + sent)

    async def flush(self) -> None:
        """Store what may have failed. Where several wait, the next write is for all of them."""
        async with self._writing:
            await off_the_loop(self._remember_failures)

    async def close(self) -> None:
        """Store all that was used up."""
        if self._folder is not None:
            await off_the_loop(self._remember_all, self._folder)

    def _remember_all(self, folder: Path) -> None:
        self._remember_failures()
        if self.has_made_folder and not any(self._failures.values()):
            self.has_made_folder = False
            with suppress(InputError):
                discard_store(folder, and_folder=self._has_made_it_all)
        elif has_store(folder) and (self._sent or self._pauses):
            with suppress(InputError, StoreError), Store.open(folder) as store:
                store.remember_quotas(self._sent, self._pauses)

    def _remember_failures(self) -> None:
        if self._folder is None or self._failures == self._stored:
            return
        is_new, is_all_new = not has_store(self._folder), not self._folder.exists()
        with suppress(InputError, StoreError), Store.open(self._folder) as store:
            counts = dict(self._failures)
            store.remember_failures(self._begun, counts)
            self._stored = counts
            self.has_made_folder |= is_new
            self._has_made_it_all |= is_all_new
