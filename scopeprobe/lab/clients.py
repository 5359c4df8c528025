"""The registered clients of a server, and whether a request comes from the one it names."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import Key, KeySet, OctKey

from scopeprobe.lab.answers import Refusal
from scopeprobe.lab.limits import Lock
from scopeprobe.lab.proofs import Assertions, read_keys
from scopeprobe.lab.requests import Credentials
from scopeprobe.lab.schema import CLIENT_CREDENTIALS, AuthMethod, Profile


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
    state: str = "active"
    """As a rights API calls it; whether it may authenticate does not depend on it here."""
    date_to_delete: str | None = None
    """The moment that a rights API tells (ISO 8601)."""

    def accepts(self, secret: str | None) -> bool:
        if self.client_secret is None or secret is None:
            return self.client_secret is secret and self.jwk is None
        return hmac.compare_digest(self.client_secret.encode(), secret.encode())

    def granted_for(self, target: str | None) -> tuple[str, ...]:
        """What it was granted, where it has grants of its own for each target: for this one."""
        if self.targets is None or target is None:
            return tuple(self.granted)
        return self.targets.get(target) or tuple(self.granted)

    def key_for(self, method: AuthMethod) -> Key | KeySet | None:
        """What verifies its assertions: its secret's octets, or its public key."""
        if method == "client_secret_jwt":
            return OctKey.import_key(self.client_secret) if self.client_secret else None
        return read_keys(self.jwk) if self.jwk else None


class Authenticator:
    """Judges credentials (RFC 6749 section 2.3), and locks out who guesses, as the profile says."""

    def __init__(self, profile: Profile, clients: Mapping[str, Client]) -> None:
        self._rules = profile.credentials
        self._clients = clients
        self._assertions = Assertions(profile.credentials)
        self._lock = Lock(profile.lock) if profile.lock else None

    def find_fault(self, credentials: Credentials, *, issuer: str) -> Refusal | None:
        """What is wrong; None: nothing. A locked client is refused before its secret is read."""
        if self._lock and self._lock.holds(credentials.client_id):
            return self._lock.rule.refusal
        fault = self._judge(credentials, issuer)
        if self._lock:
            note = self._lock.note_failure if fault else self._lock.note_success
            note(credentials.client_id)
        return fault

    def _judge(self, credentials: Credentials, issuer: str) -> Refusal | None:
        rules = self._rules
        client = self._clients.get(credentials.client_id)
        if not credentials.client_id and rules.missing:
            return rules.missing
        if client is None:
            return rules.unknown_client
        if not self._may_use(client, credentials):
            return rules.wrong_method or rules.wrong_secret
        if credentials.assertion is None:
            return None if client.accepts(credentials.secret) else rules.wrong_secret
        key = client.key_for(credentials.method)
        return self._assertions.find_fault(
            credentials.assertion, key, client.client_id, issuer=issuer
        )

    def _may_use(self, client: Client, credentials: Credentials) -> bool:
        """Whether the server knows this method, and the client may use it."""
        if credentials.method not in self._rules.methods:
            return False
        enforced = self._rules.registered_method == "enforced" and client.method is not None
        return credentials.method == client.method if enforced else True
