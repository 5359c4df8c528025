"""
A client's private key: PEM, JWK, PKCS#12, or in the JSON file of a Google service account.

A complaint never holds a piece of the key, and neither does its cause: `from None`.
"""

from __future__ import annotations

import binascii
import hashlib
import json
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from scopeprobe.inputs.rsa import is_sound, rsa_key_of
from scopeprobe.model.client import SigningKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate
    from joserfc.jwk import Key

SMALLEST_RSA = 2048
"""Bits (RFC 7518 section 3.3)."""

FINDING_KINDS = "PEM, JWK (JSON), PKCS#12, or the JSON file of a Google service account"


class Unusable(Exception):
    """Why a key cannot be used, in words that hold nothing of it."""


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A key with what its file says of it."""

    signing: SigningKey
    client_email: str = ""
    """The `client_id` of a Google service account."""


@dataclass(frozen=True, slots=True)
class _Material:
    private: PrivateKeyTypes = field(repr=False)
    kid: str = ""
    alg: str = ""
    client_email: str = ""
    certificate: Certificate | None = None


_Content: TypeAlias = tuple[bytes, str | None, str]


class KeyRing:
    """Parses keys, each content once: many clients may share a key."""

    def __init__(self) -> None:
        self._parsed: dict[_Content, ParsedKey | Unusable] = {}

    def parsed(self, data: bytes, *, password: str | None, alg: str, kid: str) -> ParsedKey:
        """
        Parse a key.

        :param alg: `token_endpoint_auth_signing_alg`; where empty, the key decides.
        :param kid: instead of the one in the key's file.
        :raises Unusable: it is no private key, stays locked, is too weak, or `alg` does not fit.
        """
        content = (hashlib.sha256(data).digest(), password, alg)
        if content not in self._parsed:
            try:
                self._parsed[content] = _parse(data, password, alg)
            except Unusable as error:
                self._parsed[content] = error
        found = self._parsed[content]
        if isinstance(found, Unusable):
            raise found
        return replace(found, signing=replace(found.signing, kid=kid)) if kid else found


def _parse(data: bytes, password: str | None, alg: str) -> ParsedKey:
    material = _material(data, password)
    fitting = _algorithms_of(material.private)
    chosen = alg or material.alg or fitting[0]
    if chosen not in fitting:
        raise Unusable(f"{chosen} is not for a key of this type: {', '.join(fitting)}")
    signing = SigningKey(
        _jose(material.private), chosen, material.kid, _thumbprints(material.certificate)
    )
    return ParsedKey(signing, material.client_email)


def _material(data: bytes, password: str | None) -> _Material:
    text = data.strip()
    if text.startswith(b"{"):
        return _of_json(text, password)
    if b"-----BEGIN " in text:
        return _of_pem(text, password)
    return _of_pkcs12(data, password)


def _of_json(text: bytes, password: str | None) -> _Material:
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        raise Unusable("is not valid JSON") from None
    match members:
        case {"kty": str(), "d": str()}:
            return _of_jwk(members)
        case {"kty": "oct"}:
            raise Unusable("is a symmetric key: give it as client_secret to client_secret_jwt")
        case {"kty": str()}:
            raise Unusable("is a public key (it has no `d`): give the private one")
        case {"keys": _}:
            raise Unusable("is a set of keys: give one JWK of it")
        case {"private_key": str(pem)}:
            kid, email = (str(members.get(key, "")) for key in ("private_key_id", "client_email"))
            text = pem.encode("ascii", "replace")  # what is no ASCII is no PEM either
            return replace(_of_pem(text, password), kid=kid, client_email=email)
        case _:
            raise Unusable(f"is not a private key: give {FINDING_KINDS}")


def _of_jwk(members: dict[str, object]) -> _Material:
    from joserfc.errors import JoseError  # noqa: PLC0415  # slow, and few clients have keys
    from joserfc.jwk import ECKey, OKPKey  # noqa: PLC0415

    private: PrivateKeyTypes | None
    try:
        match members["kty"]:
            case "RSA":
                private = rsa_key_of(members)
            case "EC":
                key = ECKey.import_key(members)  # type: ignore[arg-type]  # checked in there
                key.check_key_op("sign")
                private = key.private_key
            case "OKP":
                okp = OKPKey.import_key(members)  # type: ignore[arg-type]  # checked in there
                okp.check_key_op("sign")
                private = okp.private_key
            case _:
                raise Unusable("has a `kty` that is not RSA, EC or OKP")
    except (JoseError, ValueError, TypeError, KeyError, ArithmeticError):
        raise Unusable("is not a JWK that can sign (RFC 7517)") from None
    if members.get("use", "sig") != "sig":
        raise Unusable("is a JWK for encryption: give one whose `use` is sig")
    if private is None:
        raise Unusable("is a public key: give the private one")
    kid, alg = (str(members.get(key, "")) for key in ("kid", "alg"))
    return _Material(private, kid, alg)


def _of_pem(pem: bytes, password: str | None) -> _Material:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  # slow: see above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    if b"PRIVATE KEY" not in pem:
        raise Unusable("holds no private key: give the one that belongs to it")
    if b"OPENSSH PRIVATE KEY" in pem:
        raise Unusable("is an OpenSSH key: `ssh-keygen -p -m PKCS8 -f FILE` converts a copy")
    is_locked = b"ENCRYPTED" in pem
    if is_locked and password is None:
        raise Unusable("is encrypted: give private_key_password")
    try:
        private = load_pem_private_key(
            pem,
            password.encode() if is_locked and password is not None else None,
            unsafe_skip_rsa_key_validation=True,  # `is_sound` is as good here, and 25 times faster
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        cure = "private_key_password does not open it" if is_locked else "it is broken"
        raise Unusable(f"is not a private key that can be read: {cure}") from None
    return _Material(private, certificate=_certificate_beside(pem, private))


def _certificate_beside(pem: bytes, private: PrivateKeyTypes) -> Certificate | None:
    """Find the key's own certificate in the same file: others there are its issuers'."""
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415  # slow: see above

    if b"BEGIN CERTIFICATE" not in pem:
        return None
    try:
        found = load_pem_x509_certificates(pem)
    except ValueError:
        raise Unusable("holds a certificate that cannot be read") from None
    public = private.public_key()
    return next((one for one in found if one.public_key() == public), None)


def _of_pkcs12(data: bytes, password: str | None) -> _Material:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  # slow: see above
    from cryptography.hazmat.primitives.serialization.pkcs12 import (  # noqa: PLC0415
        load_key_and_certificates,
    )

    try:
        private, certificate, _ = load_key_and_certificates(
            _binary(data), password.encode() if password is not None else None
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unusable(
            f"cannot be read, or private_key_password does not open it: give {FINDING_KINDS}"
        ) from None
    if private is None:
        raise Unusable("is a PKCS#12 file without a private key")
    return _Material(private, certificate=certificate)


def _binary(data: bytes) -> bytes:
    """Take base64 off: an environment variable holds no binary file."""
    try:
        return b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        return data


def _algorithms_of(private: PrivateKeyTypes) -> tuple[str, ...]:
    """Name the algorithms that a key can sign with, the usual one first."""
    from cryptography.hazmat.primitives.asymmetric import (  # noqa: PLC0415  # slow: see above
        ec,
        ed448,
        ed25519,
        rsa,
    )

    curves = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
    match private:
        case rsa.RSAPrivateKey():
            if private.key_size < SMALLEST_RSA:
                raise Unusable(f"is an RSA key of less than {SMALLEST_RSA} bits: make a longer one")
            if not is_sound(private):
                raise Unusable("is an RSA key whose numbers do not belong together: it is broken")
            return ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
        case ec.EllipticCurvePrivateKey() if private.curve.name in curves:
            return (curves[private.curve.name],)
        case ed25519.Ed25519PrivateKey():
            return ("EdDSA", "Ed25519")
        case ed448.Ed448PrivateKey():
            return ("EdDSA", "Ed448")
        case _:
            raise Unusable("is of a type that signs no JWT: make RSA, P-256, P-384 or Ed25519")


def _jose(private: PrivateKeyTypes) -> Key:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415  # see above
    from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: PLC0415

    if isinstance(private, rsa.RSAPrivateKey):
        return RSAKey.import_key(private)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return ECKey.import_key(private)
    return OKPKey.import_key(private)  # type: ignore[arg-type]  # `_algorithms_of` knows them all


def _thumbprints(certificate: Certificate | None) -> tuple[tuple[str, str], ...]:
    """Hash a certificate in both ways: some servers look only for the older one."""
    if certificate is None:
        return ()
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415  # see above

    der = certificate.public_bytes(Encoding.DER)
    digests = {
        "x5t": hashlib.sha1(der, usedforsecurity=False).digest(),
        "x5t#S256": hashlib.sha256(der).digest(),
    }
    return tuple(
        (name, urlsafe_b64encode(digest).rstrip(b"=").decode()) for name, digest in digests.items()
    )
