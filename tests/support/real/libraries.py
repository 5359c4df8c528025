"""Starts servers that are made with a library: scopes are the business of the application."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from fleet import CellKey, Fleet
from honesty import Honest
from processes import gunicorn
from servers import RealServer, folder_of, node

Truth = Callable[[Fleet], Mapping[CellKey, str]]


@contextmanager
def on_node(
    fleet: Fleet,
    port: int,
    *,
    script: str,
    mode: str,
    truth: Truth,
    honest: Honest,
    path: str,
) -> Iterator[RealServer]:
    """A library from npm, in the script of `node/` that is named after it."""
    with folder_of(fleet) as folder, node(f"{script}.mjs", folder, mode, port) as issuer:
        yield RealServer(
            *(script, fleet, truth(fleet), issuer, f"{issuer}{path}"), also_honest=honest(fleet)
        )


@contextmanager
def on_gunicorn(
    fleet: Fleet, port: int, *, module: str, mode: str, truth: Truth, honest: Honest
) -> Iterator[RealServer]:
    """A library from PyPI, in the module of this folder that is named after it."""
    with folder_of(fleet) as folder:
        app = f"{module}:create_app({str(folder / 'fleet.json')!r}, {mode!r})"
        with gunicorn(app, folder, os.environ, port) as used:
            issuer = f"http://127.0.0.1:{used}"
            yield RealServer(
                *(module, fleet, truth(fleet), issuer, f"{issuer}/token"),
                also_honest=honest(fleet),
            )
