"""The lab on the loopback interface: several authorization servers behind one port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from scopeprobe.errors import LabError
from scopeprobe.lab.requests import Message
from scopeprobe.lab.server import AuthorizationServer

LOOPBACK = "127.0.0.1"


class Lab:
    """
    Authorization servers that share a process. The only class here that knows aiohttp.

    The token endpoint of a server is `{base_url}/{name}/token`.
    """

    def __init__(self, servers: Iterable[AuthorizationServer]) -> None:
        self.servers = {server.name: server for server in servers}

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Listen on the loopback interface, and give the base URL; port 0 is any free one."""
        application = web.Application()
        application.router.add_post("/{server}/token", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            yield await listen(runner, port)
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        server = self.servers.get(request.match_info["server"])
        if server is None:
            raise web.HTTPNotFound
        message = Message(
            content_type=request.content_type,
            authorization=request.headers.get("Authorization"),
            body=await request.read(),
        )
        answer = server.answer(message, issuer=f"{request.url.origin()}/{server.name}")
        return web.Response(
            status=answer.status,
            body=msgspec.json.encode(answer.members),
            headers=answer.headers,
            content_type="application/json",
        )


async def listen(runner: web.AppRunner, port: int) -> str:
    """Open the port and give the base URL of what listens there."""
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
    except OSError as exc:
        raise LabError(f"cannot listen on {LOOPBACK}:{port}: {exc.strerror}") from exc
    host, bound_port, *_ = runner.addresses[0]
    return f"http://{host}:{bound_port}"
