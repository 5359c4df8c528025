"""
An export merged into a clients file that people wrote.

What stands there stays, byte for byte: new clients are appended, and of the others it is only told
what the export says about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeAlias

from scopeprobe.errors import InputError
from scopeprobe.inputs.importers.clients_text import (
    Application,
    Entry,
    Export,
    Server,
    Taken,
    head_of,
    new_clients,
    toml_text,
)
from scopeprobe.inputs.importers.yaml_text import InBrackets, yaml_with
from scopeprobe.inputs.parsers import PARSERS, ParseError

Table: TypeAlias = Mapping[str, Any]
_PLACEHOLDER = re.compile("YOUR-[A-Z]+")
"""Of what an export does not tell."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A clients file with the applications of an export, and what there is to say about it."""

    text: str
    clients: tuple[str, ...]
    """The names of all that are in the file now."""
    added: tuple[str, ...]
    gone: Mapping[str, str]
    """Clients that are there and cannot be audited by the export any more, and why not."""
    differing: Mapping[str, str]
    """Clients of which the export says something else, and what."""


def merged(path: Path, text: str, export: Export, server: str = "") -> Merged:
    """
    Add the applications that a clients file does not have, and say which of its clients are gone.

    :param path: of the file, whose ending says what it is.
    :param text: of the file; empty where there is none yet.
    :param server: of the file, whose applications these are; unless given, it is the one that has
        the settings that the export tells, or a new one.
    :raises InputError: the text is no clients file, or which server is meant does not show.
    """
    file = _read(path, text)
    usable = {one.client_id: one for one in export.applications if not one.skipped}
    server = server or file.server_of_export(export, usable)
    issuer = {**export.server, **file.servers.get(server, {})}.get("issuer", "")
    there = [client for client in file.clients if file.is_of(server, issuer, client)]
    known = {client.get("client_id") for client in there}
    new = [one for client_id, one in usable.items() if client_id not in known]
    clients = new_clients(new, server, file.taken())
    if not text:
        text = head_of(export) + file.followed_by({server: export.server}, clients)
    elif clients:
        servers = {} if server in file.named_servers() else {server: export.server}
        text = file.followed_by(servers, clients)
    added = _names(clients)
    return Merged(
        text,
        clients=(*_names(file.clients), *added),
        added=added,
        gone=dict(_gone(there, usable, export)),
        differing=dict(_differing(there, usable)),
    )


def _gone(
    there: Sequence[Table], usable: Mapping[str, Application], export: Export
) -> Iterator[tuple[str, str]]:
    why = {one.client_id: one.skipped for one in export.applications if one.skipped}
    for client in there:
        client_id = str(client.get("client_id", ""))
        if client_id not in usable and (client_id in why or export.is_whole):
            yield client["name"], why.get(client_id, "is not in the export")


def _differing(
    there: Sequence[Table], usable: Mapping[str, Application]
) -> Iterator[tuple[str, str]]:
    for client in there:
        application = usable.get(client.get("client_id", ""))
        here = str(client.get("secret_expires", ""))
        if application and application.secret_expires not in {"", here}:
            says = f"secret_expires is {application.secret_expires} in the export"
            yield client["name"], f"{says}, {here or 'not given'} here"


@dataclass(frozen=True, slots=True)
class _File:
    """A clients file, as far as an import looks at it."""

    path: Path
    text: str
    defaults: Table
    servers: Mapping[str, Table]
    clients: Sequence[Table]

    def has_tables(self) -> bool:
        """Its sections are what those of a clients file are, and each client has its name."""
        if not (isinstance(self.servers, dict) and isinstance(self.clients, list)):
            return False
        tables = (self.defaults, *self.servers.values(), *self.clients)
        return all(isinstance(table, dict) for table in tables) and all(
            isinstance(client.get("name"), str) for client in self.clients
        )

    def server_of(self, client: Table) -> str:
        """Its name; empty where the client says itself where its tokens come from."""
        says_itself = {"token_endpoint", "issuer"} & client.keys()
        return str(client.get("server", "" if says_itself else self.defaults.get("server", "")))

    def named_servers(self) -> set[str]:
        """Those of this file, and those of other files that its clients name."""
        return {*self.servers, *map(self.server_of, self.clients)} - {""}

    def server_of_export(self, export: Export, usable: Mapping[str, Application]) -> str:
        fitting = [name for name, told in self.servers.items() if _fits(told, export.server)]
        if len(fitting) == 1:
            return fitting[0]
        is_new = all(client.get("client_id") not in usable for client in self.clients)
        if not fitting and is_new and export.product not in self.named_servers():
            return export.product
        known = ", ".join(sorted(self.named_servers())) or "it has none"
        advice = f"say --server NAME, one of its own ({known}) or a new one"
        raise InputError([f"{self.path}: whose applications these are does not show: {advice}"])

    def is_of(self, server: str, issuer: str, client: Table) -> bool:
        """The client is of that server, or says itself that its tokens come from there."""
        if name := self.server_of(client):
            return name == server
        places = (client.get("issuer", ""), client.get("token_endpoint", ""))
        return bool(issuer) and any(str(place).startswith(issuer) for place in places)

    def taken(self) -> Taken:
        names = {str(client["name"]).lower() for client in self.clients}
        return Taken(names, set(_variables([self.defaults, self.servers, self.clients])))

    def followed_by(self, servers: Mapping[str, Server], clients: Sequence[Entry]) -> str:
        """
        The text with new entries behind its own.

        Raises InputError where the file is written so that nothing can be put behind.
        """
        text = self.text
        with suppress(InBrackets):
            text = _WRITERS[self.path.suffix.lower()](text, servers, clients)
        try:
            whole = _read(self.path, text)
        except InputError:
            whole = self
        wanted = {**self.servers, **servers}, [*self.clients, *clients]
        if (whole.servers, whole.clients) != wanted:
            advice = "write one below the other, in TOML as [servers.NAME] and [[clients]]"
            wrong = "servers or clients in brackets cannot be added to"
            raise InputError([f"{self.path}: {wrong}: {advice}"])
        return text


def _toml_with(text: str, servers: Mapping[str, Server], clients: Sequence[Entry]) -> str:
    ending = "\r\n" if "\r\n" in text else "\n"
    gap = ending * (2 - text.endswith("\n")) if text else ""
    return text + gap + toml_text(servers, clients).replace("\n", ending)


_WRITERS = {".toml": _toml_with, ".yaml": yaml_with, ".yml": yaml_with}


def _read(path: Path, text: str) -> _File:
    if path.suffix.lower() not in _WRITERS:
        advice = f"import into a new one, and name both: scopeprobe audit {path} imported.toml"
        raise InputError([f"{path}: only TOML and YAML files can be added to: {advice}"])
    try:
        data = PARSERS[path.suffix.lower()](text.removeprefix("\ufeff")).data
    except ParseError as error:
        raise InputError([f"{path}{error.position}: {error.words}"]) from None
    data = data if isinstance(data, dict) else {}
    given = {key: value for key, value in data.items() if value is not None}
    file = _File(
        path, text, given.get("defaults", {}), given.get("servers", {}), given.get("clients", [])
    )
    if not file.has_tables():
        raise InputError([f"{path}: is no clients file: `scopeprobe validate {path}` says why"])
    return file


def _fits(settings: Table, told: Server) -> bool:
    """A server of a file may be the one that an export tells, as far as it tells it."""
    return all(
        fnmatchcase(str(settings.get(key, "")), _PLACEHOLDER.sub("*", value))
        for key, value in told.items()
    )


def _names(clients: Sequence[Table]) -> tuple[str, ...]:
    return tuple(str(client["name"]) for client in clients)


def _variables(data: object) -> Iterator[str]:
    """All that stands behind a key `env`."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from [str(value)] if key == "env" else _variables(value)
    elif isinstance(data, list):
        for item in data:
            yield from _variables(item)
