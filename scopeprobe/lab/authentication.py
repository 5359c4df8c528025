"""Is this client who it says it is (RFC 6749 section 2.3)?"""

from __future__ import annotations

from collections.abc import Mapping

from scopeprobe.lab.assertions import Assertions
from scopeprobe.lab.clients import Client
from scopeprobe.lab.credentials import Credentials
from scopeprobe.lab.limits import Lock
from scopeprobe.lab.refusals import Refusal
from scopeprobe.lab.schema import Profile


class Authenticator:
    """Judges credentials, and locks out who guesses, where the profile says so."""

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
        return self._assertions.find_fault(
            credentials, client, issuer=issuer, endpoint=f"{issuer}/token"
        )

    def _may_use(self, client: Client, credentials: Credentials) -> bool:
        """Whether the server knows this method, and the client may use it."""
        if credentials.method not in self._rules.methods:
            return False
        enforced = self._rules.registered_method == "enforced" and client.method is not None
        return credentials.method == client.method if enforced else True
