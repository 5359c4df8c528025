import os
import signal

import pytest
from harness import raw_server
from hypothesis import HealthCheck, settings
from nights import Fleet
from settings import server_with

from scopeprobe.model.client import AuthMethod, Client, ClientName, Target
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret
from scopeprobe.model.server import ClientId

# No test trusts the authorities of this machine, and to load them takes longer than an audit.
os.environ["SSL_CERT_FILE"] = os.devnull

# How fast a machine is proves nothing, and equal runs try equal examples.
settings.register_profile(
    "equal runs",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("equal runs")

# A shell ignores Ctrl-C for what it starts in the background, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


CHOSEN_ONLY = ("browser", "shells", "torture")
"""Marks of tests that run only where `-m` chooses some."""


def pytest_collection_modifyitems(config, items):
    """Leave out what takes long or needs more than Python, unless some marks were chosen."""
    if not config.option.markexpr:
        left = [item for item in items if any(map(item.get_closest_marker, CHOSEN_ONLY))]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.fixture
def anyio_backend():
    return "asyncio"  # aiohttp runs on nothing else


@pytest.fixture
def _folder(tmp_path, monkeypatch):
    """Files are named as a user names them: relative to where the user stands."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def make_client():
    """Build a client; name only what the test is about."""

    def make(
        *scopes,
        name="billing",
        client_id="billing-id",
        secret="hunter2-secret",
        method=AuthMethod.CLIENT_SECRET_BASIC,
        audience="",
        **server,
    ):
        server = {"name": "corp", "token_endpoint": "https://login.example/token", **server}
        target = Target(tuple(map(Scope, scopes)), audience=audience)
        return Client(
            ClientName(name),
            ClientId(client_id),
            server_with(**server),
            Secret(secret) if secret else None,
            method,
            (target,),
        )

    return make


@pytest.fixture
def fleet_of_nights(tmp_path):
    fleet = Fleet(tmp_path)
    with raw_server(fleet) as wire:
        fleet.url = wire.url
        yield fleet
