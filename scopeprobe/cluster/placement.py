"""Which worker asks what: of those in the networks it takes, the one that has least."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections import Counter
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

import anyio
from distributed import Client, KilledWorker

import scopeprobe
from scopeprobe.cluster.owned_group import OwnedGroup
from scopeprobe.cluster.portion import Portion
from scopeprobe.cluster.task import GroupTask, Orders, Prepared, to_be_sent
from scopeprobe.errors import InputError
from scopeprobe.inputs import Fleet

LONGEST_LOOK_UP = 120.0
"""Seconds in which a worker has begun and looked all secrets up, or is lost."""
SOON = 30.0
"""Seconds after which a worker is chosen again that was lost: it may be back."""
LOOKS_EVERY = 0.5
"""Seconds between two looks for workers that are not there yet."""

R = TypeVar("R")


class WorkerLost(Exception):
    """Nobody says any more what becomes of a portion."""


class Placement:
    """Gives portions to workers, as actors of Dask's, and lets them go."""

    def __init__(self, client: Client, audit: str, fleet: Fleet, patience: float) -> None:
        self._client = client
        self._audit = audit
        self._wants_advertised = fleet.wants_advertised
        self._patience = patience
        self._lost: set[str] = set()
        """Addresses of workers that were lost, whether Dask has noticed or not."""
        self._worker_of: dict[str, str] = {}
        """By the name of a portion, the address of the worker that has it."""
        self._drafts = {
            draft.client.name: to_be_sent(draft) for draft in fleet.drafts if draft.client
        }

    async def workers_for(self, portion: Portion) -> list[str]:
        """Those that are there and could ask it."""
        scheduler: Any = self._client.scheduler
        workers = (await scheduler.identity(n_workers=-1))["workers"]
        return [
            address
            for address, worker in workers.items()
            if portion.networks <= worker.get("resources", {}).keys()
        ]

    async def prepare(self, portion: Portion, patience: float) -> Prepared | None:
        """
        Give it to a worker, who looks its secrets up; None where none came for so many seconds.

        Raises WorkerLost, or InputError where workers cannot run this program.
        """
        task = GroupTask(
            audit=self._audit,
            name=portion.name,
            version=scopeprobe.__version__,
            drafts=tuple(self._drafts[client.name] for client in portion.clients),
            wants_advertised=self._wants_advertised,
            needs_metadata=portion.unread is not None,
            patience=self._patience,
        )
        workers = await self._awaited_workers(portion, patience)
        if not workers:
            return None
        has = Counter(self._worker_of.values())
        worker = self._worker_of[portion.name] = min(workers, key=has.__getitem__)
        portion.future = self._client.submit(
            OwnedGroup,
            task,
            actor=True,
            key=f"{portion.name} {self._audit} {portion.workers_lost}",
            workers=[worker],
            resources=dict.fromkeys(portion.networks, 1) or None,
        )
        with anyio.move_on_after(LONGEST_LOOK_UP):
            portion.actor = await self._unless_gone(worker, portion, _answer(portion.future))
            prepared: Prepared = await _answer(portion.actor.prepare())
            self._worker_of[portion.name] = prepared.worker
            return prepared
        raise WorkerLost

    async def _unless_gone(self, worker: str, portion: Portion, work: Coroutine[Any, Any, R]) -> R:
        """Do what waits for a worker to begin. Raises WorkerLost where it is not there any more."""
        begun = asyncio.create_task(work)
        try:
            while not begun.done():
                await asyncio.wait([begun], timeout=LOOKS_EVERY)
                if not begun.done() and worker not in await self.workers_for(portion):
                    raise WorkerLost
            return begun.result()
        finally:
            begun.cancel()

    async def _awaited_workers(self, portion: Portion, patience: float) -> list[str]:
        """Those that may ask it, once there are any; lost ones only where no other comes soon."""
        began = time.monotonic()
        while True:
            workers = await self.workers_for(portion)
            others = [worker for worker in workers if worker not in self._lost]
            waited = time.monotonic() - began
            if others or waited >= min(patience, SOON):
                workers = others or workers
                if workers or waited >= patience:
                    return workers
            await anyio.sleep(LOOKS_EVERY)

    @staticmethod
    async def read(portion: Portion) -> Prepared:
        """Let its worker read metadata. Raises WorkerLost."""
        read: Prepared = await _answer(portion.actor.read())
        return read

    @staticmethod
    async def begin(portion: Portion, orders: Orders) -> None:
        """Let its worker ask. Raises WorkerLost: it may have heard of it all the same."""
        await _answer(portion.actor.begin(pickle.dumps(orders)))

    def lose(self, portion: Portion) -> None:
        """Its worker is lost: it is not chosen again while there are others."""
        self._lost.add(self._worker_of[portion.name])
        self.let_go(portion)

    def let_go(self, portion: Portion) -> None:
        """Let Dask forget the actor: its worker asks nothing any more."""
        self._worker_of.pop(portion.name, None)
        portion.actor = None
        if portion.future is not None:
            portion.future.release()
            portion.future = None


async def _answer(answer: Awaitable[R]) -> R:
    try:
        return await answer
    except (OSError, KilledWorker) as error:
        raise WorkerLost from error
    except RuntimeError as error:
        if "Actor" in str(error):  # Dask says in words only that its worker is lost
            raise WorkerLost from error
        raise
    except ImportError as error:
        words = f"a worker cannot run scopeprobe: {error.name} is not installed there"
        raise InputError([f"--cluster: {words}"]) from error
