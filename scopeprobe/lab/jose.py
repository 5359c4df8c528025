"""JSON Web Tokens that clients send: looked at unverified, and verified (RFC 7515, RFC 7519)."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import Key, KeySet, OctKey, import_key


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a JWT says about itself. Both parts are empty where it is none."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any] = field(repr=False)


def peek(token: str) -> Unverified:
    """Look into a JWT before anything about it is known to be true."""
    header, _, rest = token.partition(".")
    return Unverified(read_part(header), read_part(rest.partition(".")[0]))


def read_part(part: str) -> Mapping[str, Any]:
    try:
        members = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, msgspec.DecodeError):
        return {}
    return members if isinstance(members, Mapping) else {}


def verify(token: str, key: Key | KeySet, algorithms: tuple[str, ...]) -> bool:
    """Whether the signature is by this key with one of these algorithms."""
    try:
        with quiet(peek(token).header.get("alg")):
            jwt.decode(token, key, algorithms=[*algorithms])
    except (JoseError, ValueError, TypeError):
        return False
    return True


def quiet(algorithm: object) -> warnings.catch_warnings[None] | nullcontext[None]:
    """`EdDSA` is what clients still send, though RFC 9864 would rather have `Ed25519`."""
    if algorithm != "EdDSA":
        return nullcontext()
    return warnings.catch_warnings(category=SecurityWarning, action="ignore")


def read_keys(keys: Mapping[str, Any]) -> Key | KeySet | None:
    """A client's registered JWK or JWK Set (RFC 7517); None where it is neither."""
    try:
        if "keys" in keys:
            return KeySet.import_key_set({"keys": [*keys["keys"]]})
        return import_key({**keys})
    except (JoseError, ValueError, TypeError):
        return None


def secret_key(secret: str) -> OctKey:
    """The key of `client_secret_jwt`: the secret's octets."""
    return OctKey.import_key(secret)
