"""
What a shell offers at the cursor: clients, tags, servers, runs, and topics of the manual.

Quick and silent: files are read as they stand, no secret is looked up, nothing is written, and
what cannot be read offers nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stderr, suppress
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

import typer
from typer.completion import completion_init  # type: ignore[attr-defined]

from scopeprobe.cli.environment import COMPLETION

_HARMLESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+=,-]*")
"""Words that no shell takes apart or acts on: others are not offered."""

Offer: TypeAlias = Callable[[typer.Context, str], list[str]]


def answer(app: Callable[..., object]) -> int:
    """
    Print what the shell is to offer, and return the exit code that it wants.

    Whatever goes wrong, it is to offer nothing.
    """
    completion_init()
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        try:
            app(args=[], prog_name="scopeprobe", complete_var=COMPLETION)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 0
        except Exception:  # noqa: BLE001 - nobody asked for a message
            return 0
    return 0


def _offering(find: Callable[[typer.Context], Iterable[str]]) -> Offer:
    def offer(ctx: typer.Context, incomplete: str) -> list[str]:
        with suppress(Exception):
            words = [word for word in dict.fromkeys(find(ctx)) if word.startswith(incomplete)]
            return list(filter(_HARMLESS.fullmatch, words))
        return []

    return offer


# -- what clients files say


def _clients(ctx: typer.Context) -> Iterator[str]:
    for document in _documents(ctx):
        yield from _texts(client.get("name") for client in _tables(document.get("clients")))


def _tags(ctx: typer.Context) -> Iterator[str]:
    for document in _documents(ctx):
        clients = [*_tables(document.get("clients"))]
        targets = [target for client in clients for target in _tables(client.get("targets"))]
        servers = _servers_of(document).values()
        for table in _tables([document.get("defaults"), *servers, *clients, *targets]):
            yield from _texts(table.get("tags"))


def _names(ctx: typer.Context) -> Iterator[str]:
    """Clients and servers."""
    yield from _clients(ctx)
    for document in _documents(ctx):
        yield from _servers_of(document)


def _files_here(_ctx: typer.Context) -> Iterator[str]:
    """Those of this folder that may be clients files: a shell offers none beside other words."""
    from scopeprobe.inputs.parsers import PARSERS  # noqa: PLC0415 - few runs need it

    yield from sorted(path.name for path in Path().iterdir() if path.suffix in PARSERS)


def _documents(ctx: typer.Context) -> Iterator[Mapping[str, Any]]:
    """The clients files before the cursor, or that of this folder: those that are whole."""
    from scopeprobe.cli.inputs import CLIENTS  # noqa: PLC0415 - few runs need it
    from scopeprobe.inputs.parsers import PARSERS  # noqa: PLC0415 - likewise

    given = [Path(word) for word in ctx.params.get("clients") or ()]
    for file in [path for path in given if path.is_file()] or [CLIENTS]:
        with suppress(Exception):
            data = PARSERS[file.suffix](file.read_text("utf-8-sig")).data
            if isinstance(data, dict):
                yield data


def _tables(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def _texts(values: object) -> Iterator[str]:
    if isinstance(values, Iterable) and not isinstance(values, str):
        yield from (one for one in values if isinstance(one, str))


def _servers_of(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    servers = document.get("servers")
    return servers if isinstance(servers, dict) else {}


# -- what an output folder holds


def _runs(ctx: typer.Context) -> Iterator[str]:
    from scopeprobe.store import BY_AGE, StoredRuns  # noqa: PLC0415 - few runs need it

    with StoredRuns.read_if_any(Path(ctx.params["out"])) as store:
        if store is not None:
            yield from BY_AGE
            yield from (run.id for run in store.runs())


def _stored_clients(ctx: typer.Context) -> Iterator[str]:
    from scopeprobe.store import StoredRuns  # noqa: PLC0415 - few runs need it

    with StoredRuns.read_if_any(Path(ctx.params["out"])) as store:
        yield from () if store is None else store.clients()


# -- what the package holds


def _topics(_ctx: typer.Context) -> Iterator[str]:
    pages = resources.files("scopeprobe").joinpath("docs").iterdir()
    names = sorted(page.name for page in pages if page.name.endswith(".md"))
    yield from (name.removesuffix(".md") for name in names if name != "README.md")


clients, tags, runs = map(_offering, (_clients, _tags, _runs))
stored_clients, topics = map(_offering, (_stored_clients, _topics))
clients_or_files = _offering(lambda ctx: (*_clients(ctx), *_files_here(ctx)))
names_or_files = _offering(lambda ctx: (*_names(ctx), *_files_here(ctx)))
