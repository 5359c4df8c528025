"""Keys and certificates of the fleets: made when they are needed, kept in no repository."""

import base64
import hashlib
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey


@cache
def signing_key(client_id: str, alg: str) -> Key:
    """The private key of one client: one and the same as long as the tests run."""
    parameters = {"alg": alg, "use": "sig", "kid": f"{client_id}-{alg}"}
    match alg:
        case "RS256" | "PS256":
            return RSAKey.generate_key(2048, parameters)
        case "ES256":
            return ECKey.generate_key("P-256", parameters)
        case "ES384":
            return ECKey.generate_key("P-384", parameters)
        case "EdDSA" | "Ed25519":
            return OKPKey.generate_key("Ed25519", parameters)
    raise ValueError(f"no keys are made for {alg}")


@dataclass(frozen=True)
class Identity:
    """What shows who one is in TLS: two PEM files."""

    certificate: Path
    key: Path

    @property
    def thumbprint(self) -> str:
        """`x5t#S256` (RFC 7515 section 4.1.8)."""
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def write_private(path: Path, pem: bytes) -> Path:
    """Only the owner may read a private key."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return path


def self_signed(folder: Path, name: str) -> Identity:
    """A certificate that no authority vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Identity(folder / f"{name}.crt", write_private(folder / f"{name}.key", pem))
