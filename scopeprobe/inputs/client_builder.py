"""Clients of the model, made of entries and everything around them; secrets come later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import chain

from scopeprobe.inputs.auth_methods import (
    SOURCES,
    AuthWay,
    certificate_of,
    check_way,
    sources_of,
    way_of,
)
from scopeprobe.inputs.clients_file import ClientsFile
from scopeprobe.inputs.precedence import (
    filled,
    nearest,
    responsible,
    scopes_of,
    tags_of,
    token_params_of,
)
from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.schema import (
    ClientEntry,
    DefaultsEntry,
    ExpectEntry,
    Layer,
    PartyEntry,
    TargetEntry,
)
from scopeprobe.inputs.scopes import distinct
from scopeprobe.inputs.secrets import SecretSource
from scopeprobe.inputs.server_builder import ServerBuilder, ServerDraft
from scopeprobe.model.client import Client, ClientName, Expectation, Target
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import ClientId, Server

INTROSPECTION_SECRET = "introspection_client_secret"
NO_CANDIDATES = (
    "has no candidate scopes: give --scopes FILE, or `scopes` for the client, its server "
    "or its targets"
)


class CandidatesFrom(Enum):
    """Where every target's candidates are to be found, so that a target may name none."""

    INPUTS = auto()
    METADATA = auto()
    """Also the `scopes_supported` of its server, read later."""
    NOWHERE = auto()
    """Nothing is asked: candidates are not wanted."""


@dataclass(frozen=True, slots=True)
class ClientDraft:
    """A client whose secret is still to be looked up."""

    place: Place
    file: ClientsFile
    sources: Mapping[str, SecretSource]
    """Where its credentials are, by the keys that name them."""
    client: Client | None = None
    """None where something else than the secret was complained about."""
    kid: str = ""
    names_encoding: bool = False
    """Its server's `basic_encoding` was chosen, and not merely left as it is."""
    is_skipped: bool = False
    """`probe = false`: it is left alone."""


@dataclass(frozen=True, slots=True)
class ClientBuilder:
    """Makes clients, and complains about those that cannot be."""

    servers_by_name: Mapping[str, ServerDraft | None]
    servers: ServerBuilder
    scopes: tuple[Scope, ...]
    """Candidates of every target, from scopes files and the command line."""
    problems: Problems
    candidates_from: CandidatesFrom = CandidatesFrom.INPUTS

    def of_all(self, files: Iterable[ClientsFile]) -> list[ClientDraft]:
        places: dict[str, Place] = {}
        drafts = []
        for file in files:
            for place, entry in zip(file.places, file.clients, strict=True):
                if entry is not None:
                    self._refuse_namesakes(entry.name, place, places)
                    drafts.append(self._draft(entry, place, file))
        return drafts

    def _refuse_namesakes(self, name: str, place: Place, places: dict[str, Place]) -> None:
        """Compare in lower case: names become files, and not every file system tells cases."""
        first = places.setdefault(name.lower(), place)
        if first is not place:
            self.problems.error(place.at("name"), f"is the name of another client, at {first}")

    def _draft(self, entry: ClientEntry, place: Place, file: ClientsFile) -> ClientDraft:
        if file.defaults is None:
            return ClientDraft(place, file, sources_of(entry, SOURCES))
        server_draft = self._server_draft(entry, place, file.defaults)
        whole = filled(entry, file.defaults)
        way = way_of(entry, file.defaults)
        check_way(way, entry, whole, place, self.problems)
        sources = sources_of(whole, way.uses)
        if server_draft is None:
            return ClientDraft(place, file, sources)
        if server_draft.introspection_secret is not None:
            sources[INTROSPECTION_SECRET] = server_draft.introspection_secret
        layers = (file.defaults, *server_draft.layers, entry)
        self._check_issuer(server_draft.server, place)
        client = self._client(whole, way, server_draft.server, layers, place)
        return ClientDraft(
            place,
            file,
            sources,
            client,
            whole.kid or "",
            server_draft.names_encoding,
            is_skipped=whole.probe is False,
        )

    def _client(
        self,
        entry: ClientEntry,
        way: AuthWay,
        server: Server,
        layers: tuple[PartyEntry, ...],
        place: Place,
    ) -> Client:
        people = responsible(layers)
        return Client(
            name=ClientName(entry.name),
            client_id=ClientId(entry.client_id or ""),
            server=replace(server, connection=replace(server.connection, contact=people.contact)),
            secret=None,
            auth_method=way.method,
            targets=self._targets(entry, layers, place),
            tags=tags_of((*layers, *(entry.targets or ()))),
            owner=people.owner,
            authorised_by=people.authorised_by,
            secret_expires=people.secret_expires,
            signing_alg=entry.token_endpoint_auth_signing_alg or "",
            assertion_audience=entry.assertion_audience or "",
            certificate=certificate_of(entry),
            binds_tokens=bool(entry.dpop_bound_access_tokens),
            grant_type=way.grant_type,
            subject=entry.subject or "",
            names_method=entry.token_endpoint_auth_method is not None,
        )

    def _server_draft(
        self, entry: ClientEntry, place: Place, defaults: DefaultsEntry
    ) -> ServerDraft | None:
        """Find the server by its name, or make one of the client's own issuer or endpoint."""
        own = "issuer" if entry.issuer else "token_endpoint"
        if entry.server and (entry.issuer or entry.token_endpoint):
            self.problems.error(place, f"names a server and a {own}: one is enough")
            return None
        says = entry if entry.server or entry.issuer or entry.token_endpoint else defaults
        if says.server is not None:
            if says.server not in self.servers_by_name:
                self.problems.error(place.at("server"), "is not among the [servers]")
            return self.servers_by_name.get(says.server)
        if says.issuer is None and says.token_endpoint is None:
            self.problems.error(
                place.at("server"), "is missing: name one, or an issuer or token_endpoint"
            )
            return None
        return self.servers.unnamed(says.issuer, says.token_endpoint, defaults, place)

    def _check_issuer(self, server: Server, place: Place) -> None:
        if self.candidates_from is CandidatesFrom.METADATA and not server.endpoints.issuer:
            self.problems.error(
                place, f"--scopes-from-metadata: its server {server.name} names no issuer"
            )

    def _targets(
        self, client: ClientEntry, layers: tuple[Layer, ...], place: Place
    ) -> tuple[Target, ...]:
        if not client.targets:
            return (self._target(TargetEntry(), client, layers, place),)
        targets: dict[str, Target] = {}
        for index, entry in enumerate(client.targets):
            target = self._target(entry, client, layers, place.at("targets", index))
            if targets.setdefault(target.label, target) is not target:
                self.problems.error(
                    place.at("targets", index), "has the audience of another target of this client"
                )
        return tuple(targets.values())

    def _target(
        self, entry: TargetEntry, client: ClientEntry, layers: tuple[Layer, ...], place: Place
    ) -> Target:
        layers = (*layers, entry)
        candidates = distinct((*scopes_of(layers), *self.scopes))
        if not candidates and self.candidates_from is CandidatesFrom.INPUTS:
            self.problems.error(place, NO_CANDIDATES)
        parameters = token_params_of(layers)
        for name in ("audience", "resource"):
            if getattr(entry, name) is not None and name in parameters:
                self.problems.error(place.at(name), "is given by token_params already")
        return Target(
            candidates=candidates,
            audience=entry.audience or "",
            resource=entry.resource or "",
            token_params=tuple(sorted(parameters.items())),
            expect=_expectation(nearest(client.expect, entry.expect)),
        )


def _expectation(entry: ExpectEntry | None) -> Expectation:
    if entry is None:
        return Expectation()
    granted = None if entry.granted is None else tuple(chain.from_iterable(entry.granted))
    return Expectation(granted=granted, denied=tuple(chain.from_iterable(entry.denied)))
