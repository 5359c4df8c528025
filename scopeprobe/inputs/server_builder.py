"""Servers of the model, made of entries, their defaults and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scopeprobe.inputs.clients_file import ClientsFile
from scopeprobe.inputs.packs import Known, check_confirmation, known_of
from scopeprobe.inputs.precedence import Overrides, filled, lowered, nearest
from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.schema import DefaultsEntry, PartyEntry, ServerEntry
from scopeprobe.inputs.secrets import SecretSource
from scopeprobe.inputs.values import is_plain_http_abroad
from scopeprobe.model.provider import Pack
from scopeprobe.model.server import Server

_ENDPOINTS = (
    "issuer",
    "token_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "rights_url",
)
"""Where credentials and tokens are sent."""


@dataclass(frozen=True, slots=True)
class ServerDraft:
    """A server, and what its file says for all of its clients, from far to near."""

    server: Server
    layers: tuple[PartyEntry, ...]
    names_encoding: bool
    """`basic_encoding` was chosen, and not merely left as it is."""
    introspection_secret: SecretSource | None = None
    """Of the resource server that introspects, if that is not the client itself."""


@dataclass(frozen=True, slots=True)
class ServerBuilder:
    """Makes servers, and complains about those that cannot be."""

    overrides: Overrides
    packs: Sequence[Pack]
    problems: Problems

    def all_of(self, files: Iterable[ClientsFile]) -> dict[str, ServerDraft | None]:
        """Find the servers of all files by name; None stands for one that cannot be used."""
        servers_by_name: dict[str, ServerDraft | None] = {}
        places: dict[str, Place] = {}
        for file in files:
            for name, entry in file.servers.items():
                place = file.place.at("servers", name)
                if name in places:
                    self.problems.add(place, f"is defined already, in {places[name].file}")
                    continue
                places[name] = place
                servers_by_name[name] = self._named(name, entry, file.defaults, place)
        return servers_by_name

    def _named(
        self, name: str, entry: ServerEntry | None, defaults: DefaultsEntry | None, place: Place
    ) -> ServerDraft | None:
        if entry is None or defaults is None:
            return None
        return self._server_draft(
            name, _located(entry, filled(entry, defaults)), (defaults, entry), place
        )

    def unnamed(
        self, issuer: str | None, token_endpoint: str | None, defaults: DefaultsEntry, place: Place
    ) -> ServerDraft | None:
        """Make the server of a client that names its own, and name it after what that says."""
        entry = ServerEntry(issuer=issuer, token_endpoint=token_endpoint)
        whole = _located(entry, filled(entry, defaults))
        return self._server_draft(token_endpoint or issuer or "", whole, (defaults,), place)

    def _server_draft(
        self, name: str, entry: ServerEntry, layers: tuple[PartyEntry, ...], place: Place
    ) -> ServerDraft | None:
        known = known_of(entry, self.packs, place, self.problems)
        token_endpoint = entry.token_endpoint
        if token_endpoint is None and entry.issuer is None:
            token_endpoint = known.token_endpoint
            if token_endpoint is None:
                self.problems.add(
                    place.at("token_endpoint"), "is missing, and no issuer is named either"
                )
                return None
        self._refuse_plain_http(entry, place)
        traits = known.traits(entry) | _said(entry, known, self.overrides)
        check_confirmation(
            traits, is_told_later=entry.issuer is not None, place=place, problems=self.problems
        )
        given = {key: value for key, value in traits.items() if value is not None}
        server = Server(name, token_endpoint or "", **given)
        self._check_introspector(entry, place)
        return ServerDraft(
            server,
            layers,
            names_encoding="basic_encoding" in given,
            introspection_secret=entry.introspection_client_secret,
        )

    def _check_introspector(self, entry: ServerEntry, place: Place) -> None:
        pair = ("introspection_client_id", "introspection_client_secret")
        missing = [key for key in pair if getattr(entry, key) is None]
        if len(missing) == 1:
            self.problems.add(place.at(missing[0]), "is missing: one is no use alone")

    def _refuse_plain_http(self, entry: ServerEntry, place: Place) -> None:
        for key in _ENDPOINTS:
            if is_plain_http_abroad(getattr(entry, key) or "") and not entry.allow_http:
                self.problems.add(place.at(key), "must be https (or say allow_http = true)")


def _located(entry: ServerEntry, whole: ServerEntry) -> ServerEntry:
    """Keep the defaults from moving a server that says itself where it is."""
    if entry.issuer is None and entry.token_endpoint is None:
        return whole
    own = {"issuer": entry.issuer, "token_endpoint": entry.token_endpoint}
    return whole.model_copy(update=own)


def _said(entry: ServerEntry, known: Known, overrides: Overrides) -> dict[str, Any]:
    """What the entry and the command line say, each before what the pack knows."""
    pack = known.pack
    said = {
        "issuer": entry.issuer,
        "allow_http": entry.allow_http,
        "allow_private": entry.allow_private,
        "rates": lowered(entry.rate or (pack and pack.rates) or None, overrides.rate),
        "client_rates": lowered(
            entry.client_rate or (pack and pack.client_rates) or None, overrides.client_rate
        ),
        "burst": entry.burst,
        "in_flight": nearest(entry.in_flight, overrides.in_flight),
        "rate_group": entry.rate_group,
        "quiet": entry.quiet,
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
        "revokes": overrides.revokes,
        "introspection_endpoint": entry.introspection_endpoint,
        "introspection_client_id": entry.introspection_client_id,
        "revocation_endpoint": entry.revocation_endpoint,
        "reserve": entry.reserve,
        "send_scope": entry.send_scope,
        "max_scope_bytes": entry.max_scope_bytes,
    }
    return {key: value for key, value in said.items() if value is not None}
