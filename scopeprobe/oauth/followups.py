"""What is asked with a token in hand: about it, on its behalf, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from scopeprobe.model.client import Client
from scopeprobe.model.http import HttpRequest, Purpose
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.oauth.client_auth import Credentials, basic
from scopeprobe.oauth.token_request import RequestWriter, common_headers


@dataclass(frozen=True, slots=True)
class FollowUps:
    """Writes the requests that follow a token request of one client."""

    client: Client
    writer: RequestWriter

    def introspection(self, token: str) -> HttpRequest:
        """RFC 7662 section 2.1, by the resource server that may ask, or by the client itself."""
        server = self.client.server
        introspector = server.introspector
        if introspector is None or introspector.secret is None:
            credentials = self.writer.authenticator.authenticate()
        else:
            secret = introspector.secret.reveal()
            value = basic(introspector.client_id, secret, BasicEncoding.RFC6749)
            credentials = Credentials(headers=(("Authorization", f"Basic {value}"),))
        return self._form(server.endpoints.introspection, token, credentials, Purpose.INTROSPECTION)

    def revocation(self, token: str) -> HttpRequest:
        """RFC 7009 section 2.1, or the provider's own way."""
        server = self.client.server
        if server.traits.deletes_tokens:
            return self._as_bearer("DELETE", server.endpoints.revocation, token, Purpose.REVOCATION)
        credentials = self.writer.authenticator.authenticate()
        return self._form(server.endpoints.revocation, token, credentials, Purpose.REVOCATION)

    def rights(self, url: str, token: str) -> HttpRequest:
        """Ask a provider's API what the token's bearer may do (RFC 6750 section 2.1)."""
        return self._as_bearer("GET", url, token, Purpose.RIGHTS)

    def _as_bearer(self, method: str, url: str, token: str, purpose: Purpose) -> HttpRequest:
        prover = self.writer.prover
        shown = [("Authorization", f"Bearer {token}")]
        if prover is not None:  # RFC 9449 section 7.1
            proof = prover.proof(method, url, token=token)
            shown = [("Authorization", f"DPoP {token}"), ("DPoP", proof)]
        headers = (*common_headers(self.client.server), *shown)
        return HttpRequest(url, b"", headers, method, purpose)

    def _form(
        self, url: str, token: str, credentials: Credentials, purpose: Purpose
    ) -> HttpRequest:
        parameters = (("token", token), ("token_type_hint", "access_token"))
        headers = (*common_headers(self.client.server), *credentials.headers)
        body = urlencode((*parameters, *credentials.parameters)).encode("ascii")
        return HttpRequest(url, body, headers, purpose=purpose)
