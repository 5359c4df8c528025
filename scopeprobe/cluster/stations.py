"""The workers of an audit, as seen from its journal: what they say, and until when they ask."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from distributed import Client, Queue

from scopeprobe.cluster.messages import BEAT, LEASE, Message, Reply, SentShare


@dataclass(slots=True)
class StationOfWorker:
    """One worker's part in an audit."""

    id: str
    leased_until: float
    """By `time.monotonic`: it asks nothing after that."""
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    heard: int = 0
    committed: int = 0
    shares: dict[str, SentShare] = field(default_factory=dict)
    """What it is still to be told."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Stations:
    """
    Hears the workers of an audit, and tells them what is committed.

    Every reply lets a worker ask for LEASE seconds from when it sent what was heard. One that is
    not heard of is lost when it cannot be asking any more; whatever it says later is not heard.
    """

    def __init__(
        self, client: Client, audit: str, take: Callable[[StationOfWorker, Message], None]
    ) -> None:
        self._client = client
        self._audit = audit
        self._take = take
        self._stations: dict[str, StationOfWorker] = {}
        self._lost: set[str] = set()
        self._is_interrupted = False

    def __getitem__(self, station: str) -> StationOfWorker:
        """The one of that id; it is leased from its first mention on."""
        if station not in self._stations:
            leased_until = time.monotonic() + LEASE
            self._stations[station] = StationOfWorker(station, leased_until)
            if station in self._lost:
                self._stations[station].lost.set()
            else:
                self._speaking.create_task(self._speak(self._stations[station]))
        return self._stations[station]

    async def serve(self) -> None:
        """Hear and speak until it is cancelled."""
        async with asyncio.TaskGroup() as self._speaking:
            self._speaking.create_task(self._watch())
            queue = await Queue(f"scopeprobe-{self._audit}", client=self._client)
            try:
                while True:
                    message: Message = pickle.loads(await queue.get())  # noqa: S301 - of our own
                    if message.station not in self._lost:
                        station = self[message.station]
                        station.heard = message.number
                        self._take(station, message)
            finally:
                queue.close()

    def committed(self, station: StationOfWorker, number: int) -> None:
        """All rows of a message are committed."""
        station.committed = number
        station.wake.set()

    def share(self, station: StationOfWorker, shares: Mapping[str, SentShare]) -> None:
        """Tell a worker of shares of a budget that have grown."""
        station.shares.update(shares)
        station.wake.set()

    def interrupt(self) -> None:
        """Let all of them end at once."""
        self._is_interrupted = True
        for station in self._stations.values():
            station.wake.set()

    async def _speak(self, station: StationOfWorker) -> None:
        queue = await Queue(f"scopeprobe-{self._audit}-{station.id}", client=self._client)
        try:
            while not station.lost.is_set():
                await station.wake.wait()
                station.wake.clear()
                shares, station.shares = station.shares, {}
                station.leased_until = time.monotonic() + LEASE
                reply = Reply(station.heard, station.committed, shares, self._is_interrupted)
                await queue.put(pickle.dumps(reply))
        finally:
            queue.close()

    async def _watch(self) -> None:
        """Find out who is lost."""
        while True:
            await asyncio.sleep(BEAT / 2)
            now = time.monotonic()
            for station in tuple(self._stations.values()):
                if now >= station.leased_until and not station.lost.is_set():
                    self._lost.add(station.id)
                    station.lost.set()
                    station.wake.set()
                    del self._stations[station.id]
