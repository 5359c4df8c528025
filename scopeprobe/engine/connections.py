"""The connections of a run: how many there are, and which may carry another request."""

from __future__ import annotations

import asyncio
import math
import re
import select
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, cast
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler

from scopeprobe.engine.resolver import Resolver

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.tracing import Trace

REST = 0.04
"""Seconds between an answer and the next request on its connection."""
_REMEMBERED = 4096
"""Bytes of an answer, interim ones among them."""
_STATUS = re.compile(rb"(?:\A|\n\r?\n)HTTP/\d(?:\.\d)? ([1-5]\d\d)\b")
"""A status line (RFC 9112 section 4): the first, or one behind an interim answer."""


@dataclass(slots=True)
class Attempt:
    """One request on its way."""

    still_wanted: Callable[[], bool]
    handler: _Handler | None = None
    """Where its answer comes in; None until it is sent."""

    @property
    def status(self) -> int | None:
        """What the beginning of an answer says that cannot be read as a whole; None: no status."""
        found = _STATUS.findall(self.handler.heard) if self.handler is not None else []
        return next((int(status) for status in found if int(status) >= HTTPStatus.OK), None)

    @property
    def is_answered(self) -> bool:
        """Whether anything at all came back."""
        return self.handler is not None and bool(self.handler.heard)


attempt_under_way: ContextVar[Attempt] = ContextVar("attempt")


class NotSent(Exception):
    """The rate group was paused while the connection was being made: nothing was sent."""


class _Handler(ResponseHandler):
    """Remembers how an answer begins: its status counts, whatever follows."""

    heard: bytes = b""
    rested_since: float = 0.0
    """When its last answer was read."""

    def data_received(self, data: bytes) -> None:
        if len(self.heard) < _REMEMBERED:
            self.heard += data[:_REMEMBERED]
        super().data_received(data)


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
            "partial[ResponseHandler]", partial(_Handler, loop=asyncio.get_running_loop())
        )
        self._most = most
        self._busy = 0
        self._idle: dict[_Handler, None] = {}
        """Connections without a request, the one that has been so for longest first."""
        self._used: WeakSet[ResponseHandler] = WeakSet()
        self._talkative: set[ConnectionKey] = set()
        """Servers that said what nobody asked for."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        connection = await self._silent_connection(req, traces, timeout)
        handler, attempt = connection.protocol, attempt_under_way.get()
        if isinstance(handler, _Handler):
            if req.connection_key in self._talkative:
                handler.force_close()
            self._used.add(handler)
            self._idle.pop(handler, None)
            handler.heard = b""
            attempt.handler = handler
        if not attempt.still_wanted():
            connection.release()
            raise NotSent
        return connection

    async def _silent_connection(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        """A new connection, or one that has kept silent since its last answer."""
        resting = []
        try:
            while True:
                connection = await super().connect(req, traces, timeout)
                handler = connection.protocol
                if not isinstance(handler, _Handler) or handler not in self._used:
                    return connection
                if _has_unread_bytes(connection):
                    if handler.should_close and handler.is_connected():
                        self._talkative.add(req.connection_key)
                    connection.close()
                elif self._has_rested(handler):
                    return connection
                else:
                    resting.append(connection)
        finally:
            for connection in resting:
                connection.release()

    def _has_rested(self, handler: _Handler) -> bool:
        """Long enough, or as long as can be afforded where connections are few."""
        is_short = len(self._idle) + self._busy >= self._most
        return is_short or time.monotonic() - handler.rested_since >= REST

    @contextmanager
    def busy(self, attempt: Attempt) -> Iterator[None]:
        """Count a request's connection as one in use, and afterwards as one that may be closed."""
        self._busy += 1
        self._close_idle()
        try:
            yield
        finally:
            self._busy -= 1
            if attempt.handler is not None and attempt.handler.is_connected():
                attempt.handler.rested_since = time.monotonic()
                self._idle[attempt.handler] = None

    def _close_idle(self) -> None:
        """Make room for another connection; forget those that were closed meanwhile."""
        while self._idle:
            handler = next(iter(self._idle))
            is_too_many = len(self._idle) + self._busy > self._most
            if handler.is_connected() and not is_too_many:
                return
            del self._idle[handler]
            handler.close()


def _has_unread_bytes(connection: aiohttp.connector.Connection) -> bool:
    """Whether the server said more than was asked, or closed; also what nobody has read yet."""
    handler, transport = connection.protocol, connection.transport
    if handler is None or transport is None or handler.should_close:
        return True
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))
