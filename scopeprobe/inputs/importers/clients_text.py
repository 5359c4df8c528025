"""Exported applications, and the clients file that they become."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.items import InlineTable, Table

from scopeprobe.model.client import AuthMethod, Credential

GRANT: Final = "client_credentials"
Item: TypeAlias = Mapping[str, Any]
"""One application in a product's own JSON."""
Server: TypeAlias = Mapping[str, str]
"""Where tokens come from: settings of a server in a clients file."""


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


def clients_text(export: Export, server_name: str) -> str:
    """A clients file of the applications that can be audited; the user fills in the capitals."""
    document = new_entries(export.applications, server_name, export.server)
    head = (
        f"# The applications of {export.product}. Fill in what is in\n"
        "# capitals, and set the environment variables of the secrets.\n\n"
    )
    return head + tomlkit.dumps(document)


def new_entries(
    applications: Iterable[Application],
    server_name: str,
    server: Server | None,
    taken: Taken | None = None,
) -> TOMLDocument:
    """
    The part of a clients file for new applications; those that cannot be audited are left away.

    :param server: settings of the server; None where the file has it already.
    :param taken: names and variables that the file has already.
    """
    document = tomlkit.document()
    if server is not None:
        settings = tomlkit.table()
        settings.update(server)
        servers = tomlkit.table(is_super_table=True)
        servers[server_name] = settings
        document["servers"] = servers
    clients, taken = tomlkit.aot(), taken or Taken()
    for application in applications:
        if not application.skipped:
            clients.append(_client(application, server_name, taken))
    document["clients"] = clients
    return document


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


def _client(application: Application, server: str, taken: Taken) -> Table:
    client = tomlkit.table()
    client["name"] = name = taken.new_name(application.title)
    client["server"] = server
    client["client_id"] = application.client_id
    client["token_endpoint_auth_method"] = application.method.value
    match application.method.credential:
        case Credential.PRIVATE_KEY:
            client["private_key"] = _reference(taken.new_variable(name, "KEY"))
        case Credential.CERTIFICATE:
            client["tls_client_certificate"] = f"{name}.pem"
            client["tls_client_key"] = f"{name}.key"
        case Credential.SECRET | None:
            client["client_secret"] = _reference(taken.new_variable(name, "SECRET"))
    if application.scopes:
        client["scopes"] = list(application.scopes)
    if application.secret_expires:
        client["secret_expires"] = application.secret_expires
    return client


def _reference(variable: str) -> InlineTable:
    reference = tomlkit.inline_table()
    reference["env"] = variable
    return reference
