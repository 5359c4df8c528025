"""
A client's private key: PEM, JWK, PKCS#12, or in the JSON file of a Google service account.

This module is slow to import, so it is imported when the first key is to be parsed. No error
holds a piece of a key, and neither does its cause: hence `from None`.
"""

from __future__ import annotations

import binascii
import hashlib
import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates
from cryptography.x509 import Certificate, load_pem_x509_certificates
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.util import base64_to_int

from scopeprobe.model.client import SigningKey

SMALLEST_RSA = 2048
"""Bits (RFC 7518 section 3.3)."""

READABLE = "PEM, JWK (JSON), PKCS#12, or the JSON file of a Google service account"


class UnusableKey(Exception):
    """The key cannot be used; the text tells the user why and holds nothing of the key."""


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A key, and what its file says about its client."""

    signing: SigningKey
    client_email: str = ""
    """The `client_id` of a Google service account."""


@dataclass(frozen=True, slots=True)
class _Material:
    """What is read from a key's file before it is known whether the key can sign."""

    private: PrivateKeyTypes = field(repr=False)
    kid: str = ""
    alg: str = ""
    client_email: str = ""
    certificate: Certificate | None = None


def parse_key(data: bytes, *, password: str | None, alg: str) -> ParsedKey:
    """
    Parse a private key.

    :param alg: `token_endpoint_auth_signing_alg`; where empty, the key decides.
    :raises UnusableKey: it is no private key, stays locked, is too weak, or `alg` does not fit.
    """
    material = _material(data, password)
    fitting = _algorithms_of(material.private)
    chosen = alg or material.alg or fitting[0]
    if chosen not in fitting:
        raise UnusableKey(f"{chosen} is not for a key of this type: {', '.join(fitting)}")
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
        raise UnusableKey("is not valid JSON") from None
    match members:
        case {"kty": str(), "d": str()}:
            return _of_jwk(members)
        case {"kty": "oct"}:
            raise UnusableKey("is a symmetric key: give it as client_secret to client_secret_jwt")
        case {"kty": str()}:
            raise UnusableKey("is a public key (it has no `d`): give the private one")
        case {"keys": _}:
            raise UnusableKey("is a set of keys: give one JWK of it")
        case {"private_key": str(pem)}:
            kid, email = (str(members.get(key, "")) for key in ("private_key_id", "client_email"))
            text = pem.encode("ascii", "replace")  # what is no ASCII is no PEM either
            return replace(_of_pem(text, password), kid=kid, client_email=email)
        case _:
            raise UnusableKey(f"is not a private key: give {READABLE}")


def _of_jwk(members: dict[str, object]) -> _Material:
    private: PrivateKeyTypes | None
    try:
        match members["kty"]:
            case "RSA":
                private = _rsa_key_of(members)
            case "EC":
                key = ECKey.import_key(members)  # type: ignore[arg-type]  # checked in there
                key.check_key_op("sign")
                private = key.private_key
            case "OKP":
                okp = OKPKey.import_key(members)  # type: ignore[arg-type]  # checked in there
                okp.check_key_op("sign")
                private = okp.private_key
            case _:
                raise UnusableKey("has a `kty` that is not RSA, EC or OKP")
    except (JoseError, ValueError, TypeError, KeyError, ArithmeticError):
        raise UnusableKey("is not a JWK that can sign (RFC 7517)") from None
    if members.get("use", "sig") != "sig":
        raise UnusableKey("is a JWK for encryption: give one whose `use` is sig")
    if private is None:
        raise UnusableKey("is a public key: give the private one")
    kid, alg = (str(members.get(key, "")) for key in ("kid", "alg"))
    return _Material(private, kid, alg)


def _of_pem(pem: bytes, password: str | None) -> _Material:
    if b"PRIVATE KEY" not in pem:
        raise UnusableKey("holds no private key: give the one that belongs to it")
    if b"OPENSSH PRIVATE KEY" in pem:
        raise UnusableKey("is an OpenSSH key: `ssh-keygen -p -m PKCS8 -f FILE` converts a copy")
    is_locked = b"ENCRYPTED" in pem
    if is_locked and password is None:
        raise UnusableKey("is encrypted: give private_key_password")
    try:
        private = load_pem_private_key(
            pem,
            password.encode() if is_locked and password is not None else None,
            unsafe_skip_rsa_key_validation=True,  # `_is_sound` is as good here, and 25 times faster
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        cure = "private_key_password does not open it" if is_locked else "it is broken"
        raise UnusableKey(f"is not a private key that can be read: {cure}") from None
    return _Material(private, certificate=_certificate_beside(pem, private))


def _certificate_beside(pem: bytes, private: PrivateKeyTypes) -> Certificate | None:
    """The key's own certificate in the same file: others there are those of its issuers."""
    if b"BEGIN CERTIFICATE" not in pem:
        return None
    try:
        found = load_pem_x509_certificates(pem)
    except ValueError:
        raise UnusableKey("holds a certificate that cannot be read") from None
    public = private.public_key()
    return next((one for one in found if one.public_key() == public), None)


def _of_pkcs12(data: bytes, password: str | None) -> _Material:
    try:
        private, certificate, _ = load_key_and_certificates(
            _binary(data), password.encode() if password is not None else None
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableKey(
            f"cannot be read, or private_key_password does not open it: give {READABLE}"
        ) from None
    if private is None:
        raise UnusableKey("is a PKCS#12 file without a private key")
    return _Material(private, certificate=certificate)


def _binary(data: bytes) -> bytes:
    """Decode base64, as an environment variable needs it; leave anything else as it is."""
    try:
        return b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        return data


def _algorithms_of(private: PrivateKeyTypes) -> tuple[str, ...]:
    """The JWS algorithms that a key can sign with, the usual one first."""
    curves = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
    match private:
        case rsa.RSAPrivateKey():
            if private.key_size < SMALLEST_RSA:
                raise UnusableKey(
                    f"is an RSA key of less than {SMALLEST_RSA} bits: make a longer one"
                )
            if not _is_sound(private):
                raise UnusableKey(
                    "is an RSA key whose numbers do not belong together: it is broken"
                )
            return ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
        case ec.EllipticCurvePrivateKey() if private.curve.name in curves:
            return (curves[private.curve.name],)
        case ed25519.Ed25519PrivateKey():
            return ("EdDSA", "Ed25519")
        case ed448.Ed448PrivateKey():
            return ("EdDSA", "Ed448")
        case _:
            raise UnusableKey("is of a type that signs no JWT: make RSA, P-256, P-384 or Ed25519")


def _jose(private: PrivateKeyTypes) -> Key:
    if isinstance(private, rsa.RSAPrivateKey):
        return RSAKey.import_key(private)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return ECKey.import_key(private)
    return OKPKey.import_key(private)  # type: ignore[arg-type]  # `_algorithms_of` knows them all


def _thumbprints(certificate: Certificate | None) -> tuple[tuple[str, str], ...]:
    """Both thumbprints of a certificate: some servers look only for the older one."""
    if certificate is None:
        return ()
    der = certificate.public_bytes(Encoding.DER)
    digests = {
        "x5t": hashlib.sha1(der, usedforsecurity=False).digest(),
        "x5t#S256": hashlib.sha256(der).digest(),
    }
    return tuple(
        (name, urlsafe_b64encode(digest).rstrip(b"=").decode()) for name, digest in digests.items()
    )


# -- RSA keys, checked without proving that their primes are prime
#
# That proof takes 36 ms for 2048 bits and 250 ms for 4096. It protects from a key that an adversary
# chose; this key is the user's own. It may be broken, though: then its numbers do not fit, or what
# it signs cannot be verified.


def _is_sound(key: rsa.RSAPrivateKey) -> bool:
    """Whether the numbers of a key belong together and its signatures can be verified."""
    numbers = key.private_numbers()
    public = numbers.public_numbers
    p, q, d = numbers.p, numbers.q, numbers.d
    is_odd = p % 2 == q % 2 == public.e % 2 == 1
    if not (is_odd and p > 1 and q > 1 and public.e > 1 and p * q == public.n):
        return False
    fits = (
        d * public.e % (p - 1) == 1
        and d * public.e % (q - 1) == 1
        and (numbers.dmp1, numbers.dmq1) == (d % (p - 1), d % (q - 1))
        and numbers.iqmp * q % p == 1
    )
    if not fits:
        return False
    try:
        signature = key.sign(b"sound", PKCS1v15(), SHA256())
        key.public_key().verify(signature, b"sound", PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _rsa_key_of(jwk: Mapping[str, object]) -> rsa.RSAPrivateKey:
    """
    Read a JWK (RFC 7518 section 6.3.2); without its primes they are computed.

    :raises ValueError, KeyError, TypeError, JoseError: it is no private RSA key.
    """
    RSAKey.validate_dict_key(dict(jwk))  # type: ignore[arg-type]  # this is what checks it
    if "oth" in jwk:
        raise ValueError("more than two primes")
    n, e, d = (base64_to_int(str(jwk[name])) for name in "ned")
    if "p" in jwk:
        p, q = (base64_to_int(str(jwk[name])) for name in "pq")
    else:
        p, q = rsa.rsa_recover_prime_factors(n, e=e, d=d)
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(e, n),
    ).private_key(unsafe_skip_rsa_key_validation=True)
