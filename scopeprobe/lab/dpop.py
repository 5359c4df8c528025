"""Proofs of possession (RFC 9449), really verified."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from scopeprobe.lab.jose import peek, read_keys, verify
from scopeprobe.lab.refusals import Refusal
from scopeprobe.lab.schema import DpopRules

ALGORITHMS = ("ES256", "ES384", "RS256", "PS256", "Ed25519", "EdDSA")

PROOF_LIFETIME = 300
"""Seconds around now in which a proof's `iat` must lie."""


class DpopVerifier:
    """Checks the proofs of one server. Its nonce is good until `renew` makes another one."""

    def __init__(self, rules: DpopRules, now: Callable[[], float] = time.time) -> None:
        self.rules = rules
        self.nonce = secrets.token_urlsafe(12)
        self._now = now
        self._seen: set[str] = set()

    def renew(self) -> None:
        """Make a nonce; proofs with an older one are answered with the demand for this one."""
        self.nonce = secrets.token_urlsafe(12)

    def find_fault(self, proof: str | None, *, method: str, url: str) -> Refusal | None:
        """What is wrong with a proof (section 4.3); None: nothing."""
        if proof is None:
            return self.rules.missing
        if not self._holds(proof, method, url):
            return self.rules.invalid
        claims = peek(proof).claims
        if self.rules.nonce and claims.get("nonce") != self.nonce:
            return self.rules.nonce
        if (jti := str(claims["jti"])) in self._seen:
            return self.rules.invalid
        self._seen.add(jti)
        return None

    def _holds(self, proof: str, method: str, url: str) -> bool:
        header, claims = peek(proof).header, peek(proof).claims
        jwk = header.get("jwk", {})
        if header.get("typ") != "dpop+jwt" or not is_public(jwk) or "jti" not in claims:
            return False
        key = read_keys(jwk)
        if key is None or not verify(proof, key, ALGORITHMS):
            return False
        made = claims.get("iat")
        fresh = isinstance(made, int | float) and abs(self._now() - made) < PROOF_LIFETIME
        return fresh and (claims.get("htm"), claims.get("htu")) == (method, url)


def is_public(jwk: Any) -> bool:  # noqa: ANN401 - a stranger's header may hold anything
    """Whether this is a JWK of the asymmetric kind, without its private half."""
    return isinstance(jwk, Mapping) and jwk.get("kty") in ("EC", "RSA", "OKP") and "d" not in jwk


def thumbprint(proof: str) -> str:
    """The `jkt` of a proof that holds: the SHA-256 thumbprint of its key (RFC 7638)."""
    key = read_keys(peek(proof).header["jwk"])
    return "" if key is None or not hasattr(key, "thumbprint") else str(key.thumbprint())
