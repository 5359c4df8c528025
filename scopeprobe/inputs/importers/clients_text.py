"""Exported applications, and the clients file that they become."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import tomlkit
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
    left_out: str = ""
    """Why it cannot be audited; empty where it can."""


@dataclass(frozen=True, slots=True)
class Export:
    """The applications of an export, and where their tokens come from."""

    product: str
    server: Server
    applications: tuple[Application, ...]


def items_of(data: object) -> Sequence[Item]:
    """Check that this is a list of applications. Raises TypeError where it is not."""
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise TypeError
    return data


def left_out(title: str, why: str) -> Application:
    return Application(title, "", AuthMethod.NONE, left_out=why)


def clients_text(export: Export) -> str:
    """A clients file of the applications that can be audited; the user fills in the capitals."""
    document = tomlkit.document()
    document.add(tomlkit.comment(f"The applications of {export.product}. Fill in what is in"))
    document.add(tomlkit.comment("capitals, and set the environment variables of the secrets."))
    server = tomlkit.table()
    server.update(export.server)
    servers = tomlkit.table(is_super_table=True)
    servers[export.product] = server
    document["servers"] = servers
    clients = tomlkit.aot()
    names: set[str] = set()
    for application in export.applications:
        if not application.left_out:
            name = _name(application.title, names)
            names.add(name.lower())
            clients.append(_client(application, name, export.product))
    document["clients"] = clients
    return tomlkit.dumps(document)


def _client(application: Application, name: str, server: str) -> Table:
    client = tomlkit.table()
    client["name"] = name
    client["server"] = server
    client["client_id"] = application.client_id
    client["token_endpoint_auth_method"] = application.method.value
    variable = re.sub(r"[^A-Z0-9]+", "_", name.upper())
    match application.method.credential:
        case Credential.PRIVATE_KEY:
            client["private_key"] = _reference(f"{variable}_KEY")
        case Credential.CERTIFICATE:
            client["tls_client_certificate"] = f"{name}.pem"
            client["tls_client_key"] = f"{name}.key"
        case Credential.SECRET | None:
            client["client_secret"] = _reference(f"{variable}_SECRET")
    if application.scopes:
        client["scopes"] = list(application.scopes)
    if application.secret_expires:
        client["secret_expires"] = application.secret_expires
    return client


def _reference(variable: str) -> InlineTable:
    reference = tomlkit.inline_table()
    reference["env"] = variable
    return reference


def _name(title: str, taken: set[str]) -> str:
    """A name that a client may have, unlike those `taken`, and as like the title as can be."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", title).strip("-._")[:60] or "client"
    number, name = 1, plain
    while name.lower() in taken:
        number += 1
        name = f"{plain}-{number}"
    return name
