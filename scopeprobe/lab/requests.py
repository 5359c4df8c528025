"""A token request as it came over the wire (RFC 6749 sections 2.3, 3.2 and 4.4.2), read."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus

from scopeprobe.lab.manners import AuthMethod, BasicEncoding, Refusal

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of an HTTP POST that the token endpoint looks at."""

    content_type: str
    authorization: str | None = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who a client says it is, and how it wants to prove it."""

    client_id: str
    secret: str | None = field(repr=False)
    method: AuthMethod


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One well-formed token request."""

    credentials: Credentials
    grant_type: str
    scopes: tuple[str, ...] | None
    """In the order of the request, each once; None where no scope was sent."""

    @property
    def client_id(self) -> str:
        return self.credentials.client_id


def read_token_request(message: Message, encoding: BasicEncoding) -> TokenRequest | Refusal:
    """Read a token request, or say why it is malformed."""
    if message.content_type != FORM:
        return malformed(f"The body must be {FORM}.")
    form = read_form(message.body)
    if form is None:
        return malformed("A parameter is included more than once.")
    credentials = read_credentials(message.authorization, form, encoding)
    if isinstance(credentials, Refusal):
        return credentials
    if "grant_type" not in form:
        return malformed("The parameter grant_type is missing.")
    return TokenRequest(credentials, form["grant_type"], read_scopes(form.get("scope")))


def read_form(body: bytes) -> dict[str, str] | None:
    """
    The parameters that have a value; None where one is repeated.

    One without a value counts as omitted (RFC 6749 section 3.2).
    """
    pairs = parse_qsl(body.decode("utf-8", errors="replace"), keep_blank_values=True)
    if any(count > 1 for count in Counter(name for name, _ in pairs).values()):
        return None
    return {name: value for name, value in pairs if value}


def read_credentials(
    authorization: str | None, form: dict[str, str], encoding: BasicEncoding
) -> Credentials | Refusal:
    """Find the credentials; there must be one authentication method only (section 2.3)."""
    if authorization is None:
        method: AuthMethod = "client_secret_post" if "client_secret" in form else "none"
        return Credentials(form.get("client_id", ""), form.get("client_secret"), method)
    if "client_secret" in form:
        return malformed("More than one method of client authentication was used.")
    pair = decode_basic(authorization, encoding)
    if pair is None:
        return malformed("The Authorization header is not HTTP Basic.")
    client_id, secret = pair
    if form.get("client_id", client_id) != client_id:
        return malformed("The client_id differs from that of the Authorization header.")
    return Credentials(client_id, secret, "client_secret_basic")


def decode_basic(authorization: str, encoding: BasicEncoding) -> tuple[str, str] | None:
    """Id and secret of HTTP Basic (RFC 7617); None where it is something else."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        return None
    client_id, colon, secret = text.partition(":")
    if not colon:
        return None
    if encoding == "raw":
        return client_id, secret
    return unquote_plus(client_id), unquote_plus(secret)


def read_scopes(scope: str | None) -> tuple[str, ...] | None:
    tokens = filter(None, (scope or "").split(" "))
    return tuple(dict.fromkeys(tokens)) or None


def malformed(description: str) -> Refusal:
    """The `invalid_request` of RFC 6749 section 5.2."""
    return Refusal(status=400, error="invalid_request", description=description)
