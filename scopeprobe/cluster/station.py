"""A worker's part in one audit: the place from which all its rate groups ask."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from secrets import token_hex
from typing import Any, ClassVar, TypeVar

import anyio
from distributed import Client as DaskClient
from distributed import Queue, Worker

from scopeprobe.cluster.group_run import GroupRun, failure_of
from scopeprobe.cluster.messages import (
    BEAT,
    LEASE,
    Failure,
    GroupOutcome,
    Message,
    Reply,
    SentEvent,
    sent_event,
)
from scopeprobe.cluster.stream_journal import NobodyListens, StreamJournal
from scopeprobe.model.events import Event
from scopeprobe.store import Entry, Row, Statement

R = TypeVar("R")

MANY = 32
"""Entries from which on more of them are waited for."""
REST = 0.05
"""Seconds for which they are; a worker that is lost loses the answers of that time."""
_REPLACED = {Statement.FAILED: 2, Statement.PAUSED: 1}
"""Statements whose later rows replace earlier ones, and how many of the values make the key."""


class Station:
    """
    Sends what the rate groups of a worker find out, and says what is committed of it.

    Groups are asked on an event loop of their own, so that nothing they compute keeps the worker
    from answering. They may ask for LEASE seconds from when a message was sent that was heard:
    whoever writes the journal lets no other worker ask before that.
    """

    _open: ClassVar[dict[tuple[str, str], Station]] = {}
    """By worker and audit."""

    def __init__(self, worker: Worker, audit: str) -> None:
        self.id = token_hex(8)
        self._key = (worker.address, audit)
        self._audit = audit
        self._dask = DaskClient(
            worker.scheduler.address,
            security=worker.security,
            asynchronous=True,
            set_as_default=False,
            name="scopeprobe",
        )
        self._loop = asyncio.get_running_loop()
        self._asking = _AskingLoop()
        self._wake = asyncio.Event()
        self._is_woken = False
        self._entries: deque[tuple[StreamJournal, Entry]] = deque()
        self._events: deque[SentEvent] = deque()
        self._over: deque[tuple[str, GroupOutcome | Failure]] = deque()
        self._groups: set[str] = set()
        self._runs: dict[str, GroupRun] = {}
        self._sent_at: dict[int, float] = {}
        self._uncommitted: deque[tuple[int, list[tuple[StreamJournal, Entry]]]] = deque()
        self._until = time.monotonic() + LEASE
        self._end = self._loop.call_later(LEASE, self._close)
        self._tasks: list[asyncio.Task[None]] = []
        self._shares_budget = False
        self._is_interrupted = False

    @classmethod
    def of(cls, worker: Worker, audit: str) -> Station:
        """The one that is there, or a new one where none is, or where that is forgotten."""
        key = (worker.address, audit)
        if key not in cls._open:
            station = cls._open[key] = cls(worker, audit)
            station._tasks = [
                asyncio.create_task(_while_connected(work))
                for work in (station._speak(), station._listen())
            ]
        return cls._open[key]

    async def run(self, work: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Do something on the event loop that asks."""
        return await asyncio.wrap_future(self._asking.start(work))

    # -- rate groups

    def join(self, name: str) -> None:
        """A rate group is to be asked from here."""
        self._groups.add(name)

    def begin(self, name: str, make: Callable[[Station], GroupRun], *, shares_budget: bool) -> None:
        """
        Ask it from now on; `make` is called on the event loop that asks.

        Where the station was closed meanwhile, another worker may be asking already.
        """
        self._shares_budget |= shares_budget
        if self._open.get(self._key) is self:
            self._asking.start(partial(self._ask, name, make))

    async def _ask(self, name: str, make: Callable[[Station], GroupRun]) -> None:
        try:
            run = make(self)
        except Exception as error:  # noqa: BLE001 - it ends the run, which is somewhere else
            outcome: GroupOutcome | Failure | None = failure_of(error)
        else:
            run.share.until = self._until
            self._runs[name] = run
            if self._is_interrupted:
                run.interrupt()
            outcome = await run.ask()
        if outcome is not None:
            self._over.append((name, outcome))
            self._wake_up()

    def leave(self, name: str) -> None:
        """Nobody wants to know any more of a rate group; from any thread."""
        if (run := self._runs.pop(name, None)) is not None:
            self._asking.call(run.journal.fail, NobodyListens())
        with suppress(RuntimeError):  # the worker is closed
            self._loop.call_soon_threadsafe(self._forget, name)

    def _forget(self, name: str) -> None:
        self._groups.discard(name)
        if not self._groups:
            self._close()

    def _close(self) -> None:
        self._end.cancel()
        Station._open.pop(self._key, None)
        for run in tuple(self._runs.values()):
            self._asking.call(run.journal.fail, NobodyListens())
        self._runs.clear()
        self._asking.end()
        for task in self._tasks:
            task.cancel()
        self._closing = asyncio.create_task(self._dask.close())

    # -- what is found out; on the event loop that asks

    def hand_on(self, journal: StreamJournal, entry: Entry) -> None:
        self._entries.append((journal, entry))
        self._wake_up()

    def observe(self, event: Event) -> None:
        self._events.append(sent_event(event))
        self._wake_up()

    def _wake_up(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._wake.set)

    # -- what is sent and heard; on the worker's event loop

    async def _speak(self) -> None:
        queue = await self._queue(self._audit)
        number = 0
        while True:
            number += 1
            self._sent_at[number] = time.monotonic()
            await queue.put(pickle.dumps(self._message(number)))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), BEAT)
            if len(self._entries) >= MANY:
                await asyncio.sleep(REST)

    def _message(self, number: int) -> Message:
        """All there is to say."""
        self._wake.clear()
        self._is_woken = False
        entries = _taken(self._entries)
        if entries:
            self._uncommitted.append((number, entries))
        return Message(
            self.id,
            number,
            rows=_rows(entries),
            events=_taken(self._events),
            spent=self._spent,
            over=dict(_taken(self._over)),
        )

    @property
    def _spent(self) -> dict[str, tuple[int, int]]:
        runs = tuple(self._runs.items()) if self._shares_budget else ()
        return {name: run.spent for name, run in runs}

    async def _listen(self) -> None:
        queue = await self._queue(f"{self._audit}-{self.id}")
        while True:
            self._heed(pickle.loads(await queue.get()))  # noqa: S301 - of our own making

    async def _queue(self, name: str) -> Queue:
        await self._dask
        queue: Queue = await Queue(f"scopeprobe-{name}", client=self._dask)
        return queue

    def _heed(self, reply: Reply) -> None:
        if reply.heard in self._sent_at:
            self._prolong(self._sent_at[reply.heard] + LEASE)
        self._sent_at = {n: at for n, at in self._sent_at.items() if n >= reply.heard}
        runs = tuple(self._runs.values())
        while self._uncommitted and self._uncommitted[0][0] <= reply.committed:
            self._asking.call(_count, self._uncommitted.popleft()[1])
        for name, share in reply.shares.items():
            if (sharing := self._runs.get(name)) is not None:
                sharing.share.requests, sharing.share.tokens = share.requests, share.tokens
                sharing.share.is_spent = share.is_spent
                self._asking.call(sharing.look_again)
        if reply.is_interrupted and not self._is_interrupted:
            self._is_interrupted = True
            for run in runs:
                run.interrupt()

    def _prolong(self, until: float) -> None:
        """Ask until then, and not longer unless more is heard."""
        self._end.cancel()
        self._until = until
        for run in tuple(self._runs.values()):
            run.share.until = until
        self._end = self._loop.call_later(max(until - time.monotonic(), 0.0), self._close)


async def _while_connected(work: Coroutine[Any, Any, None]) -> None:
    """Do it until the scheduler is gone, or the queues are with whoever made them."""
    with suppress(OSError, KeyError):
        await work


class _AskingLoop:
    """An event loop in a thread of its own, which keeps no process from ending."""

    def __init__(self) -> None:
        self._begun: Future[asyncio.AbstractEventLoop] = Future()
        threading.Thread(target=self._run, name="scopeprobe", daemon=True).start()
        self._loop = self._begun.result()

    def _run(self) -> None:
        uvloop = find_spec("uvloop") is not None
        anyio.run(self._serve, backend_options={"use_uvloop": uvloop})

    async def _serve(self) -> None:
        self._ended = asyncio.Event()
        self._begun.set_result(asyncio.get_running_loop())
        await self._ended.wait()

    def start(self, work: Callable[[], Coroutine[Any, Any, R]]) -> Future[R]:
        return asyncio.run_coroutine_threadsafe(work(), self._loop)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # it is closed: nothing is asked any more
            self._loop.call_soon_threadsafe(function, *arguments)

    def end(self) -> None:
        self.call(self._ended.set)


def _taken(several: deque[R]) -> list[R]:
    """All that is in there by now; more may come meanwhile."""
    return [several.popleft() for _ in range(len(several))]


def _rows(entries: list[tuple[StreamJournal, Entry]]) -> list[Row]:
    """What is to be written, of rows that replace one another only the last."""
    rows: dict[object, Row] = {}
    for _, entry in entries:
        if entry.row is not None:
            statement, values = entry.row
            length = _REPLACED.get(statement)
            key = id(entry) if length is None else (statement, values[:length])
            rows[key] = entry.row
    return list(rows.values())


def _count(entries: list[tuple[StreamJournal, Entry]]) -> None:
    """Let all that is committed count, in the order in which it was put."""
    for journal, entry in entries:
        if entry.then is not None:
            journal.committed(entry.then)
