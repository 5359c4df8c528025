"""HTTP, for the whole program: one request out, one response back, faults as reasons."""

from __future__ import annotations

import re
import ssl
import urllib.request
from asyncio import get_running_loop
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import anyio
import anyio.to_thread
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from scopeprobe.engine.attempt import Attempt, Deadlines
from scopeprobe.engine.connection_faults import Way, fault_of, with_day_of_expiry
from scopeprobe.engine.connections import CarefulConnector, Destination, Handler, NotSent
from scopeprobe.engine.open_files import OpenFiles, open_files
from scopeprobe.engine.resolver import Resolver
from scopeprobe.errors import InputError
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Certificate, Client, ClientName
from scopeprobe.model.fault import Fault, FaultCode
from scopeprobe.model.http import HttpRequest, HttpResponse
from scopeprobe.model.server import Server

__all__ = ["HttpClient", "NotSent", "connect"]

LARGEST_ANSWER = 1024 * 1024
"""Bytes. What is longer is cut off, and malformed."""
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_ENDS_A_LINE = re.compile(r"[\r\n\0]")
_MOST_KEPT = 16_384
"""Heads of requests, one a client; all of them hold credentials, and end with the run."""
_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class _Route:
    """How a server is reached."""

    timeout: float
    ssl: ssl.SSLContext | bool
    proxy: str | None


class HttpClient:
    """
    Sends requests over the connections of a run; redirects are never followed, TLS always verified.

    It stands where aiohttp's session does, which makes anew for every request what stays the same
    for a client: here the head of a request is written once. Connections, proxies, TLS and the
    parser of answers are aiohttp's own.
    """

    def __init__(
        self,
        connector: CarefulConnector,
        resolver: Resolver,
        files: OpenFiles,
    ) -> None:
        self._connector = connector
        self._deadlines = Deadlines(get_running_loop())
        self.addresses = resolver.addresses
        self.files = files
        self._routes: dict[ClientName, _Route] = {}
        self._proxies: dict[str, str | None] = {}
        self._expired: dict[tuple[str, int], Fault] = {}
        """By host and port: on which day the certificate expired is asked once."""
        self._looks_at_certificate = anyio.Lock()
        self._trust = cache(_trust)
        """Reads certificates once a run: for the next one they may have been renewed."""
        self._destination = lru_cache(maxsize=_MOST_KEPT)(_destination)
        self._head = lru_cache(maxsize=_MOST_KEPT)(_head)

    async def admit(self, clients: Iterable[Client]) -> None:
        """Learn how the servers of clients are reached, in a thread: certificates are read."""
        await anyio.to_thread.run_sync(self._admit, list(clients))

    def _admit(self, clients: Iterable[Client]) -> None:
        for client in clients:
            if not client.server.connection.proxy:
                self._proxy_for(client.server.endpoints.token)
            self._routes[client.name] = self._route_for(client.server, client.certificate)

    def _route_for(self, server: Server, certificate: Certificate | None = None) -> _Route:
        return _Route(
            timeout=server.connection.timeout,
            ssl=self._trust(server.connection.ca_file, certificate) or True,
            proxy=server.connection.proxy,
        )

    def _proxy_for(self, url: str) -> str | None:
        """What the environment said of it when it was first asked for."""
        if url not in self._proxies:
            self._proxies[url] = _proxy_of_the_environment(url)
        return self._proxies[url]

    def _proxy_of(self, route: _Route, request: HttpRequest) -> str | None:
        return route.proxy or self._proxy_for(request.url)

    async def send(
        self, client: Client, request: HttpRequest, still_wanted: Callable[[], bool] = lambda: True
    ) -> HttpResponse | Fault:
        """
        Send one request and read the response, or say why there is none.

        Raises NotSent when `still_wanted` says no at the moment of sending.
        """
        return await self._answer(self._routes[client.name], request, still_wanted)

    async def fetch(self, server: Server, request: HttpRequest) -> HttpResponse | Fault:
        """Send a request that is no token request, to wherever it says, and at once."""
        route = await anyio.to_thread.run_sync(self._route_for, server)
        return await self._answer(route, request, lambda: True)

    async def _answer(
        self, route: _Route, request: HttpRequest, still_wanted: Callable[[], bool]
    ) -> HttpResponse | Fault:
        attempt = Attempt(self._deadlines, route.timeout, still_wanted)
        status, headers = None, _NO_HEADERS
        try:
            with attempt:
                destination = self._destination_of(route, request)
                handler = await self._connector.take(destination, attempt)
                try:
                    head = self._head(destination, request.method, request.headers)
                    _write(handler, head, request)
                    status, headers, content = await _beginning(handler)
                    body = await _whole_body(content)
                except BaseException:
                    self._connector.throw_away(handler)
                    raise
                self._connector.give_back(handler)
                return HttpResponse(status, headers, body)
        except aiohttp.ClientHttpProxyError as error:
            if error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                return HttpResponse(error.status, error.headers or {}, b"")
            failure: Exception = error
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as error:
            failure = error
        proxy = self._proxy_of(route, request)
        fault = await self._fault(failure, attempt, _way(route, request.url, proxy))
        if status is not None:
            is_late = fault.reason is Reason.TIMED_OUT
            because = Reason.TIMED_OUT if is_late else Reason.MALFORMED_ANSWER
            return HttpResponse(status, headers, b"", lost_because=because)
        if (status := attempt.status) is not None:
            return HttpResponse(status, headers, b"", lost_because=fault.reason)
        return fault

    async def _fault(self, failure: Exception, attempt: Attempt, way: Way) -> Fault:
        is_sent = attempt.handler is not None
        fault = fault_of(failure, way, is_sent=is_sent, is_answered=attempt.is_answered)
        if fault.code != FaultCode.CERTIFICATE_EXPIRED or way.proxy:
            return fault
        place = way.host, way.port
        async with self._looks_at_certificate:
            if place not in self._expired:
                self._expired[place] = await with_day_of_expiry(fault, way, self.addresses)
        return self._expired[place]

    def _destination_of(self, route: _Route, request: HttpRequest) -> Destination:
        proxy = self._proxy_of(route, request)
        agent = _user_agent(request) if proxy else ""
        return self._destination(request.url, route.ssl, proxy, agent)


def _destination(
    url: str, trust: ssl.SSLContext | bool, proxy: str | None, agent: str
) -> Destination:
    parsed = URL(url, encoded=True)
    if parsed.scheme not in {"http", "https"}:
        raise aiohttp.NonHttpUrlClientError(url)
    request = aiohttp.ClientRequest(
        "POST",
        parsed,
        loop=get_running_loop(),
        ssl=trust,
        proxy=URL(proxy) if proxy else None,
        proxy_headers=CIMultiDict({"User-Agent": agent}) if proxy else None,
    )
    return Destination(request, request.connection_key)


def _head(destination: Destination, method: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """
    The first line of a request, and its headers, which are the same for all of a client.

    A proxy that forwards is told the whole URL (RFC 9112 section 3.2.2).
    :raises ValueError: where a header would end early, and something else begin.
    """
    to = destination.request
    is_forwarded = to.proxy is not None and not to.is_ssl()
    target = str(to.url) if is_forwarded else to.url.raw_path_qs
    own = {name.lower() for name, _ in headers}
    ours = [(name, to.headers.get(name, "")) for name in ("Host", "Proxy-Authorization")]
    ours += [("Accept-Encoding", "identity")]
    told = [(name, value) for name, value in ours if value and name.lower() not in own]
    lines = [f"{method} {target} HTTP/1.1", *(": ".join(pair) for pair in (*told, *headers))]
    if any(_ENDS_A_LINE.search(line) for line in lines):
        raise ValueError
    return "".join(f"{line}\r\n" for line in lines).encode()


def _write(handler: Handler, head: bytes, request: HttpRequest) -> None:
    """Send a request. Raises ClientConnectionError where its connection is closed by now."""
    if (transport := handler.transport) is None or transport.is_closing():
        raise handler.exception() or aiohttp.ClientConnectionResetError
    length = b"" if request.method == "GET" else b"Content-Length: %d\r\n" % len(request.body)
    transport.write(b"%s%s\r\n%s" % (head, length, request.body))


async def _beginning(handler: Handler) -> tuple[int, Mapping[str, str], aiohttp.StreamReader]:
    """Status, headers and the body to be read of an answer, behind interim ones."""
    while True:
        message, content = await handler.read()
        if message.code >= HTTPStatus.OK or message.code == HTTPStatus.SWITCHING_PROTOCOLS:
            return message.code, message.headers, content


def _way(route: _Route, url: str, proxy: str | None) -> Way:
    to, over = URL(url, encoded=True), URL(proxy or "")
    place = f"{over.host}:{over.port}" if proxy else ""
    return Way(to.host or "", to.port or 0, route.timeout, place)


def _user_agent(request: HttpRequest) -> str:
    return next((value for name, value in request.headers if name.lower() == "user-agent"), "")


async def _whole_body(content: aiohttp.StreamReader) -> bytes:
    """
    Read a body to its end.

    :raises ClientPayloadError: where it is longer than any answer to a token request.
    """
    body = b""
    while not content.at_eof():
        body += await content.readany()
        if len(body) > LARGEST_ANSWER:
            raise aiohttp.ClientPayloadError
    return body


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


def _proxy_of_the_environment(url: str) -> str | None:
    """
    `HTTPS_PROXY` and `NO_PROXY`, but never for loopback.

    Not aiohttp's `trust_env`: that would read credentials out of `.netrc` as well.
    :raises InputError: where the variable holds no URL of a proxy.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return None
    if urllib.request.proxy_bypass(host):
        return None
    proxy = urllib.request.getproxies().get(parts.scheme)
    return proxy and _url_of_proxy(parts.scheme, proxy)


def _url_of_proxy(scheme: str, text: str) -> str:
    """As most programs read it: a host and port alone are a URL, too."""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        is_sound = parts.scheme in {"http", "https"} and parts.port != 0
        is_sound = is_sound and _HOST.fullmatch(parts.hostname or "") is not None
    except ValueError:
        is_sound = False
    if not is_sound:
        raise InputError(
            [f"{scheme.upper()}_PROXY: is no URL of a proxy, such as http://proxy.example:3128"]
        )
    return url


@asynccontextmanager
async def connect(clients: Iterable[Client]) -> AsyncIterator[HttpClient]:
    """Open the connections of a run. How many requests are in the air is up to the rate groups."""
    files = await anyio.to_thread.run_sync(open_files)
    resolver = Resolver(files.lookups)
    connector = CarefulConnector(resolver, files.connections)
    async with connector:
        try:
            http = HttpClient(connector, resolver, files)
            await http.admit(clients)
            yield http
        finally:
            await resolver.close()
