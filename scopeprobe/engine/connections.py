"""The connections of a run: how many there are, and which may carry another request."""

from __future__ import annotations

import asyncio
import math
import select
import ssl
import time
from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler

from scopeprobe.engine.attempt import Attempt
from scopeprobe.engine.resolver import Resolver

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

REST = 0.04
"""Seconds between an answer and the next request on its connection."""
_REMEMBERED = 4096
"""Bytes of an answer, interim ones among them."""


class NotSent(Exception):
    """The rate group was paused while the connection was being made: nothing was sent."""


class Handler(ResponseHandler):
    """Remembers how an answer begins: its status counts, whatever follows."""

    heard: bytes = b""
    rested_since: float = -math.inf
    """When its last answer was read."""
    is_gone: bool = False
    """Its file is closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, gone: Callable[[Handler], None]) -> None:
        super().__init__(loop)
        self._note_end = gone

    def connection_lost(self, error: BaseException | None) -> None:
        self.is_gone = True
        self._note_end(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if len(self.heard) < _REMEMBERED:
            self.heard += data[:_REMEMBERED]
        super().data_received(data)

    @property
    def has_unread_bytes(self) -> bool:
        """Whether the server said more than was asked, or closed; also what nobody has read yet."""
        return self.transport is None or self.should_close or bool(self._poll.poll(0))

    @cached_property
    def _poll(self) -> select.poll:
        poll = select.poll()
        if self.transport is not None:
            poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return poll


class CarefulConnector(aiohttp.TCPConnector):
    """
    Gives out connections on which all was read, as long as the request is to be sent.

    A server that answered an earlier request twice would be believed to answer the next one. So a
    connection rests for a moment before it is used again, and is closed where it has not kept
    silent; from then on its server is given a connection for each request. And a TLS handshake
    takes a while: a throttle that is read meanwhile must hold the request back.
    """

    def __init__(self, resolver: Resolver, most: float) -> None:
        """`most` connections at once, those included that wait for another request."""
        limit = 0 if most == math.inf else int(most)
        super().__init__(limit=limit, ssl=ssl.create_default_context(), resolver=resolver)
        self._factory = cast(
            "partial[ResponseHandler]",
            partial(Handler, asyncio.get_running_loop(), self._ended),
        )
        self._most = most
        self._busy = 0
        self._idle: dict[Handler, None] = {}
        """Connections without a request, the one that has been so for longest first."""
        self._closing: set[Handler] = set()
        """Closed ones, whose files are open until the loop comes round."""
        self._talkative: set[ConnectionKey] = set()
        """Servers that said what nobody asked for."""

    async def take(
        self, request: aiohttp.ClientRequest, attempt: Attempt
    ) -> tuple[Connection, Handler]:
        """
        Return a connection for an attempt, and count it as busy until it is given back.

        Raises NotSent where the request is wanted no more.
        """
        self._busy += 1
        try:
            await self._make_room()
            connection = await self.connect(request, [], _NO_TIMEOUT)
        except BaseException:
            self._busy -= 1
            raise
        handler = attempt.handler = cast("Handler", connection.protocol)
        if self._talkative and request.connection_key in self._talkative:
            handler.force_close()
        self._idle.pop(handler, None)
        handler.heard = b""
        if not attempt.still_wanted():
            self.give_back(connection, handler)
            raise NotSent
        return connection, handler

    def give_back(self, connection: Connection, handler: Handler) -> None:
        """Let another request have a connection, if all was read that came on it."""
        self._busy -= 1
        connection.release()
        if handler.is_connected():
            handler.rested_since = time.monotonic()
            self._idle[handler] = None
        elif not handler.is_gone:
            self._closing.add(handler)

    def throw_away(self, connection: Connection, handler: Handler) -> None:
        """Close a connection in the middle of an answer."""
        self._busy -= 1
        connection.close()
        if not handler.is_gone:
            self._closing.add(handler)

    def _ended(self, handler: Handler) -> None:
        self._closing.discard(handler)
        self._idle.pop(handler, None)

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        """Return a connection that has rested and kept silent; None: a new one is to be made."""
        while (pooled := self._conns.get(key)) and self._has_rested(pooled[0][0]):
            connection = await super()._get(key, traces)
            if connection is None:
                break
            handler = cast("Handler", connection.protocol)
            if handler.has_unread_bytes:
                if handler.should_close and handler.is_connected():
                    self._talkative.add(key)
                connection.close()
            elif self._has_rested(handler):
                return connection
            else:
                connection.release()
        return None

    def _has_rested(self, handler: ResponseHandler) -> bool:
        """Long enough, or as long as can be afforded where connections are few."""
        is_short = len(self._idle) + self._busy >= self._most
        rested_since = cast("Handler", handler).rested_since
        return is_short or time.monotonic() - rested_since >= REST

    async def _make_room(self) -> None:
        """Close what has been idle for longest, until another connection may be made."""
        while (living := len(self._idle) + self._busy) + len(self._closing) > self._most:
            if self._idle and living > self._most:
                handler = next(iter(self._idle))
                del self._idle[handler]
                self._closing.add(handler)
                handler.abort()
            elif not self._closing:
                return
            await asyncio.sleep(0)


_NO_TIMEOUT = aiohttp.ClientTimeout()
"""An attempt has one of its own, which holds from the first step to the last."""
