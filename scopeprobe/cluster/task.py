"""What goes to a worker: whom to ask, what about, and where secrets are kept, but no secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from urllib.parse import urlsplit

from scopeprobe.engine.budgets import Budgets
from scopeprobe.errors import InputError
from scopeprobe.inputs import Fleet
from scopeprobe.inputs.client_builder import ClientDraft
from scopeprobe.inputs.outline import Steps
from scopeprobe.inputs.problems import Place
from scopeprobe.inputs.secrets import FileSecret, LiteralSecret, SecretSource
from scopeprobe.model.answer import Fact
from scopeprobe.model.assignment import Assignment, Strategy
from scopeprobe.model.client import Client, ClientName
from scopeprobe.model.fault import Fault
from scopeprobe.model.journal import Allowance
from scopeprobe.model.question import Question
from scopeprobe.model.secret import RequestValue, Secret
from scopeprobe.model.server import Server


@dataclass(frozen=True, slots=True)
class GroupTask:
    """The clients of a rate group, as the inputs describe them."""

    audit: str
    """Names the queues between its workers and whoever journals their answers."""
    name: str
    version: str
    """Of scopeprobe."""
    drafts: tuple[ClientDraft, ...]
    wants_advertised: bool
    needs_metadata: bool
    patience: float
    """Seconds for which an issuer may be away."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a worker says before anything is asked: who it is, and whether all is there."""

    worker: str
    station: str
    problems: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    read: Fleet | None = None
    """The clients as metadata completed them, without their secrets."""


@dataclass(frozen=True, slots=True)
class KnownOfGroup:
    """What is known of a rate group before it is asked: by this run, and of its quotas."""

    facts: Mapping[tuple[ClientName, str], Mapping[Question, Fact]]
    allowances: Mapping[str, Allowance]
    failures: Mapping[str, int]

    def facts_of(self, assignment: Assignment) -> Mapping[Question, Fact]:
        return self.facts.get((assignment.client.name, assignment.target.label), {})

    def allowance(self, quota: str) -> Allowance:
        return self.allowances.get(quota, Allowance())

    def failures_of(self, registration: str) -> int:
        return self.failures.get(registration, 0)


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is to find out."""

    run: str
    assignments: tuple[Assignment, ...]
    unusable: Mapping[str, Fault]
    strategy: Strategy
    limits: Budgets
    known: KnownOfGroup
    requests: float
    """The first share of the budget."""
    tokens: float


# -- no secret leaves


def refuse_secrets(fleet: Fleet) -> None:
    """Raise InputError where the inputs hold a secret themselves, which would have to be sent."""
    told = "no secret is sent to a cluster: its workers look it up"
    complaints = dict.fromkeys(
        f"{where}; {told}"
        for draft in fleet.drafts
        if draft.client is not None
        for where in (*_written_secrets(draft, draft.client), *_doubtful_urls(draft.client.server))
    )
    nameless = [
        d.place.at("client_id") for d in fleet.drafts if d.client and not d.client.client_id
    ]
    unknown = [
        f"{place}: is missing; a cluster does not read it from the key" for place in nameless
    ]
    if complaints or unknown:
        raise InputError([*complaints, *unknown])


def _written_secrets(draft: ClientDraft, client: Client) -> Iterator[str]:
    for key, source in draft.sources.items():
        if isinstance(source, LiteralSecret):
            yield f"{draft.place.at(key)}: is written in the file"
    for name, value in client.server.connection.headers:
        if isinstance(value, Secret):
            yield f"{client.server.name}: headers.{name}: is written in the file"
    for name, value in chain.from_iterable(target.token_params for target in client.targets):
        if isinstance(value, Secret):
            yield f"{draft.place.at('token_params', name)}: is written in the file"


def _doubtful_urls(server: Server) -> Iterator[str]:
    if "@" in urlsplit(server.connection.proxy or "").netloc:
        yield f"{server.name}: proxy: holds credentials"
    if "?" in server.endpoints.token:
        yield f"{server.name}: token_endpoint: has a query, which may hold a key"


class _SentPlace(Place):
    """A place in a document that is elsewhere: its words are sent along."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[Place], tuple[str, Steps]]:  # type: ignore[override]
        return _SentPlace, (self.file, self.steps)


def to_be_sent(draft: ClientDraft) -> ClientDraft:
    """The same with absolute paths: workers stand in other folders."""
    client = draft.client
    if client is None:
        return draft
    connection = client.server.connection
    if connection.ca_file is not None:
        connection = replace(connection, ca_file=connection.ca_file.absolute())
    certificate = client.certificate
    if certificate is not None:
        certificate = replace(
            certificate,
            certificate=certificate.certificate.absolute(),
            key=certificate.key.absolute(),
        )
    server = replace(client.server, connection=connection)
    return replace(
        draft,
        place=_SentPlace(str(draft.place)),
        file=_SentPlace(str(draft.file)),
        sources={key: _absolute(source) for key, source in draft.sources.items()},
        client=replace(client, server=server, certificate=certificate),
    )


def _absolute(source: SecretSource) -> SecretSource:
    return FileSecret(source.path.absolute()) if isinstance(source, FileSecret) else source


def without_secrets(client: Client) -> Client:
    """What may be said of a client outside of its worker."""
    certificate = client.certificate and replace(client.certificate, password=None)
    targets = tuple(
        replace(target, token_params=_public(target.token_params)) for target in client.targets
    )
    return replace(
        client,
        server=_server_without_secrets(client.server),
        secret=None,
        signing_key=None,
        assertion=None,
        certificate=certificate,
        targets=targets,
    )


def _server_without_secrets(server: Server) -> Server:
    connection = replace(server.connection, headers=_public(server.connection.headers))
    introspector = server.introspector and replace(server.introspector, secret=None)
    return replace(server, connection=connection, introspector=introspector)


def _public(
    values: Sequence[tuple[str, RequestValue]],
) -> tuple[tuple[str, RequestValue], ...]:
    return tuple((name, value) for name, value in values if isinstance(value, str))


def with_credentials(assignment: Assignment, clients: Mapping[ClientName, Client]) -> Assignment:
    """The assignment for the client as its worker knows it, with its secrets."""
    client = clients[assignment.client.name]
    target = next(one for one in client.targets if one.label == assignment.target.label)
    return replace(assignment, client=client, target=target)
