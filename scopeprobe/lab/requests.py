"""A token request as it came over the wire (RFC 6749 sections 2.3, 3.2 and 4.4.2), read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import msgspec

from scopeprobe.lab.credentials import Credentials, read_credentials
from scopeprobe.lab.jose import peek
from scopeprobe.lab.refusals import Refusal
from scopeprobe.lab.schema import JWT_BEARER, Profile

FORM = "application/x-www-form-urlencoded"

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of an HTTP request that a server of the lab looks at."""

    content_type: str = ""
    authorization: str | None = field(default=None, repr=False)
    body: bytes = field(default=b"", repr=False)
    method: str = "POST"
    dpop: str | None = field(default=None, repr=False)
    """The DPoP header (RFC 9449 section 4.1)."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One well-formed token request."""

    credentials: Credentials
    grant_type: str
    scopes: tuple[str, ...] | None
    """In the order of the request, each once; None: no such parameter, (): an empty one."""
    target: str | None = None
    """The `audience` or `resource`, whichever of them the profile looks at."""
    proof: str | None = field(default=None, repr=False)

    @property
    def client_id(self) -> str:
        return self.credentials.client_id


def read_token_request(message: Message, profile: Profile) -> TokenRequest | Refusal:
    """Read a token request, or say why it is malformed."""
    form = read_body(message, profile)
    if isinstance(form, Refusal):
        return form
    credentials = read_credentials(message.authorization, form, profile.credentials)
    if isinstance(credentials, Refusal):
        return credentials
    grant_type = form.get("grant_type")
    if not grant_type:
        return profile.body.no_grant_type
    scope = form.get("scope")
    if grant_type == JWT_BEARER:
        credentials, scope = read_bearer(form.get("assertion", ""))
    return TokenRequest(
        credentials,
        grant_type,
        read_scopes(scope),
        form.get(profile.target.parameter) if profile.target else None,
        message.dpop,
    )


def read_bearer(assertion: str) -> tuple[Credentials, str | None]:
    """Who the assertion of a JWT bearer grant speaks for, and the scopes that it asks for."""
    claims = peek(assertion).claims
    scope = claims.get("scope")
    return (
        Credentials(str(claims.get("iss", "")), None, "private_key_jwt", assertion),
        scope if isinstance(scope, str) else None,
    )


def read_body(message: Message, profile: Profile) -> dict[str, str] | Refusal:
    """The parameters of a body; one that is empty counts as omitted (section 3.2), but `scope`."""
    rules = profile.body
    if message.content_type == JSON and rules.json == "accepted":
        return read_json(message.body) or rules.not_form
    if message.content_type != FORM:
        return rules.not_form
    form = read_form(message.body)
    if form is None:
        return rules.repeated
    return {name: value for name, value in form.items() if value or name == "scope"}


def read_json(body: bytes) -> dict[str, str]:
    """The texts of a JSON object; empty where it is something else."""
    try:
        members = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    if not isinstance(members, Mapping):
        return {}
    return {name: value for name, value in members.items() if isinstance(value, str)}


def read_form(body: bytes) -> dict[str, str] | None:
    """The parameters of a form; None where one is repeated."""
    pairs = parse_qsl(body.decode("utf-8", errors="replace"), keep_blank_values=True)
    if any(count > 1 for count in Counter(name for name, _ in pairs).values()):
        return None
    return dict(pairs)


def read_scopes(scope: str | None) -> tuple[str, ...] | None:
    return None if scope is None else tuple(dict.fromkeys(filter(None, scope.split(" "))))
