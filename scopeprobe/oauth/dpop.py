"""DPoP (RFC 9449): a key that lives for one run, and a proof for each request."""

from __future__ import annotations

import re
import secrets
from typing import Final

from scopeprobe.model.client import SigningKey
from scopeprobe.model.http import HttpResponse
from scopeprobe.model.urls import origin_of
from scopeprobe.oauth.assertions import (
    JTI_BYTES,
    Clock,
    RandomHex,
    Signer,
    thumbprint,
    wall_clock,
)

ALG: Final = "ES256"
NONCE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,2048}")
"""`nonce-syntax` of RFC 9449 section 8.1. The length is ours: servers read 8 KiB of headers."""


class DpopProver:
    """
    Proves that one client holds its key, which lives as long as this object.

    The nonce that an origin gave last is repeated to it until it gives another one.
    """

    def __init__(
        self,
        key: SigningKey | None = None,
        *,
        now: Clock = wall_clock,
        token_hex: RandomHex = secrets.token_hex,
    ) -> None:
        key = key or ephemeral_key()
        public = key.key.as_dict(private=False)
        self._signer = Signer(key.key, key.alg, typ="dpop+jwt", jwk=public)
        self._now, self._token_hex = now, token_hex
        self._nonces: dict[str, str] = {}

    def proof(self, method: str, url: str, *, nonce: str = "", token: str | None = None) -> str:
        """
        Write the `DPoP` header of one request (RFC 9449 section 4.2).

        :param nonce: instead of the one that the URL's origin gave last.
        :param token: the access token that is shown in the same request, at a resource server.
        """
        claims: dict[str, object] = {
            "jti": self._token_hex(JTI_BYTES),
            "htm": method,
            "htu": url.partition("#")[0].partition("?")[0],
            "iat": int(self._now().timestamp()),
        }
        if known := nonce or self._nonces.get(origin_of(url)):
            claims["nonce"] = known
        if token is not None:
            claims["ath"] = thumbprint(token)
        return self._signer.jwt(claims)

    def remember(self, url: str, response: HttpResponse) -> bool:
        """
        Keep the `DPoP-Nonce` of any response of this URL, be it an error or a success.

        Return whether it is a new one: only then can asking again succeed.
        """
        nonce = response.headers.get("DPoP-Nonce", "")
        origin = origin_of(url)
        if not NONCE.fullmatch(nonce) or self._nonces.get(origin) == nonce:
            return False
        self._nonces[origin] = nonce
        return True


def ephemeral_key() -> SigningKey:
    from joserfc.jwk import ECKey  # noqa: PLC0415  # slow, and few clients need it

    return SigningKey(ECKey.generate_key("P-256"), ALG)
