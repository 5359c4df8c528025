"""Names that hang: nobody else waits for them."""

import socket
import threading
import time

import anyio
import pytest
from harness import (
    Entry,
    Reply,
    raw_server,
    reasons,
    scopeprobe,
    token_body,
    verdicts,
    write_inputs,
)

from scopeprobe.engine.resolver import MOST_THREADS, Resolver

real_getaddrinfo = socket.getaddrinfo


@pytest.fixture
def names(monkeypatch):
    """Names of this machine; those that hang do so until `free` is set."""
    free = threading.Event()

    def getaddrinfo(host, port, *arguments, **options):
        if isinstance(host, str) and host.startswith("hangs"):
            free.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        if isinstance(host, str) and host.endswith(".example"):
            host = "127.0.0.1"
        return real_getaddrinfo(host, port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield free
    free.set()


def looked_up(*hosts):
    """How long it took until a name was found, and which it was."""

    async def look_up():
        resolver, found, is_found = Resolver(), {}, anyio.Event()

        async def find(host):
            found[host] = await resolver.addresses(host)
            is_found.set()

        began = time.monotonic()
        async with anyio.create_task_group() as tasks:
            for host in hosts:
                tasks.start_soon(find, host)
            await is_found.wait()
            seconds = time.monotonic() - began
            tasks.cancel_scope.cancel()
        await resolver.close()
        return found, seconds

    return anyio.run(look_up)


@pytest.mark.usefixtures("names")
def test_as_many_hanging_names_as_slots_hold_a_healthy_one_back_for_a_second():
    found, seconds = looked_up(*(f"hangs{n}" for n in range(40)), "healthy.example")
    assert found == {"healthy.example": ["127.0.0.1"]}
    assert seconds < 3


@pytest.mark.usefixtures("names")
def test_a_name_that_hung_before_takes_no_slot_of_others():
    async def look_up():
        resolver = Resolver()
        for _ in range(2):
            with anyio.move_on_after(1.2):
                async with anyio.create_task_group() as tasks:
                    for n in range(32):
                        tasks.start_soon(resolver.addresses, f"hangs{n}")
        began = time.monotonic()
        await resolver.addresses("healthy.example")
        await resolver.close()
        return time.monotonic() - began

    assert anyio.run(look_up) < 0.5


@pytest.mark.usefixtures("names")
def test_many_questions_for_one_name_take_one_thread():
    before = threading.active_count()

    async def look_up():
        resolver = Resolver()
        with anyio.move_on_after(0.5):
            async with anyio.create_task_group() as tasks:
                for _ in range(100):
                    tasks.start_soon(resolver.addresses, "hangs.example")
                await anyio.sleep(0.2)
                assert threading.active_count() - before <= 2
        await resolver.close()

    anyio.run(look_up)
    assert MOST_THREADS < 1024


@pytest.mark.usefixtures("names")
def test_names_that_hang_hold_no_healthy_server_back(tmp_path):
    def grants_a(asked):
        if asked.scopes in {None, "a"}:
            return Reply(body=token_body(scope=asked.scopes or ""))
        return Reply(400, b'{"error":"invalid_scope"}')

    fast = 'rate = "500/s"\nclient_rate = "500/s"\nretries = 0\ntimeout = "4s"'
    with raw_server(grants_a) as server:
        servers = {
            f"hangs{n}": f'token_endpoint = "https://hangs{n}.example/token"\n{fast}'
            for n in range(40)
        }
        url = f"http://healthy.example:{server.port}/token"
        healthy = f'token_endpoint = "{url}"\n{fast}\nallow_http = true\nrate_group = "z"'
        servers["healthy"] = healthy
        entries = [Entry(name, name) for name in servers]
        arguments, environment = write_inputs(tmp_path, servers, entries, ["a", "b"])
        began = time.monotonic()
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", "--max-time", "8s", env=environment)
        assert max(asked.at for asked in server.asked) - began < 3
    found = verdicts(tmp_path / "out")
    assert (found["healthy", "a"], found["healthy", "b"]) == ("granted", "denied")
    why = {
        reason for (client, _), reason in reasons(tmp_path / "out").items() if client != "healthy"
    }
    assert why <= {"unreachable", "deadline"}
