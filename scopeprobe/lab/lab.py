"""The lab on the loopback interface: several authorization servers behind one port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from scopeprobe.errors import LabError
from scopeprobe.lab.answers import Answer
from scopeprobe.lab.genesys import RESOURCES
from scopeprobe.lab.requests import Message
from scopeprobe.lab.schema import MetadataRules
from scopeprobe.lab.server import AuthorizationServer

LOOPBACK = "127.0.0.1"

WELL_KNOWN = {
    "openid": "/{server}/.well-known/openid-configuration",
    "inserted": "/.well-known/oauth-authorization-server/{server}",
    "appended": "/{server}/.well-known/oauth-authorization-server",
}
"""Paths of the metadata: OpenID Connect's, that of RFC 8414 section 3, and a common mistake."""


class Lab:
    """
    Authorization servers that share a process. The only class here that knows aiohttp.

    The issuer of a server is `{base_url}/{name}`, its token endpoint `{base_url}/{name}/token`.
    """

    def __init__(self, servers: Iterable[AuthorizationServer]) -> None:
        self.servers = {server.name: server for server in servers}

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Listen on the loopback interface, and give the base URL; port 0 is any free one."""
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            yield await listen(runner, port)
        finally:
            await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application()
        router = application.router
        router.add_post("/{server}/token", self._answer)
        router.add_post("/{server}/introspect", self._introspect)
        router.add_post("/{server}/revoke", self._revoke)
        for place in WELL_KNOWN.values():
            router.add_get(place, self._describe)
        for resource in RESOURCES:
            router.add_route("*", f"/{{server}}/{resource}", self._tell_rights)
        return application

    def _server_of(self, request: web.Request) -> AuthorizationServer:
        server = self.servers.get(request.match_info["server"])
        if server is None:
            raise web.HTTPNotFound
        return server

    async def _answer(self, request: web.Request) -> web.Response:
        server = self._server_of(request)
        return respond(server.answer(await read(request), issuer=issuer_of(request, server)))

    async def _introspect(self, request: web.Request) -> web.Response:
        return respond(self._server_of(request).introspect(await read(request)))

    async def _revoke(self, request: web.Request) -> web.Response:
        return respond(self._server_of(request).revoke_token(await read(request)))

    async def _describe(self, request: web.Request) -> web.Response:
        server = self._server_of(request)
        if not is_served(server.profile.metadata, request):
            raise web.HTTPNotFound
        return respond(server.describe(issuer_of(request, server)))

    async def _tell_rights(self, request: web.Request) -> web.Response:
        server = self._server_of(request)
        resource = request.path.removeprefix(f"/{server.name}/")
        return respond(server.tell_rights(resource, await read(request)))


async def read(request: web.Request) -> Message:
    return Message(
        content_type=request.content_type,
        authorization=request.headers.get("Authorization"),
        body=await request.read(),
        method=request.method,
        dpop=request.headers.get("DPoP"),
    )


def respond(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.body,
        headers=answer.headers,
        content_type=answer.content_type,
    )


def issuer_of(request: web.Request, server: AuthorizationServer) -> str:
    return f"{request.url.origin()}/{server.name}"


def is_served(rules: MetadataRules, request: web.Request) -> bool:
    resource = request.match_info.route.resource
    place = None if resource is None else resource.canonical
    return place in [WELL_KNOWN[name] for name in rules.served]


async def listen(runner: web.AppRunner, port: int) -> str:
    """Open the port and give the base URL of what listens there."""
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
    except OSError as exc:
        raise LabError(f"cannot listen on {LOOPBACK}:{port}: {exc.strerror}") from exc
    host, bound_port, *_ = runner.addresses[0]
    return f"http://{host}:{bound_port}"
