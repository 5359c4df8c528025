"""How each authentication method is written (RFC 6749 section 2.3, RFC 7523, RFC 8705)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, assert_never

from scopeprobe.model.client import AuthMethod, Client, GrantType
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.urls import percent_encoded
from scopeprobe.oauth.assertions import AssertionWriter, Clock, RandomHex, wall_clock

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What authenticates a client in a request: form parameters or headers, never both."""

    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


class Authenticator:
    """
    Authenticates the requests of one client to any endpoint of its server.

    Credentials that never change are encoded once. An assertion is fresh each time, and its
    audience is always the token endpoint (RFC 7523 section 3): RFC 7662 section 2.1 and RFC 7009
    section 2.1 leave it open for the other endpoints, and servers accept that one there too.
    """

    def __init__(
        self, client: Client, *, now: Clock = wall_clock, token_hex: RandomHex = secrets.token_hex
    ) -> None:
        self.endpoint = token_endpoint(client)
        """Where this client's token requests go."""
        self._write = _writer(client, now, token_hex)

    def authenticate(self) -> Credentials:
        return self._write()


def token_endpoint(client: Client) -> str:
    """Where a client asks: with a certificate perhaps at another endpoint (RFC 8705 section 5)."""
    server = client.server
    if client.certificate is not None and server.endpoints.mtls_token:
        return server.endpoints.mtls_token
    return server.endpoints.token


def _writer(client: Client, now: Clock, token_hex: RandomHex) -> Callable[[], Credentials]:
    if client.grant_type is GrantType.JWT_BEARER:
        return Credentials  # the grant's own assertion says who it is (RFC 7521 section 4.1)
    named = (("client_id", client.client_id),)
    match client.auth_method:
        case AuthMethod.CLIENT_SECRET_BASIC:
            value = basic(client.client_id, _secret(client), client.server.traits.basic_encoding)
            fixed = Credentials(headers=(("Authorization", f"Basic {value}"),))
        case AuthMethod.CLIENT_SECRET_POST:
            fixed = Credentials((*named, ("client_secret", _secret(client))))
        case AuthMethod.CLIENT_SECRET_JWT | AuthMethod.PRIVATE_KEY_JWT:
            return _assertion_writer(client, now, token_hex)
        case AuthMethod.TLS_CLIENT_AUTH | AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH | AuthMethod.NONE:
            fixed = Credentials(named)
        case _:
            assert_never(client.auth_method)
    return lambda: fixed


def _assertion_writer(
    client: Client, now: Clock, token_hex: RandomHex
) -> Callable[[], Credentials]:
    """Write a fresh assertion each time, or read the ready one as it is then."""
    ready = client.assertion
    assertion = (
        ready.reveal
        if ready is not None
        else AssertionWriter.of(client, now=now, token_hex=token_hex).authentication
    )
    named = (("client_id", client.client_id), ("client_assertion_type", ASSERTION_TYPE))
    return lambda: Credentials((*named, ("client_assertion", assertion())))


def _secret(client: Client) -> str:
    return client.secret.reveal() if client.secret else ""


def basic(client_id: str, secret: str, encoding: BasicEncoding) -> str:
    """
    Join id and secret for HTTP Basic.

    RFC 6749 section 2.3.1 form-urlencodes both first. A space becomes `%20` and not `+`: both are
    read alike by servers that follow the RFC, and only `%20` by those that merely percent-decode.
    """
    if encoding is BasicEncoding.RFC6749:
        client_id, secret = percent_encoded(client_id), percent_encoded(secret)
    return base64.b64encode(f"{client_id}:{secret}".encode()).decode("ascii")
