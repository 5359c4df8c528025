"""The clients of a run, and the digest by which a run is resumed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from secrets import token_hex

import msgspec

from scopeprobe.inputs.client_builder import ClientDraft
from scopeprobe.model.client import Client, ClientName
from scopeprobe.model.fault import Fault
from scopeprobe.model.secret import RequestValue


@dataclass(frozen=True, slots=True)
class Fleet:
    """Clients that can be probed, and what is to be remarked about the inputs."""

    clients: tuple[Client, ...]
    described: tuple[Client, ...] = ()
    """All clients in the inputs without their secrets; `clients` may be a selection of them."""
    skipped: tuple[Client, ...] = ()
    """Clients with `probe = false`: they are not probed."""
    notices: tuple[str, ...] = ()
    wants_advertised: bool = False
    """Every target is to get the `scopes_supported` of its server as candidates."""
    unusable: Mapping[str, Fault] = field(default_factory=dict)
    """Servers whose metadata cannot be read, by name, and why: their clients are not probed."""
    as_written: tuple[Client, ...] | None = None
    """The clients before metadata was read; None where none has been read."""
    drafts: tuple[ClientDraft, ...] = field(default=(), repr=False)
    """The clients and where their secrets are kept, where these are looked up by somebody else."""
    salt: str = field(default_factory=lambda: token_hex(8), compare=False)
    """Of the digest: what it is made of may be guessed, and digests of many be compared."""

    @property
    def known(self) -> frozenset[ClientName]:
        """The names of all clients in the inputs."""
        return frozenset(client.name for client in self.described)

    @property
    def as_known(self) -> tuple[Client, ...]:
        """All clients in the inputs, those of the fleet as metadata completed them."""
        completed = {client.name: client for client in self.clients}
        return tuple(completed.get(client.name, client) for client in self.described)

    @property
    def unread(self) -> frozenset[ClientName]:
        """Clients that may have more candidates: the metadata of their servers is not read."""
        if not self.wants_advertised:
            return frozenset()
        are_read = {one.name for one in self.clients if one.server.scopes_supported is not None}
        return self.known - are_read

    @property
    def needs_metadata(self) -> bool:
        return self.as_written is None and any(
            client.server.endpoints.issuer for client in self.clients
        )

    @property
    def cells(self) -> int:
        """How many are to be judged, as far as candidates are known."""
        return sum(len(target.candidates) for one in self.clients for target in one.targets)

    def with_part(self, part: Fleet) -> Fleet:
        """The fleet with some of its clients as the metadata of their servers completed them."""
        completed = {client.name: client for client in part.clients}
        return replace(
            self,
            clients=tuple(completed.get(client.name, client) for client in self.clients),
            notices=(*self.notices, *part.notices),
            unusable={**self.unusable, **part.unusable},
        )

    @property
    def digest(self) -> str:
        """
        A salted SHA-256 of all that decides which questions are asked, and of no secret.

        A run is resumed only with inputs of the same digest. Rates, owners and expectations may
        have changed: they decide when to ask, or what to think of the answers. Where metadata was
        read, a `+` and a digest follow for each server: of its clients as metadata completed them.
        """
        return self._digest(self.salt)

    def _digest(self, salt: str) -> str:
        start = f"{salt}:" if salt else ""  # digests of runs of before have none
        if self.as_written is None:
            return start + _digest(self.clients, salt)
        return _joined(start + _digest(self.as_written, salt), self._read(salt))

    def goes_on_from(self, digest: str) -> bool:
        """
        Whether a run of that digest may be resumed with this fleet.

        A server whose metadata could not be read, then or now, is left out of the comparison: it
        was not asked then, or is not now.
        """
        before, _ = _parts(digest)
        now, _ = _parts(self._digest(_salt_of(digest)))
        return before == now and self.is_read_as_in(digest)

    def is_read_as_in(self, digest: str) -> bool:
        """Whether the metadata of its servers says what it said then, as far as that is known."""
        _, earlier = _parts(digest)
        now = {} if self.as_written is None else self._read(_salt_of(digest))
        return all(earlier.get(server, found) == found for server, found in now.items())

    def added_to(self, digest: str) -> str:
        """A run's digest, with what was read of these servers since."""
        inputs, read = _parts(digest)
        return _joined(inputs, read | self._read(_salt_of(digest)))

    def _read(self, salt: str) -> dict[str, str]:
        """By server whose metadata was read, a digest of its clients as that completed them."""
        members: dict[str, list[Client]] = {}
        for client in self.clients:
            if client.server.endpoints.issuer and client.server.name not in self.unusable:
                members.setdefault(client.server.name, []).append(client)
        return {_short(name): _digest(clients, salt)[:32] for name, clients in members.items()}


def _salt_of(digest: str) -> str:
    return digest.partition(":")[0] if ":" in digest else ""


def _parts(digest: str) -> tuple[str, dict[str, str]]:
    """The digest of the inputs, and that of each server whose metadata was read."""
    inputs, *read = digest.split("+")
    return inputs, dict(part.split("=") for part in read)


def _joined(inputs: str, read: Mapping[str, str]) -> str:
    return "+".join((inputs, *(f"{server}={found}" for server, found in sorted(read.items()))))


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _digest(clients: Iterable[Client], salt: str) -> str:
    digest = hashlib.sha256(salt.encode())
    for client in sorted(clients, key=lambda client: client.name):
        for fact in _facts(client):
            digest.update(msgspec.json.encode(fact) + b"\n")
    return digest.hexdigest()


def _facts(client: Client) -> Iterator[tuple[object, ...]]:
    server = client.server
    yield client.name, client.client_id, client.auth_method
    yield client.grant_type, client.subject, client.assertion_audience, client.binds_tokens
    yield server.endpoints.token, _public(server.connection.headers), server.traits.basic_encoding
    yield server.traits.verify, server.traits.send_scope, server.traits.scope_of_target
    if server.endpoints.issuer:
        yield (server.endpoints.issuer,)
    for target in client.targets:
        yield target.audience, target.resource, _public(target.token_params), target.candidates


def _public(values: Iterable[tuple[str, RequestValue]]) -> tuple[tuple[str, str | None], ...]:
    """Of secret values only the name: they may be renewed, and a digest could be guessed at."""
    return tuple((name, value if isinstance(value, str) else None) for name, value in values)
