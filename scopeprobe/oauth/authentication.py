"""Client authentication at the token endpoint (RFC 6749 section 2.3), in one place only."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from urllib.parse import quote

from scopeprobe.model.clients import AuthMethod, BasicEncoding, Client


@dataclass(frozen=True, slots=True)
class Credentials:
    """What authenticates a client: form parameters or headers, never both."""

    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def credentials(client: Client) -> Credentials:
    """Write a client's credentials the way its `token_endpoint_auth_method` wants them."""
    secret = client.secret.reveal() if client.secret else ""
    match client.auth_method:
        case AuthMethod.CLIENT_SECRET_BASIC:
            value = basic(client.client_id, secret, client.server.basic_encoding)
            return Credentials(headers=(("Authorization", f"Basic {value}"),))
        case AuthMethod.CLIENT_SECRET_POST:
            return Credentials(
                parameters=(("client_id", client.client_id), ("client_secret", secret))
            )
        case AuthMethod.NONE:
            return Credentials(parameters=(("client_id", client.client_id),))
        case _:
            raise NotImplementedError(client.auth_method)


def basic(client_id: str, secret: str, encoding: BasicEncoding) -> str:
    """
    Join id and secret for HTTP Basic.

    RFC 6749 section 2.3.1 form-urlencodes both first. A space becomes `%20` and not `+`: both are
    read alike by servers that follow the RFC, and only `%20` by those that merely percent-decode.
    """
    if encoding is BasicEncoding.RFC6749:
        client_id, secret = quote(client_id, safe=""), quote(secret, safe="")
    return base64.b64encode(f"{client_id}:{secret}".encode()).decode("ascii")
