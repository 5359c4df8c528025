"""Exported applications, and the clients file that they become."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import tomlkit
from tomlkit.items import InlineTable

from scopeprobe.model.client import AuthMethod, Credential

GRANT: Final = "client_credentials"
Item: TypeAlias = Mapping[str, Any]
"""One application in a product's own JSON."""
Server: TypeAlias = Mapping[str, str]
"""Where tokens come from: settings of a server in a clients file."""
Entry: TypeAlias = Mapping[str, Any]
"""A client in a clients file."""


@dataclass(frozen=True, slots=True)
class Application:
    """One application, in the terms of a clients file."""

    title: str
    client_id: str
    method: AuthMethod
    scopes: tuple[str, ...] = ()
    secret_expires: str = ""
    skipped: str = ""
    """Why it cannot be audited; empty where it can."""


class Read(NamedTuple):
    """What a product's export tells."""

    server: Server
    applications: list[Application]
    is_whole: bool = True
    """It does not say that there are more."""


@dataclass(frozen=True, slots=True)
class Export:
    """The applications of an export, and where their tokens come from."""

    product: str
    server: Server
    applications: tuple[Application, ...]
    is_whole: bool
    """It is not known to lack some."""


def items_of(data: object) -> Sequence[Item]:
    """Check that this is a list of applications. Raises TypeError where it is not."""
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise TypeError
    return data


def skipped(title: str, why: str, client_id: str = "") -> Application:
    return Application(title, client_id, AuthMethod.NONE, skipped=why)


def clients_text(export: Export, server: str) -> str:
    """A clients file of the applications that can be audited; the user fills in the capitals."""
    clients = new_clients(export.applications, server, Taken())
    return head_of(export) + toml_text({server: export.server}, clients)


def head_of(export: Export) -> str:
    """What a new clients file begins with, in TOML and YAML alike."""
    return (
        f"# The applications of {export.product}. Fill in what is in\n"
        "# capitals, and set the environment variables of the secrets.\n\n"
    )


def new_clients(applications: Iterable[Application], server: str, taken: Taken) -> list[Entry]:
    """The entries of those applications that can be audited."""
    return [_client(one, server, taken) for one in applications if not one.skipped]


def toml_text(servers: Mapping[str, Server], clients: Sequence[Entry]) -> str:
    """Entries of a clients file, each table in a table of its own: they may follow any others."""
    document = tomlkit.document()
    if servers:
        document["servers"] = tables = tomlkit.table(is_super_table=True)
        for name, settings in servers.items():
            tables[name] = table = tomlkit.table()
            table.update(settings)
    document["clients"] = array = tomlkit.aot()
    for client in clients:
        table = tomlkit.table()
        for key, value in client.items():
            table[key] = _inline(value) if isinstance(value, dict) else value
        array.append(table)
    return tomlkit.dumps(document)


def _inline(reference: Entry) -> InlineTable:
    table = tomlkit.inline_table()
    table.update(reference)
    return table


@dataclass(slots=True)
class Taken:
    """Names of clients, in lower case, and variables of secrets that are used already."""

    names: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)

    def new_name(self, title: str) -> str:
        """A name that a client may have, as like the title as can be."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", title).strip("-._")[:60] or "client"
        number, name = 1, plain
        while name.lower() in self.names:
            number += 1
            name = f"{plain}-{number}"
        self.names.add(name.lower())
        return name

    def new_variable(self, name: str, what: str) -> str:
        """A variable for the secret of a client: no other client's secret may stand in it."""
        plain = re.sub(r"[^A-Z0-9]+", "_", name.upper())
        number, variable = 1, f"{plain}_{what}"
        while variable in self.variables:
            number += 1
            variable = f"{plain}_{number}_{what}"
        self.variables.add(variable)
        return variable


def _client(application: Application, server: str, taken: Taken) -> Entry:
    name = taken.new_name(application.title)
    client: dict[str, Any] = {
        "name": name,
        "server": server,
        "client_id": application.client_id,
        "token_endpoint_auth_method": application.method.value,
    }
    match application.method.credential:
        case Credential.PRIVATE_KEY:
            client["private_key"] = {"env": taken.new_variable(name, "KEY")}
        case Credential.CERTIFICATE:
            client["tls_client_certificate"] = f"{name}.pem"
            client["tls_client_key"] = f"{name}.key"
        case Credential.SECRET | None:
            client["client_secret"] = {"env": taken.new_variable(name, "SECRET")}
    if application.scopes:
        client["scopes"] = list(application.scopes)
    if application.secret_expires:
        client["secret_expires"] = application.secret_expires
    return client
