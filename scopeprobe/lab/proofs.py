"""What clients sign: assertions (RFC 7523) and proofs of possession (RFC 9449), really verified."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import Key, KeySet, OctKey, import_key
from joserfc.jws import JWSRegistry

from scopeprobe.lab.answers import Refusal
from scopeprobe.lab.schema import CredentialRules, DpopRules

LEEWAY = 30
"""Seconds by which the clocks of client and server may differ."""

PROOF_ALGORITHMS = ("ES256", "ES384", "RS256", "PS256", "Ed25519", "EdDSA")

PROOF_LIFETIME = 300
"""Seconds around now in which a proof's `iat` must lie."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a JWT says about itself. Both parts are empty where it is none."""

    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)


def peek(token: str) -> Unverified:
    """Look into a JWT before anything about it is known to be true."""
    try:
        extracted = jws.extract_compact(token.encode())
        header: object = extracted.headers()
        claims: object = msgspec.json.decode(extracted.payload)
    except (JoseError, ValueError, RecursionError):
        return Unverified()
    if not isinstance(header, Mapping) or not isinstance(claims, Mapping):
        return Unverified()
    return Unverified(header, claims)


class Algorithms(JWSRegistry):
    """Exactly the algorithms named: `EdDSA` too, which clients send in spite of RFC 9864."""

    def get_alg(self, name: str) -> JWSAlgModel:
        if name not in (self.allowed or ()) or name not in self.algorithms:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


def verify(token: str, key: Key | KeySet, algorithms: tuple[str, ...]) -> bool:
    """Whether a JWT is signed by this key with one of these algorithms."""
    try:
        jwt.decode(token, key, registry=Algorithms(algorithms=algorithms))
    except (JoseError, ValueError, TypeError):
        return False
    return True


def read_keys(keys: Mapping[str, Any]) -> Key | KeySet | None:
    """A client's registered JWK or JWK Set (RFC 7517); None where it is neither."""
    try:
        if "keys" in keys:
            return KeySet.import_key_set({"keys": [*keys["keys"]]})
        return import_key({**keys})
    except (JoseError, ValueError, TypeError):
        return None


class Assertions:
    """Checks assertions (RFC 7523 section 3), and remembers each `jti` for as long as it runs."""

    def __init__(self, rules: CredentialRules, now: Callable[[], float] = time.time) -> None:
        self._rules = rules
        self._now = now
        self._seen: set[tuple[str, object]] = set()

    def find_fault(
        self, assertion: str, key: Key | KeySet | None, client_id: str, *, issuer: str
    ) -> Refusal | None:
        """
        What is wrong with a client's assertion; None: nothing.

        `key` is the client's, or its secret as an `OctKey`. Only `iss` must be the client: `sub`
        may be another one in the JWT bearer grant.
        """
        rules = self._rules.assertion
        claims = peek(assertion).claims
        if not self._is_signed(assertion, key) or claims.get("iss") != client_id:
            return self._rules.wrong_secret
        meant = {"issuer": issuer, "token_endpoint": f"{issuer}/token"}
        if audiences_of(claims).isdisjoint(meant[name] for name in rules.audiences):
            return rules.wrong_audience or self._rules.wrong_secret
        if not self._is_alive(claims):
            return rules.expired or self._rules.wrong_secret
        return self._note(claims, client_id)

    def _is_signed(self, assertion: str, key: Key | KeySet | None) -> bool:
        if key is None:
            return False
        is_secret = isinstance(key, OctKey)
        algorithms = self._rules.assertion.algorithms
        fitting = tuple(name for name in algorithms if name.startswith("HS") == is_secret)
        return verify(assertion, key, fitting)

    def _is_alive(self, claims: Mapping[str, Any]) -> bool:
        now = self._now()
        expires, begins = claims.get("exp"), claims.get("nbf", claims.get("iat", now))
        if not isinstance(expires, int | float) or not isinstance(begins, int | float):
            return False
        return begins - LEEWAY <= now < expires + LEEWAY

    def _note(self, claims: Mapping[str, Any], client_id: str) -> Refusal | None:
        """Remember the assertion's `jti`, if it has one; refuse it where it was seen before."""
        if (jti := claims.get("jti")) is None:
            return None
        if (client_id, str(jti)) in self._seen:
            return self._rules.assertion.replayed or self._rules.wrong_secret
        self._seen.add((client_id, str(jti)))
        return None


def audiences_of(claims: Mapping[str, Any]) -> set[str]:
    audience = claims.get("aud", [])
    return {audience} if isinstance(audience, str) else {str(one) for one in audience}


class DpopVerifier:
    """Checks the DPoP proofs of one server. Its nonce is good until `renew` makes another one."""

    def __init__(self, rules: DpopRules, now: Callable[[], float] = time.time) -> None:
        self.rules = rules
        self.nonce = secrets.token_urlsafe(12)
        self._now = now
        self._seen: set[str] = set()

    def renew(self) -> None:
        """Make a nonce; proofs with an older one are answered with the demand for this one."""
        self.nonce = secrets.token_urlsafe(12)

    def find_fault(self, proof: str | None, *, method: str, url: str) -> Refusal | None:
        """What is wrong with a proof (RFC 9449 section 4.3); None: nothing."""
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
        seen = peek(proof)
        jwk = seen.header.get("jwk", {})
        if seen.header.get("typ") != "dpop+jwt" or not is_public(jwk) or "jti" not in seen.claims:
            return False
        key = read_keys(jwk)
        if key is None or not verify(proof, key, PROOF_ALGORITHMS):
            return False
        made = seen.claims.get("iat")
        is_fresh = isinstance(made, int | float) and abs(self._now() - made) < PROOF_LIFETIME
        return is_fresh and (seen.claims.get("htm"), seen.claims.get("htu")) == (method, url)


def is_public(jwk: Any) -> bool:  # noqa: ANN401 - a stranger's header may hold anything
    """Whether this is a JWK of the asymmetric kind, without its private half."""
    return isinstance(jwk, Mapping) and jwk.get("kty") in ("EC", "RSA", "OKP") and "d" not in jwk


def thumbprint(proof: str) -> str:
    """The `jkt` of a proof that holds: the SHA-256 thumbprint of its key (RFC 7638)."""
    key = read_keys(peek(proof).header["jwk"])
    return "" if key is None or not hasattr(key, "thumbprint") else str(key.thumbprint())
