"""A token request as it came over the wire (RFC 6749 sections 2.3, 3.2 and 4.4.2), read."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, unquote_plus

import msgspec

from scopeprobe.lab.answers import Refusal
from scopeprobe.lab.proofs import peek
from scopeprobe.lab.schema import JWT_BEARER, AuthMethod, BasicEncoding, CredentialRules, Profile

FORM = "application/x-www-form-urlencoded"

JSON = "application/json"

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


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
class Credentials:
    """Who a client says it is, and how it proves that."""

    client_id: str
    secret: str | None = field(repr=False)
    method: AuthMethod
    assertion: str | None = field(default=None, repr=False)


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


def read_credentials(
    authorization: str | None, form: Mapping[str, str], rules: CredentialRules
) -> Credentials | Refusal:
    """Find the credentials; there must be one authentication method only (section 2.3)."""
    in_body = read_body_credentials(form)
    if authorization is None:
        return in_body
    if in_body.method != "none":
        return in_body if rules.two_mechanisms == "body" else rules.two_mechanisms
    return read_basic(authorization, form, rules)


def read_basic(
    authorization: str, form: Mapping[str, str], rules: CredentialRules
) -> Credentials | Refusal:
    pair = decode_basic(authorization)
    if pair is None:
        return rules.bad_basic
    if rules.bad_encoding and any(map(BAD_PERCENT.search, pair)):
        return rules.bad_encoding
    client_id, secret = (decode(part, rules.basic_encoding) for part in pair)
    return check_second_id(client_id, form.get("client_id"), rules) or Credentials(
        form.get("client_id", client_id), secret, "client_secret_basic"
    )


def check_second_id(client_id: str, beside: str | None, rules: CredentialRules) -> Refusal | None:
    """The refusal of a client_id in the body beside that of Basic; None: it is accepted."""
    if beside is None or rules.client_id_beside_basic == "body":
        return None
    if isinstance(rules.client_id_beside_basic, Refusal):
        return rules.client_id_beside_basic
    return None if beside == client_id else rules.bad_basic


def read_body_credentials(form: Mapping[str, str]) -> Credentials:
    """The credentials of a body; the method of one without any is `none`."""
    client_id = form.get("client_id", "")
    if form.get("client_assertion_type") == ASSERTION_TYPE and "client_assertion" in form:
        assertion = form["client_assertion"]
        seen = peek(assertion)
        symmetric = str(seen.header.get("alg", "")).startswith("HS")
        return Credentials(
            str(seen.claims.get("sub", client_id)),
            None,
            "client_secret_jwt" if symmetric else "private_key_jwt",
            assertion,
        )
    if "client_secret" in form:
        return Credentials(client_id, form["client_secret"], "client_secret_post")
    return Credentials(client_id, None, "none")


def decode_basic(authorization: str) -> tuple[str, str] | None:
    """Id and secret of HTTP Basic (RFC 7617), still encoded; None where it is something else."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        return None
    client_id, colon, secret = text.partition(":")
    return (client_id, secret) if colon else None


def decode(text: str, encoding: BasicEncoding) -> str:
    """Undo what a client did to its id and secret before it joined them."""
    match encoding:
        case "rfc6749":
            return unquote_plus(text)
        case "percent":
            return unquote(text)
        case "raw":
            return text
