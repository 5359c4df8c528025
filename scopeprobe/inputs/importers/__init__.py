"""
Importers: what identity products export of their applications, read as the clients of a file.

A product is a line of `Product` and a module here of the same name, whose `read` gives the server,
as far as the export tells it, and the applications. No secret is taken over, not even where an
export holds one: each client gets a reference that is to be filled in.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from scopeprobe.errors import InputError
from scopeprobe.inputs.importers.clients_text import (
    Application,
    Export,
    Read,
    clients_text,
    skipped,
)
from scopeprobe.inputs.importers.merge import Merged, merged
from scopeprobe.inputs.parsers import read_document
from scopeprobe.inputs.sources import StandardInput

__all__ = ["Export", "Merged", "Product", "clients_text", "merged", "read_export"]

Reader: TypeAlias = Callable[[object], Read]


class Product(StrEnum):
    OKTA = "okta"
    ENTRA = "entra"
    KEYCLOAK = "keycloak"
    GENESYS = "genesys"


def read_export(product: Product, path: Path, **given: str) -> Export:
    """
    Read what a product exported.

    :param given: settings of the server, `issuer` or `region`, instead of what the export tells.
    :raises InputError: it is no such export, or the product's servers have no such setting.
    """
    read: Reader = import_module(f"{__name__}.{product.value}").read
    data = read_document(path, StandardInput(None)).data
    try:
        told, applications, is_whole = read(data)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise InputError([f"{path}: is no export of applications by {product}"]) from None
    if strangers := sorted(given.keys() - told.keys()):
        raise InputError([f"--{strangers[0]}: {product} has none, but {' and '.join(told)}"])
    server = {key: value if value.isprintable() else "" for key, value in told.items()}
    usable = tuple(map(_usable, applications))
    return Export(product.value, {**server, **given}, usable, is_whole)


def _usable(application: Application) -> Application:
    """Leave out what no clients file may hold: it is sent, and shown."""
    texts = application.client_id, application.secret_expires, *application.scopes
    if all(text.isprintable() for text in texts):
        return application
    return skipped(application.title, "has characters in its client_id that cannot be printed")
