"""Names to addresses, as the operating system knows them: no name waits for one that hangs."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

PROMPT = 1.0
"""Seconds for which a name may keep others waiting; one that takes longer is late."""
AT_ONCE = 32
"""Names that are looked up at once, beside those that are late."""
LATE_AT_ONCE = 16
"""Names that were late before, and are looked up again at once."""
MOST_THREADS = 256

_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
_Found: TypeAlias = list[tuple[socket.AddressFamily, int, str]]
"""Family, protocol and address."""


class Resolver(AbstractResolver):
    """
    Looks names up in threads of its own.

    The system's resolver knows hosts files, search domains and split DNS as nothing else does, but
    it cannot be told to stop: a name whose servers say nothing holds its thread for as long as it
    likes. So a lookup holds a slot for a second at most, and a name that was late waits for slots
    that no other name wants. The threads keep no program from ending.
    """

    def __init__(self, most: float = MOST_THREADS) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._slots_of_late = asyncio.Semaphore(LATE_AT_ONCE)
        self._threads = asyncio.Semaphore(int(min(most, MOST_THREADS)))
        self._late: set[str] = set()
        self._asked: dict[tuple[str, int], asyncio.Task[_Found]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises OSError where the name has no address, or none is known."""
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=kind, proto=proto, flags=_NUMERIC
            )
            for kind, proto, address in await self._found(host, family)
        ]

    async def addresses(self, host: str) -> list[str]:
        """Raises OSError likewise."""
        return [address for _, _, address in await self._found(host, socket.AF_UNSPEC)]

    async def close(self) -> None:
        """Forget what is being looked up."""
        for task in self._asked.values():
            task.cancel()

    async def _found(self, host: str, family: int) -> _Found:
        """What one lookup finds, for all that ask for the name meanwhile."""
        key = host, family
        if key not in self._asked:
            task = self._asked[key] = asyncio.create_task(self._look_up(host, family))
            task.add_done_callback(lambda _task: self._asked.pop(key))
            task.add_done_callback(_look_at_its_error)
        return await asyncio.shield(self._asked[key])

    async def _look_up(self, host: str, family: int) -> _Found:
        if host in self._late:
            async with self._slots_of_late:
                found = await (await self._started(host, family))
            self._late.discard(host)
            return found
        async with self._slots:
            answer = await self._started(host, family)
            await asyncio.wait([answer], timeout=PROMPT)
        if not answer.done():
            self._late.add(host)
        return await answer

    async def _started(self, host: str, family: int) -> asyncio.Future[_Found]:
        """The answer to come of a lookup that has begun."""
        await self._threads.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Found] = loop.create_future()

        def tell(found: _Found | OSError) -> None:
            self._threads.release()
            if answer.done():
                return
            if isinstance(found, OSError):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def ask() -> None:
            found = _addresses(host, family)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(tell, found)

        threading.Thread(target=ask, name=f"name {host}", daemon=True).start()
        return answer


def _addresses(host: str, family: int) -> _Found | OSError:
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    try:
        infos = socket.getaddrinfo(
            host, None, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
        )
        return [
            (kind, proto, socket.getnameinfo(address, numeric)[0])
            for kind, _, proto, _, address in infos
        ]
    except OSError as error:
        return error
    except UnicodeError as error:
        return OSError(f"{host} is no name of a host: {error}")


def _look_at_its_error(task: asyncio.Task[_Found]) -> None:
    """Whoever waited may be gone."""
    if not task.cancelled():
        task.exception()
