"""Sign JSON Web Tokens: a client's assertions (RFC 7523), and what DPoP proofs are made with."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from joserfc.util import urlsafe_b64encode

from scopeprobe.model.client import Client
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret

if TYPE_CHECKING:
    from joserfc.jwk import Key, OctKey

Clock: TypeAlias = Callable[[], datetime]
RandomHex: TypeAlias = Callable[[int], str]
"""Gives so many random bytes, in hexadecimal."""

LIFETIME = 60
"""Seconds from `iat` to `exp`: an assertion is sent at once, and only once."""
JTI_BYTES = 16


def wall_clock() -> datetime:
    return datetime.now(UTC)


class Signer:
    """
    Writes JWTs in compact serialization (RFC 7515 section 7.1).

    The header is encoded once, and `alg` was checked when the key was read: `joserfc.jwt.encode`
    does both for each JWT, and takes twice as long for ES256 (tests/bench/signing.py).
    """

    def __init__(self, key: Key, alg: str, **header: object) -> None:
        """:param header: members beside `alg`; `typ` is JWT unless it says otherwise."""
        from joserfc.jws import JWSRegistry  # noqa: PLC0415  # slow, and few clients sign

        # Not `get_alg`: it warns of the name EdDSA, which RFC 9864 replaces and servers know.
        self._sign = partial(JWSRegistry.algorithms[alg].sign, key=key)
        self._header = _encoded({"alg": alg, "typ": "JWT", **header})

    def jwt(self, claims: Mapping[str, object]) -> str:
        message = b"%b.%b" % (self._header, _encoded(claims))
        return (b"%b.%b" % (message, urlsafe_b64encode(self._sign(message)))).decode("ascii")


def signer_of(client: Client) -> Signer:
    """Return what signs the assertions of a client: its key, or else its secret."""
    key = client.signing_key
    if key is None:
        return Signer(_key_of(client.secret or Secret("")), client.signing_alg or "HS256")
    named = {"kid": key.kid} if key.kid else {}
    return Signer(key.key, key.alg, **named, **dict(key.thumbprints))


def _key_of(secret: Secret) -> OctKey:
    """
    Return the octets of a `client_secret` as a key (RFC 7518 section 3.2), whatever its length.

    Not by `import_key`: it warns of short ones and refuses what looks like a public key, but it is
    the server that chose the secret. To HMAC an empty key is the same as a zero (RFC 2104).
    """
    from joserfc.jwk import OctKey  # noqa: PLC0415  # slow, and few clients sign

    octets = secret.reveal().encode() or b"\0"
    return OctKey(octets, octets)


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
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(digest).decode("ascii")


def _encoded(value: Mapping[str, object]) -> bytes:
    return urlsafe_b64encode(msgspec.json.encode(value))
