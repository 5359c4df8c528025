"""Servers of the model, made of entries, their defaults and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scopeprobe.inputs.clients_file import ClientsFile
from scopeprobe.inputs.complaints import Place, Remarks
from scopeprobe.inputs.layers import Overrides, filled, lowered, nearest
from scopeprobe.inputs.packs import Known, check_confirmation, known_of
from scopeprobe.inputs.schema import DefaultsEntry, PartyEntry, ServerEntry
from scopeprobe.inputs.values import is_plain_http_abroad
from scopeprobe.model.clients import Server
from scopeprobe.model.providers import Pack


@dataclass(frozen=True, slots=True)
class Home:
    """A server, and what its file says for all of its clients, from far to near."""

    server: Server
    layers: tuple[PartyEntry, ...]
    names_encoding: bool
    """`basic_encoding` was chosen, and not merely left as it is."""


@dataclass(frozen=True, slots=True)
class ServerBuilder:
    """Makes servers, and complains about those that cannot be."""

    overrides: Overrides
    packs: Sequence[Pack]
    remarks: Remarks

    def all_of(self, files: Iterable[ClientsFile]) -> dict[str, Home | None]:
        """Find the servers of all files by name; None stands for one that cannot be used."""
        homes: dict[str, Home | None] = {}
        places: dict[str, Place] = {}
        for file in files:
            for name, entry in file.servers.items():
                place = file.place.at("servers", name)
                if name in places:
                    self.remarks.complain(place, f"is defined already, in {places[name].file}")
                    continue
                places[name] = place
                homes[name] = self._named(name, entry, file.defaults, place)
        return homes

    def _named(
        self, name: str, entry: ServerEntry | None, defaults: DefaultsEntry | None, place: Place
    ) -> Home | None:
        if entry is None or defaults is None:
            return None
        return self._home(name, filled(entry, defaults), (defaults, entry), place)

    def unnamed(self, token_endpoint: str, defaults: DefaultsEntry, place: Place) -> Home | None:
        """Make the server of a client that names its own endpoint, and name it after that."""
        whole = filled(ServerEntry(token_endpoint=token_endpoint), defaults)
        return self._home(token_endpoint, whole, (defaults,), place)

    def _home(
        self, name: str, entry: ServerEntry, layers: tuple[PartyEntry, ...], place: Place
    ) -> Home | None:
        known = known_of(entry, self.packs, place, self.remarks)
        token_endpoint = entry.token_endpoint or known.token_endpoint
        if token_endpoint is None:
            self.remarks.complain(place.at("token_endpoint"), "is missing")
            return None
        self._refuse_plain_http(entry, place)
        traits = known.traits(entry) | _said(entry, known, self.overrides)
        check_confirmation(traits, is_told_later=False, place=place, remarks=self.remarks)
        if self.overrides.revokes and not traits["revocation_endpoint"]:
            self.remarks.notice(
                place, "has no revocation_endpoint: its tokens live until they expire"
            )
        given = {key: value for key, value in traits.items() if value is not None}
        server = Server(name, token_endpoint, **given)
        return Home(server, layers, names_encoding=entry.basic_encoding is not None)

    def _refuse_plain_http(self, entry: ServerEntry, place: Place) -> None:
        if is_plain_http_abroad(entry.token_endpoint or "") and not entry.allow_http:
            self.remarks.complain(
                place.at("token_endpoint"), "must be https (or say allow_http = true)"
            )


def _said(entry: ServerEntry, known: Known, overrides: Overrides) -> dict[str, Any]:
    """What the entry and the command line say, each before what the pack knows."""
    pack = known.pack
    said = {
        "rates": lowered(entry.rate or (pack and pack.rates) or None, overrides.rate),
        "client_rates": lowered(
            entry.client_rate or (pack and pack.client_rates) or None, overrides.client_rate
        ),
        "burst": entry.burst,
        "in_flight": nearest(entry.in_flight, overrides.in_flight),
        "rate_group": entry.rate_group,
        "timeout": nearest(entry.timeout, overrides.timeout),
        "retries": nearest(entry.retries, overrides.retries),
        "max_auth_failures": nearest(entry.max_auth_failures, overrides.max_auth_failures),
        "ca_file": entry.ca_file,
        "proxy": entry.proxy,
        "headers": tuple(sorted((entry.headers or {}).items())),
        "basic_encoding": entry.basic_encoding,
        "absent_scope_as_requested": True if entry.absent_scope else None,
        "contact": entry.contact,
        "verify": overrides.verify,
        "introspection_endpoint": entry.introspection_endpoint,
        "revocation_endpoint": entry.revocation_endpoint,
        "reserve": entry.reserve,
        "send_scope": entry.send_scope,
        "max_scope_bytes": entry.max_scope_bytes,
    }
    given = {key: value for key, value in said.items() if value is not None}
    endpoint = given.get("revocation_endpoint") or known.traits(entry).get("revocation_endpoint")
    return given | {
        "revocation_endpoint": endpoint,
        "revokes": overrides.revokes and bool(endpoint),
    }
