"""Client assertions and the JWT bearer grant: are they true, fresh, meant for this server?"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from scopeprobe.lab.clients import Client
from scopeprobe.lab.credentials import Credentials
from scopeprobe.lab.jose import peek, read_keys, secret_key, verify
from scopeprobe.lab.refusals import Refusal
from scopeprobe.lab.schema import CredentialRules

LEEWAY = 30
"""Seconds that clocks may differ by."""


class Assertions:
    """Checks assertions (RFC 7523 section 3), and remembers each `jti` for as long as it runs."""

    def __init__(self, rules: CredentialRules, now: Callable[[], float] = time.time) -> None:
        self._rules = rules
        self._now = now
        self._seen: set[tuple[str, object]] = set()

    def find_fault(
        self, credentials: Credentials, client: Client, *, issuer: str, endpoint: str
    ) -> Refusal | None:
        """What is wrong with an assertion; None: nothing."""
        rules = self._rules.assertion
        assertion = credentials.assertion or ""
        claims = peek(assertion).claims
        if not self._signed(assertion, credentials, client) or not speaks_for(claims, client):
            return self._rules.wrong_secret
        meant = {"issuer": issuer, "token_endpoint": endpoint}
        if audiences_of(claims).isdisjoint(meant[name] for name in rules.audiences):
            return rules.wrong_audience or self._rules.wrong_secret
        if not self._alive(claims):
            return rules.expired or self._rules.wrong_secret
        return self._note(claims, client)

    def _signed(self, assertion: str, credentials: Credentials, client: Client) -> bool:
        algorithms = self._rules.assertion.algorithms
        if credentials.method == "client_secret_jwt":
            symmetric = tuple(name for name in algorithms if name.startswith("HS"))
            secret = client.client_secret
            return secret is not None and verify(assertion, secret_key(secret), symmetric)
        key = read_keys(client.jwk) if client.jwk else None
        asymmetric = tuple(name for name in algorithms if not name.startswith("HS"))
        return key is not None and verify(assertion, key, asymmetric)

    def _alive(self, claims: Mapping[str, Any]) -> bool:
        now = self._now()
        expires, begins = claims.get("exp"), claims.get("nbf", claims.get("iat", now))
        if not isinstance(expires, int | float) or not isinstance(begins, int | float):
            return False
        return begins - LEEWAY <= now < expires + LEEWAY

    def _note(self, claims: Mapping[str, Any], client: Client) -> Refusal | None:
        if (jti := claims.get("jti")) is None:
            return None
        if (client.client_id, str(jti)) in self._seen:
            return self._rules.assertion.replayed or self._rules.wrong_secret
        self._seen.add((client.client_id, str(jti)))
        return None


def speaks_for(claims: Mapping[str, Any], client: Client) -> bool:
    """Whether `iss` is the client; `sub` may be another one only in the JWT bearer grant."""
    return claims.get("iss") == client.client_id


def audiences_of(claims: Mapping[str, Any]) -> set[str]:
    audience = claims.get("aud", [])
    return {audience} if isinstance(audience, str) else {str(one) for one in audience}
