"""HTTP, for the whole program: one request out, one response back, faults as reasons."""

from __future__ import annotations

import re
import ssl
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import anyio
import anyio.to_thread
from yarl import URL

from scopeprobe.engine.connection_faults import Way, fault_of, with_day_of_expiry
from scopeprobe.engine.connections import Attempt, CarefulConnector, NotSent, attempt_under_way
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
        connector: CarefulConnector,
        resolver: Resolver,
        files: OpenFiles,
    ) -> None:
        self._session = session
        self._connector = connector
        self.addresses = resolver.addresses
        self.files = files
        self._routes: dict[ClientName, _Route] = {}
        self._proxies: dict[str, str | None] = {}
        self._expired: dict[tuple[str, int], Fault] = {}
        """By host and port: on which day the certificate expired is asked once."""
        self._looks_at_certificate = anyio.Lock()

    async def admit(self, clients: Iterable[Client]) -> None:
        """Learn how the servers of clients are reached, in a thread: certificates are read."""
        await anyio.to_thread.run_sync(self._admit, list(clients))

    def _admit(self, clients: Iterable[Client]) -> None:
        for client in clients:
            if not client.server.connection.proxy:
                self._proxy_for(client.server.endpoints.token)
            self._routes[client.name] = _route_for(client.server, client.certificate)

    def _proxy_for(self, url: str) -> str | None:
        """What the environment said of it when it was first asked for."""
        if url not in self._proxies:
            self._proxies[url] = _proxy_of_the_environment(url)
        return self._proxies[url]

    async def send(
        self, client: Client, request: HttpRequest, still_wanted: Callable[[], bool] = lambda: True
    ) -> HttpResponse | Fault:
        """
        Send one request and read the response, or say why there is none.

        Raises NotSent when `still_wanted` says no at the moment of sending.
        """
        return await self._carry(self._routes[client.name], request, Attempt(still_wanted))

    async def fetch(self, server: Server, request: HttpRequest) -> HttpResponse | Fault:
        """Send a request that is no token request, to wherever it says, and at once."""
        return await self._carry(_route_for(server), request, Attempt(lambda: True))

    async def _carry(
        self, route: _Route, request: HttpRequest, attempt: Attempt
    ) -> HttpResponse | Fault:
        attempt_under_way.set(attempt)
        with self._connector.busy(attempt):
            return await self._answer(route, request, attempt)

    async def _answer(
        self, route: _Route, request: HttpRequest, attempt: Attempt
    ) -> HttpResponse | Fault:
        proxy = route.proxy or self._proxy_for(request.url)
        try:
            async with self._session.request(
                request.method,
                _url(request.url),
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
                ssl=route.ssl,
                proxy=proxy,
                proxy_headers={"User-Agent": _user_agent(request)} if proxy else None,
                timeout=route.timeout,
            ) as response:
                body = await _whole_body(response)
                told = (response.status, response.headers)
                if isinstance(body, Reason):
                    return HttpResponse(*told, b"", lost_because=body)
                return HttpResponse(*told, body)
        except aiohttp.ClientHttpProxyError as error:
            if error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                return HttpResponse(error.status, error.headers or {}, b"")
            failure: Exception = error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = error
        fault = await self._fault(failure, attempt, _way(route, request.url, proxy))
        if attempt.status is None:
            return fault
        return HttpResponse(attempt.status, {}, b"", lost_because=fault.reason)

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


def _way(route: _Route, url: str, proxy: str | None) -> Way:
    to, over = _url(url), URL(proxy or "")
    place = f"{over.host}:{over.port}" if proxy else ""
    return Way(to.host or "", to.port or 0, route.timeout.total or 0.0, place)


def _user_agent(request: HttpRequest) -> str:
    return next((value for name, value in request.headers if name.lower() == "user-agent"), "")


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
    """Open the one session of a run. How many requests are in the air is up to the rate groups."""
    files = await anyio.to_thread.run_sync(open_files)
    resolver = Resolver(files.lookups)
    connector = CarefulConnector(resolver, files.connections)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
    ) as session:
        try:
            http = HttpClient(session, connector, resolver, files)
            await http.admit(clients)
            yield http
        finally:
            await resolver.close()
