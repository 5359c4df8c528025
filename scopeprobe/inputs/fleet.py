"""The clients of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from scopeprobe.model.clients import Client, ClientName


@dataclass(frozen=True, slots=True)
class Fleet:
    """Clients that can be asked for, and what is to be remarked about their inputs."""

    clients: tuple[Client, ...]
    known: frozenset[ClientName] = frozenset()
    """All names of the inputs, also where `clients` is a selection of them."""
    notices: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """
        A SHA-256 of all that decides which questions are asked, and of no secret.

        A run is resumed only with inputs of the same digest. Rates, owners or expectations may
        change in between: they decide when to ask, or what to think of the answers.
        """
        digest = hashlib.sha256()
        for client in sorted(self.clients, key=lambda client: client.name):
            for fact in _facts(client):
                digest.update(msgspec.json.encode(fact) + b"\n")
        return digest.hexdigest()


def _facts(client: Client) -> Iterator[tuple[object, ...]]:
    server = client.server
    yield client.name, client.client_id, client.auth_method
    yield client.grant_type, client.subject, client.assertion_audience, client.binds_tokens
    yield server.token_endpoint, server.headers, server.basic_encoding
    yield server.verify, server.send_scope, server.scope_of_target
    for target in client.targets:
        yield target.audience, target.resource, target.token_params, target.candidates
