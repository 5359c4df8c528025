"""The clients of a run, and the digest by which a run is resumed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Client, ClientName


@dataclass(frozen=True, slots=True)
class Fleet:
    """Clients that can be probed, and what is to be remarked about the inputs."""

    clients: tuple[Client, ...]
    known: frozenset[ClientName] = frozenset()
    """The names of all clients in the inputs, of which `clients` may be a selection."""
    skipped: tuple[Client, ...] = ()
    """Clients with `probe = false`: they are not probed."""
    notices: tuple[str, ...] = ()
    wants_advertised: bool = False
    """Every target is to get the `scopes_supported` of its server as candidates."""
    unusable: Mapping[str, Reason] = field(default_factory=dict)
    """Servers whose metadata cannot be read, by name: their clients are not probed."""
    as_written: str | None = None
    """The digest of the inputs before metadata was read; None where none has been read."""

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
        A SHA-256 of all that decides which questions are asked, and of no secret.

        A run is resumed only with inputs of the same digest. Rates, owners and expectations may
        have changed: they decide when to ask, or what to think of the answers. Where metadata was
        read, a `+` and a digest follow for each server: of its clients as metadata completed them.
        """
        if self.as_written is None:
            return _digest(self.clients)
        return _joined(self.as_written, self._read)

    def goes_on_from(self, digest: str) -> bool:
        """
        Whether a run of that digest may be resumed with this fleet.

        A server whose metadata could not be read, then or now, is left out of the comparison: it
        was not asked then, or is not now.
        """
        before, _ = _parts(digest)
        now, _ = _parts(self.digest)
        return before == now and self.is_read_as_in(digest)

    def is_read_as_in(self, digest: str) -> bool:
        """Whether the metadata of its servers says what it said then, as far as that is known."""
        _, earlier = _parts(digest)
        return all(earlier.get(server, found) == found for server, found in self._read.items())

    def added_to(self, digest: str) -> str:
        """A run's digest, with what was read of these servers since."""
        inputs, read = _parts(digest)
        return _joined(inputs, read | self._read)

    @property
    def _read(self) -> dict[str, str]:
        """By server whose metadata was read, a digest of its clients as that completed them."""
        members: dict[str, list[Client]] = {}
        for client in self.clients:
            if client.server.endpoints.issuer and client.server.name not in self.unusable:
                members.setdefault(client.server.name, []).append(client)
        return {_short(name): _digest(clients)[:32] for name, clients in members.items()}


def _parts(digest: str) -> tuple[str, dict[str, str]]:
    """The digest of the inputs, and that of each server whose metadata was read."""
    inputs, *read = digest.split("+")
    return inputs, dict(part.split("=") for part in read)


def _joined(inputs: str, read: Mapping[str, str]) -> str:
    return "+".join((inputs, *(f"{server}={found}" for server, found in sorted(read.items()))))


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _digest(clients: Iterable[Client]) -> str:
    digest = hashlib.sha256()
    for client in sorted(clients, key=lambda client: client.name):
        for fact in _facts(client):
            digest.update(msgspec.json.encode(fact) + b"\n")
    return digest.hexdigest()


def _facts(client: Client) -> Iterator[tuple[object, ...]]:
    server = client.server
    yield client.name, client.client_id, client.auth_method
    yield client.grant_type, client.subject, client.assertion_audience, client.binds_tokens
    yield server.endpoints.token, server.connection.headers, server.traits.basic_encoding
    yield server.traits.verify, server.traits.send_scope, server.traits.scope_of_target
    if server.endpoints.issuer:
        yield (server.endpoints.issuer,)
    for target in client.targets:
        yield target.audience, target.resource, target.token_params, target.candidates
