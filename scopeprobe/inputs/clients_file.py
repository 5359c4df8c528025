"""One clients file: each table is checked by itself, so that all faults are found at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scopeprobe.inputs.parsers import Document
from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.schema import (
    NESTED,
    ClientEntry,
    DefaultsEntry,
    Entry,
    FileEntry,
    ServerEntry,
)

E = TypeVar("E", bound=Entry)

SECTIONS = tuple(FileEntry.model_fields)
DECISIVE = frozenset(
    {
        "name",
        "server",
        "client_id",
        "client_secret",
        "issuer",
        "token_endpoint",
        "token_endpoint_auth_method",
        "grant_type",
        "private_key",
        "assertion",
        "tls_client_certificate",
    }
)
"""Keys that later checks need: without them these would repeat what was said already."""


_IN_THE_PLACE_OF_SCOPES = "scope"
"""Where some are wrong: nobody is to complain that there are none."""


@dataclass(frozen=True, slots=True)
class ClientsFile:
    """The entries of one file; None stands for one that cannot be checked further."""

    place: Place
    is_exposed: bool
    defaults: DefaultsEntry | None
    servers: Mapping[str, ServerEntry | None]
    clients: tuple[ClientEntry | None, ...]
    places: tuple[Place, ...]
    """The place of each client."""
    name: str = ""
    """As it was named; empty where it is no file."""


def read_clients_file(document: Document, problems: Problems) -> ClientsFile:
    """Check the tables of a document, and add an error for all that is wrong."""
    return _Checker(document, problems).read()


@dataclass(frozen=True, slots=True)
class _Checker:
    document: Document
    problems: Problems

    def read(self) -> ClientsFile:
        place, data = self.document.place, self.document.data
        sections = self.table({} if data is None else data, place)
        for key in [key for key in sections if key not in SECTIONS]:
            self.problems.error(place.at(key), unknown_key(key, SECTIONS))
        servers = self.table(sections.get("servers", {}), place.at("servers"))
        clients = self.items(sections.get("clients", []), place.at("clients"))
        places = tuple(place.at("clients", index) for index in range(len(clients)))
        return ClientsFile(
            place=place,
            is_exposed=self.document.is_exposed,
            defaults=self.entry(DefaultsEntry, sections.get("defaults", {}), place.at("defaults")),
            servers={
                name: self.entry(ServerEntry, server, place.at("servers", name))
                for name, server in servers.items()
            },
            clients=tuple(
                self.entry(ClientEntry, client, place)
                for client, place in zip(clients, places, strict=True)
            ),
            places=places,
            name=self.document.file,
        )

    def entry(self, model: type[E], data: object, place: Place) -> E | None:
        """Check a table; where only lesser keys are wrong, keep the rest for further checks."""
        try:
            return model.model_validate(data, context=self.document.folder)
        except ValidationError as error:
            add_errors(error, model, place, self.problems)
            faulty = {fault["loc"][0] for fault in error.errors() if fault["loc"]}
        if not isinstance(data, dict) or not faulty or faulty & DECISIVE:
            return None
        sound = {key: value for key, value in data.items() if key not in faulty}
        if "scopes" in faulty:
            sound["scopes"] = [_IN_THE_PLACE_OF_SCOPES]
        return model.model_validate(sound, context=self.document.folder)

    def table(self, data: object, place: Place) -> dict[str, object]:
        if isinstance(data, dict) and all(isinstance(key, str) for key in data):
            return data
        self.problems.error(place, "must be a table with text for keys")
        return {}

    def items(self, data: object, place: Place) -> Collection[object]:
        if isinstance(data, list):
            return data
        self.problems.error(place, "must be a list of clients: write [[clients]] in TOML")
        return ()


# -- pydantic's errors in the user's words, which never quote a value

WORDS = {
    "bool_type": "must be true or false",
    "dict_type": "must be a table of names and values",
    "enum": "must be {expected}",
    "float_type": "must be a number",
    "greater_than_equal": "must be at least {ge}",
    "int_type": "must be a whole number",
    "invalid_key": "must have text for a key",
    "less_than": "must be less than {lt}",
    "literal_error": "must be {expected}",
    "missing": "is missing: add it",
    "model_type": "must be a table",
    "string_type": "must be text: put it in quotes",
    "too_short": "is empty: it needs at least one",
    "tuple_type": "must be a list",
    "value_error": "{error}",
}


def add_errors(
    error: ValidationError, model: type[BaseModel], place: Place, problems: Problems
) -> None:
    for detail in error.errors(include_url=False, include_input=False):
        steps = [step for step in detail["loc"] if step != "[key]"]
        problems.error(place.at(*steps), _in_words(detail, model))


def _in_words(detail: ErrorDetails, model: type[BaseModel]) -> str:
    if detail["type"] == "extra_forbidden":
        *way, key = map(str, detail["loc"])
        table = next((NESTED[step] for step in reversed(way) if step in NESTED), model)
        return unknown_key(key, table.model_fields)
    # Never pydantic's own message: some of them quote the value.
    return WORDS.get(detail["type"], "is not valid").format(**detail.get("ctx", {}))


def unknown_key(key: str, known: Collection[str]) -> str:
    """Say that a key is unknown, and which one was probably meant."""
    near = (
        get_close_matches(key, known, n=1, cutoff=0.7)
        or [name for name in known if name.endswith(f"_{key}")]
        or [name for name in known if f"_{key}_" in f"_{name}_"]
    )
    return f"unknown key; did you mean `{near[0]}`?" if len(near) == 1 else "unknown key"
