"""Clients, built from entries and what applies to them; their secrets come later."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import chain

from scopeprobe.errors import nearest
from scopeprobe.inputs.auth_methods import (
    Authentication,
    authentication_of,
    certificate_of,
    check_credentials,
    secret_sources,
)
from scopeprobe.inputs.clients_file import ClientsFile
from scopeprobe.inputs.precedence import (
    filled,
    locating,
    responsible,
    scopes_of,
    tags_of,
    token_params_of,
)
from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.request_values import kept_elsewhere, written_values
from scopeprobe.inputs.schema import (
    SECRET_KEYS,
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

NO_CANDIDATES = (
    "has no candidate scopes: give --scopes FILE, or `scopes` for the client, its server "
    "or its targets"
)
_MOST_NAMED = 10


def token_params_key(target: int) -> str:
    """What the sources of a target's parameters are called."""
    return f"targets[{target}].token_params"


class CandidatesFrom(Enum):
    """Where the candidates of a target must come from."""

    INPUTS = auto()
    METADATA = auto()
    """Inputs, or the `scopes_supported` of its server, which is read later."""
    NOWHERE = auto()
    """None are needed."""


@dataclass(frozen=True, slots=True)
class ClientDraft:
    """A client whose secrets are still to be looked up: it says where they are kept."""

    place: Place
    file: Place
    sources: Mapping[str, SecretSource]
    """Where its secrets come from, by the keys of its entry."""
    client: Client | None = None
    """None where the entry has other faults than a secret that is missing."""
    kid: str = ""
    names_encoding: bool = False
    """Its server's `basic_encoding` was chosen, and not merely left at its default."""
    is_exposed: bool = False
    """Group or others can read its file."""
    is_skipped: bool = False
    """`probe = false`: nothing is asked for it."""


@dataclass(frozen=True, slots=True)
class ClientBuilder:
    """Builds clients, and says what is wrong with those that cannot be built."""

    servers: Mapping[str, ServerDraft | None]
    """By name; None stands for one that cannot be used."""
    server_builder: ServerBuilder
    scopes: tuple[Scope, ...]
    """Candidates of every target, from scopes files and the command line."""
    problems: Problems
    candidates_from: CandidatesFrom = CandidatesFrom.INPUTS

    def build_all(self, files: Iterable[ClientsFile]) -> list[ClientDraft]:
        places: dict[str, Place] = {}
        drafts = []
        for file in files:
            for place, entry in zip(file.places, file.clients, strict=True):
                if entry is not None:
                    self._refuse_namesakes(entry.name, place, places)
                    drafts.append(self._draft(entry, place, file))
        return drafts

    def _refuse_namesakes(self, name: str, place: Place, places: dict[str, Place]) -> None:
        """Compare in lower case: names become files, and some file systems ignore case."""
        first = places.setdefault(name.lower(), place)
        if first is not place:
            self.problems.error(
                place.at("name"), f"is the name of another client, in {first}: choose another"
            )

    def _draft(self, entry: ClientEntry, place: Place, file: ClientsFile) -> ClientDraft:
        if file.defaults is None:
            sources = secret_sources(entry, SECRET_KEYS)
            return ClientDraft(place, file.place, sources, is_exposed=file.is_exposed)
        server_draft = self._server_of(entry, place, file, file.defaults)
        whole = filled(entry, file.defaults)
        authentication = authentication_of(entry, file.defaults)
        check_credentials(authentication, entry, whole, place, self.problems)
        sources = secret_sources(whole, authentication.keys)
        if server_draft is None:
            return ClientDraft(place, file.place, sources, is_exposed=file.is_exposed)
        layers = (file.defaults, *server_draft.layers, entry)
        sources |= server_draft.secrets
        for index, target in enumerate(entry.targets or (TargetEntry(),)):
            sources |= kept_elsewhere(token_params_of((*layers, target)), token_params_key(index))
        self._check_issuer(server_draft.server, place)
        says = place if entry.expect is not None else file.place.at("defaults")
        expect = expectation_of(whole.expect or ExpectEntry(), says.at("expect"))
        targets = self._targets(whole, layers, place, expect)
        client = self._client(whole, authentication, server_draft.server, layers, targets)
        return ClientDraft(
            place,
            file.place,
            sources,
            replace(client, file=file.name, line=place.line or 0),
            whole.kid or "",
            server_draft.names_encoding,
            is_exposed=file.is_exposed,
            is_skipped=whole.probe is False,
        )

    def _client(
        self,
        entry: ClientEntry,
        authentication: Authentication,
        server: Server,
        layers: tuple[PartyEntry, ...],
        targets: tuple[Target, ...],
    ) -> Client:
        people = responsible(layers)
        return Client(
            name=ClientName(entry.name),
            client_id=ClientId(entry.client_id or ""),
            server=replace(server, connection=replace(server.connection, contact=people.contact)),
            secret=None,
            auth_method=authentication.method,
            targets=targets,
            tags=tags_of((*layers, *(entry.targets or ()))),
            owner=people.owner,
            authorised_by=people.authorised_by,
            secret_expires=people.secret_expires,
            signing_alg=entry.token_endpoint_auth_signing_alg or "",
            assertion_audience=entry.assertion_audience or "",
            certificate=certificate_of(entry),
            binds_tokens=bool(entry.dpop_bound_access_tokens),
            grant_type=authentication.grant_type,
            subject=entry.subject or "",
            names_method=entry.token_endpoint_auth_method is not None,
        )

    def _server_of(
        self, entry: ClientEntry, place: Place, file: ClientsFile, defaults: DefaultsEntry
    ) -> ServerDraft | None:
        """Find the server by its name, or build one from the client's own issuer or endpoint."""
        own = "issuer" if entry.issuer else "token_endpoint"
        if entry.server and (entry.issuer or entry.token_endpoint):
            self.problems.error(place, f"names a server and a {own}: one is enough")
            return None
        says = locating(entry, defaults)
        if says.server is not None:
            if says.server not in self.servers:
                where = place if says is entry else file.place.at("defaults")
                self.problems.error(where.at("server"), _no_such_server(says.server, self.servers))
            return self.servers.get(says.server)
        if says.issuer is None and says.token_endpoint is None:
            self.problems.error(
                place.at("server"), "is missing: name one, or an issuer or token_endpoint"
            )
            return None
        return self.server_builder.build_unnamed(says.issuer, says.token_endpoint, defaults, place)

    def _check_issuer(self, server: Server, place: Place) -> None:
        if self.candidates_from is CandidatesFrom.METADATA and not server.endpoints.issuer:
            self.problems.error(
                place, f"--scopes-from-metadata: its server {server.name} names no issuer"
            )

    def _targets(
        self, client: ClientEntry, layers: tuple[Layer, ...], place: Place, expect: Expectation
    ) -> tuple[Target, ...]:
        if not client.targets:
            return (self._target(TargetEntry(), layers, place, expect),)
        targets: dict[str, Target] = {}
        for index, entry in enumerate(client.targets):
            target = self._target(entry, layers, place.at("targets", index), expect)
            if targets.setdefault(target.label, target) is not target:
                self.problems.error(
                    place.at("targets", index), "has the audience of another target of this client"
                )
        return tuple(targets.values())

    def _target(
        self, entry: TargetEntry, layers: tuple[Layer, ...], place: Place, expect: Expectation
    ) -> Target:
        layers = (*layers, entry)
        candidates = distinct((*scopes_of(layers), *self.scopes))
        if not candidates and self.candidates_from is CandidatesFrom.INPUTS:
            self.problems.error(place, NO_CANDIDATES)
        if entry.expect is not None:
            expect = expectation_of(entry.expect, place.at("expect"))
        parameters = token_params_of(layers)
        for name in ("audience", "resource"):
            if getattr(entry, name) is not None and name in parameters:
                self.problems.error(place.at(name), "is given by token_params already")
        return Target(
            candidates=candidates,
            audience=entry.audience or "",
            resource=entry.resource or "",
            token_params=written_values(parameters),
            expect=expect,
        )


def _no_such_server(name: str, known: Collection[str]) -> str:
    if near := nearest(name, known):
        return f'did you mean "{near}"?'
    others = f", or name one of {', '.join(sorted(known)[:_MOST_NAMED])}" if known else ""
    return f"there is no such server: define it under [servers]{others}"


def expectation_of(entry: ExpectEntry, place: Place) -> Expectation:
    """What is expected by a table that is written there."""
    return Expectation(
        granted=None if entry.granted is None else tuple(chain.from_iterable(entry.granted)),
        denied=tuple(chain.from_iterable(entry.denied)),
        allows_unmatched=entry.allow_unmatched,
        place=place,
    )
