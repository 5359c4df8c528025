"""Remember the tokens of a server by digest: what each stands for, and which were revoked."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from scopeprobe.lab.tokens import Grant


@dataclass(slots=True)
class TokenStore:
    """
    The tokens of one server, kept as SHA-256 digests.

    Only those of the `shared_token` profile are kept whole, to be handed out again.
    """

    lifetime: int
    now: Callable[[], float] = time.time
    counts: Counter[str] = field(default_factory=Counter)
    """How many tokens were `issued`, `reused`, `introspected`, `revoked`, `asked_for_rights`."""
    _grants: dict[bytes, Grant] = field(default_factory=dict, repr=False)
    _revoked: set[bytes] = field(default_factory=set, repr=False)
    _shared: dict[tuple[object, ...], str] = field(default_factory=dict, repr=False)

    def add(self, token: str, grant: Grant) -> None:
        self.counts["issued"] += 1
        self._grants[digest(token)] = grant

    def share(self, token: str, grant: Grant) -> None:
        """Keep a token for the next equal request."""
        self._shared[likeness(grant)] = token

    def reuse(self, grant: Grant) -> tuple[str, Grant] | None:
        """The live token of an equal request, with what it stands for."""
        token = self._shared.get(likeness(grant))
        live = None if token is None else self.find(token)
        if token is None or live is None:
            return None
        self.counts["reused"] += 1
        return token, live

    def find(self, token: str) -> Grant | None:
        """What a token stands for; None where it is unknown, revoked or has expired."""
        key = digest(token)
        grant = self._grants.get(key)
        if grant is None or key in self._revoked or self.remaining(grant) <= 0:
            return None
        return grant

    def remaining(self, grant: Grant) -> int:
        """Seconds until a token expires."""
        return grant.issued + self.lifetime - int(self.now())

    def revoke(self, token: str) -> None:
        """Revoke a token; one that is unknown is no error."""
        if self.find(token) is not None:
            self.counts["revoked"] += 1
            self._revoked.add(digest(token))


def likeness(grant: Grant) -> tuple[object, ...]:
    """The key of a shared token: equal for requests that get the same one."""
    return grant.client.client_id, grant.scopes, grant.target, grant.jkt


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
