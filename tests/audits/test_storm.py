"""Sixty-four servers at once, of which a third misbehave: nobody else notices."""

import socket
import threading
from collections import Counter
from dataclasses import replace

import pytest
from granting import grants
from harness import Entry, Reply, free_port, raw_server, scopeprobe, summary, verdicts, write_inputs
from locking_server import LockingServer

SCOPES = [f"s{n}" for n in range(12)]
HEALTHY = [f"healthy{n:02}" for n in range(37)]
LOCKING = ["locks-clients-0", "locks-clients-1", "locks-addresses"]
THROTTLING = [f"throttling{n}" for n in range(8)]
DEAD = [f"dead{n}" for n in range(4)]
SLOW = [f"slow{n}" for n in range(4)]
HANGING = [f"hanging{n}" for n in range(4)]
TARPITS = [f"tarpit{n}" for n in range(4)]
ALL = HEALTHY + LOCKING + THROTTLING + DEAD + SLOW + HANGING + TARPITS
RATE = 'rate = "4/s"\nclient_rate = "4/s"\ntimeout = "6s"'
CLIENTS = 4
WRONG = 40
"""Clients of a locking server whose secrets are wrong."""


class Storm:
    """One process that plays all servers; which one is asked, its address tells."""

    def __init__(self):
        self.hosts = {f"127.0.1.{n + 1}": name for n, name in enumerate(ALL)}
        self.locking = {}
        for name in LOCKING:
            clients = [*_clients(name), *(f"{name}-wrong{n}" for n in range(WRONG))]
            server = self.locking[name] = LockingServer(
                {client: set(SCOPES[:2]) for client in clients}
            )
            server.secrets |= {client: "another" for client in clients if "wrong" in client}
        self._counts = Counter()

    def __call__(self, asked):
        name = self.hosts[asked.headers["host"].partition(":")[0]]
        if name in self.locking:
            return self.locking[name](asked)
        answer = grants("s0", "s1")(asked)
        self._counts[name] += 1
        if name in THROTTLING and self._counts[name] % 7 == 0:
            return Reply(429, b"{}", {"Retry-After": "1"})
        if name in SLOW:
            return replace(answer, delay=3.0)
        return replace(answer, delay=90.0) if name in TARPITS else answer


def _clients(name):
    return [f"{name}-{n}" for n in range(CLIENTS)]


@pytest.fixture
def names_that_hang(monkeypatch):
    over, real = threading.Event(), socket.getaddrinfo

    def getaddrinfo(host, *arguments, **options):
        if str(host).startswith("hanging"):
            over.wait(120)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    over.set()


def seconds_of(folder, servers):
    """Audit these servers together; how long each of the healthy ones took."""
    folder.mkdir()
    storm, closed = Storm(), free_port()
    with raw_server(storm, host="0.0.0.0") as wire:
        urls = {name: f"http://{host}:{wire.port}/token" for host, name in storm.hosts.items()}
        urls |= {name: f"http://127.0.2.{n + 1}:{closed}/token" for n, name in enumerate(DEAD)}
        urls |= {name: f"https://{name}.example/token" for name in HANGING}
        settings = {name: f'token_endpoint = "{urls[name]}"\n{RATE}' for name in servers}
        entries = [Entry(client, name) for name in servers for client in _clients(name)]
        entries += [
            Entry(f"{name}-wrong{n}", name)
            for name in set(LOCKING).intersection(servers)
            for n in range(WRONG)
        ]
        words, environment = write_inputs(folder, settings, entries, SCOPES)
        command = ("audit", *words, "-o", folder / "out", "--max-time", "25s", "--yes")
        ended = scopeprobe(*command, env=environment)
    assert ended.returncode in {0, 3}, ended.stderr
    took = {one["name"]: one["seconds"] for one in summary(folder / "out")["servers"]}
    return {name: took[name] for name in HEALTHY}, storm


@pytest.mark.torture
@pytest.mark.usefixtures("names_that_hang")
def test_healthy_servers_take_no_longer_in_a_storm_than_alone(tmp_path):
    alone, _ = seconds_of(tmp_path / "alone", HEALTHY)
    storm, servers = seconds_of(tmp_path / "storm", ALL)
    found = verdicts(tmp_path / "storm" / "out")
    for name in HEALTHY:
        for client in _clients(name):
            judged = [found[client, scope] for scope in SCOPES]
            assert judged == ["granted"] * 2 + ["denied"] * 10
    ratios = sorted(storm[name] / alone[name] for name in HEALTHY)
    print(f"alone {max(alone.values()):.2f} s, in the storm {max(storm.values()):.2f} s at most;")
    print(f"ratios {ratios[0]:.3f} to {ratios[-1]:.3f}, half of them below {ratios[18]:.3f}")
    assert ratios[-1] < 1.05
    for server in servers.locking.values():
        assert max(server.most.values()) < 5
        failures = Counter(client for client, _ in server.asked if "wrong" in client)
        assert failures.total() < 80
