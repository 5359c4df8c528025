"""JSON Web Tokens that a client signs: assertions (RFC 7523) and whatever else it has to prove."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from scopeprobe.model.client import Client, SigningKey
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret

Clock: TypeAlias = Callable[[], datetime]
RandomHex: TypeAlias = Callable[[int], str]
"""Gives so many random bytes, in hexadecimal."""

LIFETIME = 60
"""Seconds from `iat` to `exp`: an assertion is sent at once, and only once."""
JTI_BYTES = 16

_HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Signer:
    """Writes JWTs in compact serialization (RFC 7515 section 7.1); the header is encoded once."""

    header: bytes
    sign: Callable[[bytes], bytes] = field(repr=False)

    def jwt(self, claims: Mapping[str, object]) -> str:
        message = b"%b.%b" % (self.header, _encoded(claims))
        return (b"%b.%b" % (message, _base64url(self.sign(message)))).decode("ascii")


def signer_of_key(key: SigningKey, **header: object) -> Signer:
    """
    Return what signs with a private key.

    :param header: members beside `alg`; `typ` is JWT unless it says otherwise.
    """
    from joserfc.jws import JWSRegistry  # noqa: PLC0415  # slow, and few clients have keys

    # Not through `get_alg`: that warns of EdDSA's name, which RFC 9864 replaces and servers know.
    algorithm = JWSRegistry.algorithms[key.alg]
    members = {"alg": key.alg, "typ": "JWT", **header}
    return Signer(_encoded(members), lambda message: algorithm.sign(message, key.key))


def signer_of_secret(secret: Secret, alg: str) -> Signer:
    """Return what signs with the `client_secret` (RFC 7518 section 3.2)."""
    key = secret.reveal().encode()
    return Signer(
        _encoded({"alg": alg, "typ": "JWT"}),
        lambda message: hmac.digest(key, message, _HASHES[alg]),
    )


def signer_of(client: Client) -> Signer:
    """Return what signs the assertions of a client: its key, or else its secret."""
    if client.signing_key is not None:
        key = client.signing_key
        named = {"kid": key.kid} if key.kid else {}
        return signer_of_key(key, **named, **dict(key.thumbprints))
    return signer_of_secret(client.secret or Secret(""), client.signing_alg or "HS256")


@dataclass(frozen=True, slots=True)
class AssertionWriter:
    """Writes the assertions of one client, each with a `jti` of its own."""

    client: Client
    signer: Signer
    now: Clock
    token_hex: RandomHex

    @classmethod
    def of(
        cls, client: Client, *, now: Clock = wall_clock, token_hex: RandomHex = secrets.token_hex
    ) -> AssertionWriter:
        return cls(client, signer_of(client), now, token_hex)

    def authentication(self) -> str:
        """Assert who the client is (RFC 7523 section 3)."""
        return self.signer.jwt({**self._claims(), "sub": self.client.client_id})

    def grant(self, scopes: tuple[Scope, ...] | None) -> str:
        """Assert what is asked for: the JWT bearer grant, with `scope` as Google reads it."""
        asked = {} if scopes is None else {"scope": " ".join(scopes)}
        subject = {"sub": self.client.subject} if self.client.subject else {}
        return self.signer.jwt({**self._claims(), **subject, **asked})

    def _claims(self) -> dict[str, object]:
        issued = int(self.now().timestamp())
        return {
            "iss": self.client.client_id,
            "aud": self.client.assertion_audience or self.client.server.endpoints.token,
            "jti": self.token_hex(JTI_BYTES),
            "iat": issued,
            "exp": issued + LIFETIME,
        }


def thumbprint(token: str) -> str:
    """Hash a token for `ath` (RFC 9449 section 4.2)."""
    return _base64url(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()).decode(
        "ascii"
    )


def _encoded(value: Mapping[str, object]) -> bytes:
    return _base64url(msgspec.json.encode(value))


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
