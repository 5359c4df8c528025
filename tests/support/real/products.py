"""Starts whole authorization servers, which are installed when they are first asked for."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import glewlwyd
import installing
from fleet import CellKey, Fleet, own_grants
from honesty import unknown_without_token
from processes import running
from servers import RealServer, folder_of

HERE = Path(__file__).parent


@contextmanager
def authgent_server(fleet: Fleet, port: int) -> Iterator[RealServer]:
    """
    The PyPI package authgent-server.

    A client without scopes may have whatever it asks for: its tokens carry it, though no scope is
    policed there.
    """
    python = installing.from_pypi("authgent-server")
    unlimited = _cells_of_the_unlimited(fleet)
    with folder_of(fleet) as folder:
        environment = os.environ | {
            "AUTHGENT_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'authgent.sqlite3'}",
            "AUTHGENT_SECRET_KEY": "00" * 32,
            "AUTHGENT_TOKEN_RATE_LIMIT": "100000",
        }
        command = [python, HERE / "authgent_process.py", folder / "fleet.json", port]
        with running(command, folder, cwd=folder, env=environment) as server:
            issuer = f"http://127.0.0.1:{server.printed()['port']}"
            yield RealServer(
                *("authgent", fleet, {**own_grants(fleet), **dict.fromkeys(unlimited, "granted")}),
                *(issuer, f"{issuer}/token"),
                also_honest=dict.fromkeys(unlimited, frozenset({"unenforced"})),
            )


@contextmanager
def doorkeeper(fleet: Fleet, port: int, mode: Literal["plain", "defaults"]) -> Iterator[RealServer]:
    """
    Doorkeeper, Debian's, on Rails.

    A client without scopes may have every scope that the server knows.
    defaults: without scope it takes one that most clients lack; a token is given out once more
    where the same is asked.
    """
    root = installing.from_debian(
        "ruby-doorkeeper", "ruby-activerecord", "ruby-sqlite3", "ruby-webrick"
    )
    everything = {
        cell: "granted" for cell in _cells_of_the_unlimited(fleet) if cell[1] in fleet.scopes
    }
    environment = os.environ | installing.environment_of(root)
    with folder_of(fleet) as folder:
        command = [
            installing.found_in(root, "usr/bin/ruby3.1"),
            HERE / "doorkeeper.rb",
            folder / "fleet.json",
            port,
            mode,
        ]
        with running(command, folder, cwd=folder, env=environment) as server:
            issuer = f"http://127.0.0.1:{server.printed()['port']}"
            yield RealServer(
                *("doorkeeper", fleet, {**own_grants(fleet), **everything}),
                *(issuer, f"{issuer}/oauth/token"),
            )


@contextmanager
def glewlwyd_server(fleet: Fleet, port: int) -> Iterator[RealServer]:
    """
    Glewlwyd, Debian's, with its OAuth 2 plugin.

    Without scope a good client is told what a wrong secret is told: 403 and nothing. So a client
    that never gets a token is not proved to be who it says, nor that it is not.
    """
    root = installing.from_debian("glewlwyd")
    environment = os.environ | installing.environment_of(root)
    with folder_of(fleet) as folder:
        configuration = glewlwyd.write_files(root, folder, port)
        command = [installing.found_in(root, "usr/bin/glewlwyd"), "--config-file", configuration]
        with running(command, folder, env=environment) as server:
            server.wait_for(port)
            glewlwyd.register(port, json.loads(fleet.as_json()))
            issuer = f"http://127.0.0.1:{port}/api/glwd"
            yield RealServer(
                *("glewlwyd", fleet, own_grants(fleet), issuer, f"{issuer}/token"),
                also_honest=unknown_without_token(fleet),
            )


def _cells_of_the_unlimited(fleet: Fleet) -> list[CellKey]:
    return [
        (client.name, scope)
        for client in fleet.clients
        if client.is_good and not client.scopes
        for scope in fleet.candidates
    ]
