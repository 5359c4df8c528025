"""The connections of a run: how many there are, and which may carry another request."""

from __future__ import annotations

import asyncio
import math
import select
import ssl
import time
from asyncio import TimerHandle
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler

from scopeprobe.engine.attempt import Attempt
from scopeprobe.engine.resolver import Resolver

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey

REST = 0.04
"""Seconds between an answer and the next request on its connection."""
MOST_RESTING = 64
"""Connections of a server; where there are more, the first of them has rested enough."""
KEPT_IDLE = 15.0
"""Seconds after which a connection that nobody used is closed."""
_BETWEEN_LOOKS = 0.004
_FRESH = 3 * _BETWEEN_LOOKS
"""Seconds for which it counts that the loop has read all that had come."""
_REMEMBERED = 4096
"""Bytes of an answer, interim ones among them."""


class NotSent(Exception):
    """The rate group was paused while the connection was being made: nothing was sent."""


class Destination(NamedTuple):
    """Where requests go."""

    request: aiohttp.ClientRequest
    """As aiohttp's connector knows it: where to connect, and how."""
    key: ConnectionKey
    """What a connection has to have in common with it to carry its requests."""


class Handler(ResponseHandler):
    """Remembers how an answer begins: its status counts, whatever follows."""

    heard: bytes = b""
    is_asked: bool = True
    """A request is on its way, or soon will be."""
    rested_since: float = -math.inf
    """When its last answer was read."""
    is_gone: bool = False
    """Its file is closed."""
    key: ConnectionKey

    def __init__(self, loop: asyncio.AbstractEventLoop, gone: Callable[[Handler], None]) -> None:
        super().__init__(loop)
        self._note_end = gone

    def connection_lost(self, error: BaseException | None) -> None:
        self.is_gone = True
        self._note_end(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if not self.is_asked:
            self.force_close()
            return
        if len(self.heard) < _REMEMBERED:
            self.heard += data[:_REMEMBERED]
        super().data_received(data)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Not where nothing was paused: aiohttp asks for it whenever something was read."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

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
        super().__init__(limit=0, ssl=ssl.create_default_context(), resolver=resolver)
        self._factory = cast(
            "partial[ResponseHandler]",
            partial(Handler, asyncio.get_running_loop(), self._ended),
        )
        self._most = most
        self._free = None if most == math.inf else asyncio.Semaphore(int(most))
        self._busy = 0
        self._idle: dict[Handler, None] = {}
        """Connections without a request, the one that has been so for longest first."""
        self._idle_for: defaultdict[ConnectionKey, dict[Handler, None]] = defaultdict(dict)
        """The same, by whose requests they may carry."""
        self._closing: set[Handler] = set()
        """Closed ones, whose files are open until the loop comes round."""
        self._talkative: set[ConnectionKey] = set()
        """Servers that said what nobody asked for."""
        self._looked_at = self._all_is_read_until = -math.inf
        """When the loop came round last, and the time before."""
        self._next_look: TimerHandle | None = None

    async def take(self, destination: Destination, attempt: Attempt) -> Handler:
        """
        Return a connection for an attempt, and count it as busy until it is given back.

        Raises NotSent where the request is wanted no more.
        """
        if self._free is not None:
            await self._free.acquire()
        self._busy += 1
        if self._next_look is None:
            self._look()  # also closes what is too old by now
        try:
            handler = self._silent_one(destination)
            if handler is None:
                handler = await self._new_one(destination)
        except BaseException:
            self._note_end_of_use()
            raise
        attempt.handler = handler
        if handler.key in self._talkative:
            handler.force_close()
        handler.heard, handler.is_asked = b"", True
        if not attempt.still_wanted():
            self.give_back(handler)
            raise NotSent
        return handler

    def give_back(self, handler: Handler) -> None:
        """Let another request have a connection, if all was read that came on it."""
        if handler.should_close:
            self.throw_away(handler)
            return
        self._note_end_of_use()
        handler.rested_since, handler.is_asked = time.monotonic(), False
        self._idle[handler] = self._idle_for[handler.key][handler] = None

    def throw_away(self, handler: Handler) -> None:
        """Close a connection, also in the middle of an answer."""
        self._note_end_of_use()
        self._end(handler)

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
        self._most = 0
        await self._make_room()
        await super().__aexit__(kind, error, traceback)

    async def _new_one(self, destination: Destination) -> Handler:
        await self._make_room()
        made = await self._create_connection(destination.request, [], _NO_TIMEOUT)
        handler = cast("Handler", made)
        handler.key = destination.key
        handler.set_response_params(read_until_eof=True)
        return handler

    def _silent_one(self, destination: Destination) -> Handler | None:
        """A connection that has rested and kept silent; None: a new one is to be made."""
        idle, now = self._idle_for[destination.key], time.monotonic()
        while idle and self._has_rested(handler := next(iter(idle)), now):
            self._forget_idle(handler)
            if self._has_kept_silent(handler, now):
                if destination.request.proxy:
                    self._update_proxy_auth_header_and_build_proxy_req(destination.request)
                return handler
            if handler.should_close and handler.is_connected():
                self._talkative.add(handler.key)
            self._end(handler)
        return None

    def _has_rested(self, handler: Handler, now: float) -> bool:
        """Long enough, or as long as can be afforded: where many are open, each costs more."""
        is_short = len(self._idle) + self._busy >= self._most
        are_many = len(self._idle_for[handler.key]) > MOST_RESTING
        return is_short or are_many or now - handler.rested_since >= REST

    def _has_kept_silent(self, handler: Handler, now: float) -> bool:
        """
        Whether nothing came behind its last answer.

        The loop knows, where it came round behind the rest and a moment ago; else the system does.
        """
        if handler.should_close:
            return False
        is_known = handler.rested_since < self._all_is_read_until >= now - _FRESH
        return is_known or not handler.has_unread_bytes

    def _look(self) -> None:
        """Note that the loop came round: all has been read that came before it did so last."""
        self._all_is_read_until, self._looked_at = self._looked_at, time.monotonic()
        while self._idle and self._is_too_old(next(iter(self._idle))):
            self._hang_up()
        loop = asyncio.get_running_loop()
        self._next_look = loop.call_later(_BETWEEN_LOOKS, self._look) if self._busy else None

    def _is_too_old(self, handler: Handler) -> bool:
        return self._looked_at - handler.rested_since > KEPT_IDLE

    async def _make_room(self) -> None:
        """Close what has been idle for longest, until another connection may be made."""
        while (living := len(self._idle) + self._busy) + len(self._closing) > self._most:
            if self._idle and living > self._most:
                self._hang_up()
            elif not self._closing:
                return
            await asyncio.sleep(0)

    def _hang_up(self) -> None:
        """End the connection that has been idle for longest."""
        handler = next(iter(self._idle))
        self._forget_idle(handler)
        handler.abort()
        self._note_closing(handler)

    def _note_end_of_use(self) -> None:
        self._busy -= 1
        if self._free is not None:
            self._free.release()

    def _end(self, handler: Handler) -> None:
        handler.close()
        self._note_closing(handler)

    def _note_closing(self, handler: Handler) -> None:
        if not handler.is_gone:
            self._closing.add(handler)

    def _forget_idle(self, handler: Handler) -> None:
        del self._idle[handler], self._idle_for[handler.key][handler]

    def _ended(self, handler: Handler) -> None:
        self._closing.discard(handler)
        if handler in self._idle:
            self._forget_idle(handler)


_NO_TIMEOUT = aiohttp.ClientTimeout()
"""An attempt has one of its own, which holds from the first step to the last."""
