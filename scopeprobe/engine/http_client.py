"""HTTP, for the whole program: one request out, one response back, faults as reasons."""

from __future__ import annotations

import math
import select
import ssl
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakSet

import aiohttp
from yarl import URL

from scopeprobe.engine.open_files import OpenFiles, open_files
from scopeprobe.engine.resolver import Resolver
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Certificate, Client, ClientName
from scopeprobe.model.http import HttpRequest, HttpResponse
from scopeprobe.model.server import Server

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.tracing import Trace

LARGEST_ANSWER = 1024 * 1024
"""Bytes. What is longer is cut off, and malformed."""


@dataclass(slots=True)
class _Attempt:
    """One request on its way."""

    still_wanted: Callable[[], bool]
    handler: ResponseHandler | None = None
    """The connection on which it was sent."""


_attempt: ContextVar[_Attempt] = ContextVar("attempt")


class NotSent(Exception):
    """The rate group was paused while the connection was being made: nothing was sent."""


class _CarefulConnector(aiohttp.TCPConnector):
    """
    Gives out connections on which all was read, as long as the request is to be sent.

    A server that answered an earlier request twice would be believed to answer the next one. And
    a TLS handshake takes a while: a throttle that is read meanwhile must hold the request back.
    """

    def __init__(self, resolver: Resolver, most: float) -> None:
        """`most` connections at once, those included that wait for another request."""
        limit = 0 if most == math.inf else int(most)
        super().__init__(limit=limit, ssl=ssl.create_default_context(), resolver=resolver)
        self._most = most
        self._busy = 0
        self._idle: dict[ResponseHandler, None] = {}
        """Connections without a request, the one that has been so for longest first."""
        self._used: WeakSet[ResponseHandler] = WeakSet()

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        while (handler := connection.protocol) in self._used and _has_unread_bytes(connection):
            connection.close()
            connection = await super().connect(req, traces, timeout)
        if handler is not None:
            self._used.add(handler)
            self._idle.pop(handler, None)
        attempt = _attempt.get()
        if not attempt.still_wanted():
            connection.release()
            raise NotSent
        attempt.handler = handler
        return connection

    @contextmanager
    def busy(self, attempt: _Attempt) -> Iterator[None]:
        """Count a request's connection as one in use, and afterwards as one that may be closed."""
        self._busy += 1
        self._close_idle()
        try:
            yield
        finally:
            self._busy -= 1
            if attempt.handler is not None and attempt.handler.is_connected():
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


@dataclass(frozen=True, slots=True)
class _Route:
    """How a server is reached."""

    timeout: aiohttp.ClientTimeout
    ssl: ssl.SSLContext | bool
    proxy: str | None


class HttpClient:
    """Sends requests over one session; redirects are never followed, TLS always verified."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        connector: _CarefulConnector,
        resolver: Resolver,
        files: OpenFiles,
        clients: Iterable[Client],
    ) -> None:
        self._session = session
        self._connector = connector
        self.addresses = resolver.addresses
        self.files = files
        self._routes: dict[ClientName, _Route] = {}
        self.admit(clients)

    def admit(self, clients: Iterable[Client]) -> None:
        """Learn how the servers of clients are reached."""
        for client in clients:
            self._routes[client.name] = _route_for(client.server, client.certificate)

    async def send(
        self, client: Client, request: HttpRequest, still_wanted: Callable[[], bool] = lambda: True
    ) -> HttpResponse | Reason:
        """
        Send one request and read the response, or say why there is none.

        Raises NotSent when `still_wanted` says no at the moment of sending.
        """
        return await self._carry(self._routes[client.name], request, _Attempt(still_wanted))

    async def fetch(self, server: Server, request: HttpRequest) -> HttpResponse | Reason:
        """Send a request that is no token request, to wherever it says, and at once."""
        return await self._carry(_route_for(server), request, _Attempt(lambda: True))

    async def _carry(
        self, route: _Route, request: HttpRequest, attempt: _Attempt
    ) -> HttpResponse | Reason:
        _attempt.set(attempt)
        with self._connector.busy(attempt):
            return await self._answer(route, request, attempt)

    async def _answer(
        self, route: _Route, request: HttpRequest, attempt: _Attempt
    ) -> HttpResponse | Reason:
        try:
            async with self._session.request(
                request.method,
                _url(request.url),
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
                ssl=route.ssl,
                proxy=route.proxy or _proxy_of_the_environment(request.url),
                timeout=route.timeout,
            ) as response:
                body = await _whole_body(response)
                told = (response.status, response.headers)
                if isinstance(body, Reason):
                    return HttpResponse(*told, b"", lost_because=body)
                return HttpResponse(*told, body)
        except TimeoutError:  # first: some of aiohttp's errors are both
            return Reason.TIMED_OUT if attempt.handler else Reason.UNREACHABLE
        except (aiohttp.ClientSSLError, ssl.SSLError):
            return Reason.TLS_FAILURE
        except (aiohttp.ClientConnectionError, aiohttp.ClientHttpProxyError, OSError):
            return Reason.UNREACHABLE
        except (aiohttp.ClientError, ValueError):
            return Reason.MALFORMED_ANSWER


async def _whole_body(response: aiohttp.ClientResponse) -> bytes | Reason:
    """The body, or why it is not whole; one is longer than any answer to a token request."""
    chunks = bytearray()
    try:
        async for chunk in response.content.iter_any():
            chunks += chunk
            if len(chunks) > LARGEST_ANSWER:
                response.close()
                return Reason.MALFORMED_ANSWER
    except TimeoutError:  # first: some of aiohttp's errors are both
        return Reason.TIMED_OUT
    except (aiohttp.ClientError, OSError, ValueError):
        return Reason.MALFORMED_ANSWER
    return bytes(chunks)


def _route_for(server: Server, certificate: Certificate | None = None) -> _Route:
    return _Route(
        timeout=aiohttp.ClientTimeout(total=server.connection.timeout),
        ssl=_trust(server.connection.ca_file, certificate) or True,
        proxy=server.connection.proxy,
    )


@cache
def _trust(ca_file: Path | None, certificate: Certificate | None) -> ssl.SSLContext | None:
    """Whom to trust and what to show in the handshake; None is what the session does anyway."""
    if ca_file is None and certificate is None:
        return None
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    if certificate is not None:
        password = certificate.password
        context.load_cert_chain(
            certificate.certificate,
            certificate.key,
            password.reveal if password is not None else None,
        )
    return context


@lru_cache(maxsize=4096)
def _url(url: str) -> URL:
    return URL(url, encoded=True)


@cache
def _proxy_of_the_environment(url: str) -> str | None:
    """
    `HTTPS_PROXY` and `NO_PROXY`, but never for loopback.

    Not aiohttp's `trust_env`: that would read credentials out of `.netrc` as well.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return None
    if urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(parts.scheme)


@asynccontextmanager
async def connect(clients: Iterable[Client]) -> AsyncIterator[HttpClient]:
    """Open the one session of a run. How many requests are in the air is up to the rate groups."""
    files = open_files()
    resolver = Resolver(files.lookups)
    connector = _CarefulConnector(resolver, files.connections)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
    ) as session:
        try:
            yield HttpClient(session, connector, resolver, files, clients)
        finally:
            await resolver.close()
