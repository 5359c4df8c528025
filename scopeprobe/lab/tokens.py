"""Access tokens: random text, or a JWT that shows its scopes (RFC 7519, RFC 9068)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time

import msgspec

from scopeprobe.lab.manners import TokenRules


class Mint:
    """Makes the tokens of one server. The key lives as long as the process and is never told."""

    def __init__(self, rules: TokenRules) -> None:
        self._rules = rules
        self._key = secrets.token_bytes(32)

    def strike(self, *, issuer: str, client_id: str, scopes: tuple[str, ...]) -> str:
        """A fresh token; its audience is the client itself, as Spring Authorization Server does."""
        if self._rules.format == "opaque":
            return secrets.token_urlsafe(32)
        now = int(time.time())
        claims = {
            "iss": issuer,
            "sub": client_id,
            "client_id": client_id,
            "aud": client_id,
            "iat": now,
            "exp": now + self._rules.lifetime,
            "jti": secrets.token_urlsafe(16),
        }
        return self._sign(claims | self._scope_claim(scopes))

    def _scope_claim(self, scopes: tuple[str, ...]) -> dict[str, object]:
        if not scopes:
            return {}
        return {self._rules.claim: scopes if self._rules.shape == "array" else " ".join(scopes)}

    def _sign(self, claims: dict[str, object]) -> str:
        """JWS compact serialisation, HS256 (RFC 7515 section 7.1)."""
        signed = f"{encode({'alg': 'HS256', 'typ': 'at+jwt'})}.{encode(claims)}"
        signature = hmac.digest(self._key, signed.encode(), hashlib.sha256)
        return f"{signed}.{base64url(signature)}"


def encode(part: dict[str, object] | dict[str, str]) -> str:
    return base64url(msgspec.json.encode(part))


def base64url(octets: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
