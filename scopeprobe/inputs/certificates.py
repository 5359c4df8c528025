"""Certificates that clients show in the TLS handshake (RFC 8705), tried before anything is sent."""

from __future__ import annotations

import ssl
from pathlib import Path

from scopeprobe.model.client import Certificate


class Certificates:
    """Loads certificates with their keys, each pair once."""

    def __init__(self) -> None:
        self._faults: dict[tuple[Path, Path, str], str] = {}

    def fault_of(self, certificate: Certificate) -> str:
        """Say why TLS could not use a certificate; empty where it can."""
        password = certificate.password.reveal() if certificate.password else ""
        pair = (certificate.certificate, certificate.key, password)
        if pair not in self._faults:
            self._faults[pair] = _fault_of(*pair)
        return self._faults[pair]


def _fault_of(certificate: Path, key: Path, password: str) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        # A password in any case, or OpenSSL would ask on the terminal.
        context.load_cert_chain(certificate, key, lambda: password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return "and tls_client_key do not belong together"
        return (
            "cannot be used: it and tls_client_key must be PEM, "
            "and private_key_password must open the key if it is encrypted"
        )
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        return f"cannot be read: {said or 'private_key_password is too long'}"
    return ""
