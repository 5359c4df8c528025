"""A rate group that one worker owns: an actor of Dask's, for as long as it is asked."""

from __future__ import annotations

import asyncio
import os
import pickle
import weakref

from distributed import get_worker

import scopeprobe
from scopeprobe.audits.discover import resolve_by
from scopeprobe.cluster.group_run import GroupRun
from scopeprobe.cluster.station import Station
from scopeprobe.cluster.stream_journal import StreamJournal
from scopeprobe.cluster.task import GroupTask, Orders, Prepared, to_be_sent, without_secrets
from scopeprobe.engine.budgets import Share
from scopeprobe.engine.http_client import connect
from scopeprobe.errors import InputError
from scopeprobe.inputs import Fleet, clients_with_secrets
from scopeprobe.model.client import Client, ClientName

__all__ = ["OwnedGroup", "to_be_sent"]


class OwnedGroup:
    """
    Looks the secrets of its clients up, reads metadata, and asks when it is told to.

    Where Dask forgets it, since whoever wanted it is gone, nothing more is asked.
    """

    def __init__(self, task: GroupTask) -> None:
        self._task = task
        self._clients: dict[ClientName, Client] = {}
        self._station: Station | None = None

    async def prepare(self) -> Prepared:
        """Look the secrets up. Raises nothing: what is wrong is told."""
        task = self._task
        worker = get_worker()
        station = self._station = Station.of(worker, task.audit)
        here = worker.address, station.id
        station.join(task.name)
        weakref.finalize(self, station.leave, task.name).atexit = False
        if task.version != scopeprobe.__version__:
            words = f"a worker has scopeprobe {scopeprobe.__version__}, and not {task.version}"
            return Prepared(*here, problems=(f"--cluster: {words}",))
        try:
            clients, notices = await asyncio.to_thread(
                clients_with_secrets, task.drafts, {**os.environ}
            )
        except InputError as error:
            return Prepared(*here, problems=error.messages)
        self._clients = {client.name: client for client in clients}
        return Prepared(*here, notices=notices)

    async def read(self) -> Prepared:
        """Read metadata, and say what it says. Raises nothing likewise."""
        assert self._station is not None  # noqa: S101 - it was prepared
        station, patience = self._station, self._task.patience
        here = get_worker().address, station.id
        clients = tuple(self._clients.values())
        fleet = Fleet(clients, wants_advertised=self._task.wants_advertised)
        try:
            read = await station.run(lambda: _read(fleet, patience))
        except InputError as error:
            return Prepared(*here, problems=error.messages)
        self._clients = {client.name: client for client in read.clients}
        return Prepared(*here, read=_without_secrets(read))

    async def begin(self, orders: bytes) -> None:
        """Ask from now on; what is found out is told by the station."""
        told: Orders = pickle.loads(orders)  # noqa: S301 - of our own making
        clients, share = self._clients, Share(told.requests, told.tokens)

        def make(station: Station) -> GroupRun:
            journal = StreamJournal(told.run, station.hand_on)
            return GroupRun(told, clients, journal, station.observe, share)

        if self._station is not None:
            self._station.begin(self._task.name, make, shares_budget=share != Share())


async def _read(fleet: Fleet, patience: float) -> Fleet:
    async with connect(()) as http:
        return await resolve_by(http, fleet, patience)


def _without_secrets(fleet: Fleet) -> Fleet:
    """What metadata said of the clients, for whoever has no secrets of theirs."""
    clients = tuple(map(without_secrets, fleet.clients))
    as_written = fleet.as_written and tuple(map(without_secrets, fleet.as_written))
    return Fleet(
        clients,
        notices=fleet.notices,
        wants_advertised=fleet.wants_advertised,
        unusable=fleet.unusable,
        as_written=as_written,
    )
