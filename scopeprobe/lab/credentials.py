"""The credentials in a request (RFC 6749 section 2.3, RFC 7523 section 2.2), read."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

from scopeprobe.lab.jose import peek
from scopeprobe.lab.refusals import Refusal
from scopeprobe.lab.schema import AuthMethod, BasicEncoding, CredentialRules

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who a client says it is, and how it wants to prove it."""

    client_id: str
    secret: str | None = field(repr=False)
    method: AuthMethod
    assertion: str | None = field(default=None, repr=False)


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
    client_id, secret = (undo(part, rules.basic_encoding) for part in pair)
    return settle(client_id, form.get("client_id"), rules) or Credentials(
        form.get("client_id", client_id), secret, "client_secret_basic"
    )


def settle(client_id: str, beside: str | None, rules: CredentialRules) -> Refusal | None:
    """What a server says to a client_id in the body beside that of Basic; None: it is used."""
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


def undo(text: str, encoding: BasicEncoding) -> str:
    match encoding:
        case "rfc6749":
            return unquote_plus(text)
        case "percent":
            return unquote(text)
        case "raw":
            return text
