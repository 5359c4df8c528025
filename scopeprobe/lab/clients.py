"""A registered client of a lab server."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scopeprobe.lab.schema import CLIENT_CREDENTIALS, AuthMethod


@dataclass(slots=True)
class Client:
    """A registered client. It may be changed while its server runs."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    """None: a public client, which authenticates with `none`, or one with a key."""
    granted: list[str] = field(default_factory=list)
    grant_types: tuple[str, ...] = (CLIENT_CREDENTIALS,)
    method: AuthMethod | None = None
    """The registered `token_endpoint_auth_method`; None: any that fits its credentials."""
    jwk: Mapping[str, Any] | None = field(default=None, repr=False)
    """Its public key, or a JWK Set of them."""
    roles: tuple[str, ...] = ()
    """Rights that no scope asks for."""
    targets: Mapping[str, tuple[str, ...]] | None = None
    """The audiences or resources that it may ask for, with the scopes granted there; None: all."""
    dpop_bound_access_tokens: bool = False

    def accepts(self, secret: str | None) -> bool:
        if self.client_secret is None or secret is None:
            return self.client_secret is secret and self.jwk is None
        return hmac.compare_digest(self.client_secret.encode(), secret.encode())

    def granted_for(self, target: str | None) -> tuple[str, ...]:
        """What it was granted, where it has grants of its own for each target: for this one."""
        if self.targets is None or target is None:
            return tuple(self.granted)
        return self.targets.get(target) or tuple(self.granted)
