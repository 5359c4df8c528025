"""What a lab server remembers, and what may be changed while it runs."""

from __future__ import annotations

import pytest
from lab_endpoints import (
    FOREIGN,
    INVENTED,
    OWN,
    POSTED,
    Clock,
    at,
    facts,
    issued,
    make_server,
)

from scopeprobe.errors import LabError
from scopeprobe.lab import Lab


async def test_a_secret_may_be_rotated_and_a_grant_revoked_while_the_server_runs():
    server = make_server("silent-narrowing")
    async with at(server) as endpoint:
        server.rotate("shop", "new")
        assert await endpoint.status() == 401
        server.revoke("shop", "orders.write")
        assert facts(await endpoint.ask(OWN, secret="new")) == issued(listed="orders.read")
        assert facts(await endpoint.ask("orders.write", secret="new")) == issued()
        server.grant("shop", INVENTED)
        assert facts(await endpoint.ask(INVENTED, secret="new")) == issued(listed=INVENTED)


async def test_a_server_remembers_when_who_asked_for_what_and_how_it_answered():
    clock = Clock()
    server = make_server("strict", clock=clock)
    async with at(server) as endpoint:
        await endpoint.ask()
        clock.now += 1
        await endpoint.ask(f"{FOREIGN} orders.read")
        await endpoint.ask(client_id="nobody")
        await endpoint.post(json=POSTED)
    assert [(seen.at, seen.client_id, seen.scopes, seen.status) for seen in server.received] == [
        (1000, "shop", None, 200),
        (1001, "shop", (FOREIGN, "orders.read"), 400),
        (1001, "nobody", None, 401),
        (1001, None, None, 400),
    ]


async def test_a_port_that_is_taken_is_a_lab_error():
    async with Lab([]).serve() as base_url:
        port = int(base_url.rpartition(":")[2])
        with pytest.raises(LabError, match=f"^cannot listen on 127.0.0.1:{port}"):
            async with Lab([]).serve(port):
                pass
