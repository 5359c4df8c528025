"""Access tokens: random text, or a JWT that shows its scopes (RFC 7519, RFC 9068)."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any, assert_never

from joserfc import jwt
from joserfc.jwk import OctKey

from scopeprobe.lab.answers import fill
from scopeprobe.lab.clients import Client
from scopeprobe.lab.schema import RoleRules, TokenRules


@dataclass(frozen=True, slots=True)
class Grant:
    """What one token stands for, without the token."""

    client: Client
    scopes: tuple[str, ...]
    asked: tuple[str, ...] | None
    target: str | None
    issuer: str
    jkt: str = ""
    """The thumbprint of the key that the token is bound to (RFC 9449 section 6.1), or nothing."""
    issued: int = field(default_factory=lambda: int(time.time()))
    """Seconds of Unix time."""

    def fields(self) -> dict[str, object]:
        """What templates may name."""
        return {
            "client_id": self.client.client_id,
            "issuer": self.issuer,
            "target": self.target or "",
            "now": self.issued,
        }


class TokenIssuer:
    """Makes the tokens of one server; its key lives as long as the process and is not shared."""

    def __init__(self, rules: TokenRules) -> None:
        self._rules = rules
        self._key = OctKey.generate_key(256)

    def make_token(self, grant: Grant) -> str:
        """
        A fresh token.

        Its audience is what it was asked for, or the client itself, as Spring does it.
        """
        if self._rules.format == "opaque":
            return secrets.token_urlsafe(32)
        client_id = grant.client.client_id
        claims: dict[str, object] = {
            "iss": grant.issuer,
            "sub": client_id,
            "client_id": client_id,
            "aud": grant.target or client_id,
            "iat": grant.issued,
            "exp": grant.issued + self._rules.lifetime,
            "jti": secrets.token_urlsafe(16),
        }
        if grant.jkt:
            claims["cnf"] = {"jkt": grant.jkt}
        if self._rules.claims:
            claims |= fill(self._rules.claims, grant.fields())
        claims |= self._scope_claim(grant.scopes) | self._role_claim(grant)
        return jwt.encode({"alg": "HS256", "typ": "at+jwt"}, claims, self._key)

    def _scope_claim(self, scopes: tuple[str, ...]) -> dict[str, object]:
        if not scopes or not self._rules.claim:
            return {}
        return {self._rules.claim: scopes if self._rules.shape == "array" else " ".join(scopes)}

    def _role_claim(self, grant: Grant) -> dict[str, object]:
        rules = self._rules.roles
        roles = () if rules is None else find_roles(rules, grant)
        if rules is None or not roles:
            return {}
        claim: Any = [*roles] if rules.shape == "array" else {role: {} for role in roles}
        for name in reversed(split_claim(rules.claim)):
            claim = {name: claim}
        return dict(claim)


def find_roles(rules: RoleRules, grant: Grant) -> tuple[str, ...]:
    """The rights that the claim shows."""
    prefixes = [rules.prefix]
    match rules.of:
        case "issued":
            rights = grant.scopes
        case "granted":
            rights = grant.client.granted_for(grant.target)
        case "roles":
            rights = grant.client.roles
        case "resource":
            rights = grant.client.roles
            prefixes = [scope.removesuffix(".default") for scope in grant.asked or ()]
        case _:
            assert_never(rules.of)
    return tuple(
        right.removeprefix(prefix)
        for right in rights
        for prefix in prefixes
        if right.startswith(prefix)
    )


def split_claim(claim: str) -> list[str]:
    """A claim whose name is a URI has dots or colons of its own and is not nested."""
    return [claim] if ":" in claim else claim.split(".")
