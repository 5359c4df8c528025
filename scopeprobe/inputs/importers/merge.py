"""
An export merged into a clients file that people wrote.

What stands there stays, byte for byte: new clients are appended, and of the others it is only told
what the export says about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

import tomlkit

from scopeprobe.errors import InputError
from scopeprobe.inputs.importers.clients_text import (
    Application,
    Export,
    Server,
    Taken,
    clients_text,
    new_entries,
)
from scopeprobe.inputs.parsers import ParseError, parse_toml

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


def merged(name: str, text: str, export: Export, server: str = "") -> Merged:
    """
    Add the applications that a clients file does not have, and say which of its clients are gone.

    :param name: of the file, for messages.
    :param text: TOML; empty where there is no file yet.
    :param server: of the file, whose applications these are; unless given, it is the one that has
        the settings that the export tells, or a new one.
    :raises InputError: the text is no clients file, or which server is meant does not show.
    """
    file = _read(name, text)
    usable = {one.client_id: one for one in export.applications if not one.skipped}
    server = server or file.server_of_export(export, usable)
    issuer = {**export.server, **file.servers.get(server, {})}.get("issuer", "")
    there = [client for client in file.clients if file.is_of(server, issuer, client)]
    new = usable.keys() - {client.get("client_id") for client in there}
    entries = new_entries(
        [one for client_id, one in usable.items() if client_id in new],
        server,
        None if server in file.named_servers() else export.server,
        file.taken(),
    )
    added = _names(entries["clients"])
    if not text:
        text = clients_text(export, server)
    elif added:
        text = file.followed_by(tomlkit.dumps(entries), added)
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

    name: str
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
        raise InputError([f"{self.name}: whose applications these are does not show: {advice}"])

    def is_of(self, server: str, issuer: str, client: Table) -> bool:
        """The client is of that server, or says itself that its tokens come from there."""
        if name := self.server_of(client):
            return name == server
        places = (client.get("issuer", ""), client.get("token_endpoint", ""))
        return bool(issuer) and any(str(place).startswith(issuer) for place in places)

    def taken(self) -> Taken:
        names = {str(client["name"]).lower() for client in self.clients}
        return Taken(names, set(_variables([self.defaults, self.servers, self.clients])))

    def followed_by(self, entries: str, added: Sequence[str]) -> str:
        """The text with new tables behind it, in its own manner of ending lines."""
        ending = "\r\n" if "\r\n" in self.text else "\n"
        gap = ending if self.text.endswith("\n") else ending * 2
        text = self.text + gap + entries.replace("\n", ending)
        try:
            whole = _read(self.name, text)
        except InputError:
            whole = self
        if _names(whole.clients) != (*_names(self.clients), *added):
            advice = "write [[clients]] and [servers.NAME]"
            wrong = "`clients = […]` and `servers = {…}` cannot be added to"
            raise InputError([f"{self.name}: {wrong}: {advice}"])
        return text


def _read(name: str, text: str) -> _File:
    try:
        data = parse_toml(text).data
    except ParseError as error:
        raise InputError([f"{name}{error.position}: {error.words}"]) from None
    sections = data if isinstance(data, dict) else {}
    file = _File(
        name,
        text,
        sections.get("defaults", {}),
        sections.get("servers", {}),
        sections.get("clients", []),
    )
    if not file.has_tables():
        raise InputError([f"{name}: is no clients file: `scopeprobe validate {name}` says why"])
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
