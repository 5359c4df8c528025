"""The members of a token endpoint's answer that are looked at; the token stays raw bytes."""

from __future__ import annotations

import msgspec


class Body(msgspec.Struct):
    """A success (RFC 6749 section 5.1) or an error (section 5.2, or a vendor's own members)."""

    access_token: msgspec.Raw = msgspec.Raw()
    refresh_token: msgspec.Raw = msgspec.Raw()
    id_token: msgspec.Raw = msgspec.Raw()
    scope: object = None
    error: object = None
    error_description: object = None
    description: object = None
    errorSummary: object = None  # noqa: N815 - Okta's name for it
    message: object = None
    error_reason: object = None
    errorCode: object = None  # noqa: N815 - Okta's name for it
    code: object = None
    error_code: object = None
    error_hint: object = None
    hint: object = None
    title: object = None
    detail: object = None
    invalid_scopes: object = None
    denied_scopes: object = None


_decode = msgspec.json.Decoder(Body).decode


def read_body(body: bytes) -> Body | None:
    """The members of a JSON object, or None where the body is anything else."""
    try:
        return _decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _decode(body.decode("utf-8", "replace").encode())
    except (ValueError, RecursionError):
        return None


def token_text(token: msgspec.Raw) -> str:
    """The token as text, for as long as its claims are read; empty where it is no text."""
    try:
        text = msgspec.json.decode(token, type=str) if bytes(token) else ""
    except (ValueError, RecursionError):
        return ""
    return text.strip()


def tokens_in(body: Body) -> list[str]:
    """All tokens of an answer, so that they can be masked in its other members."""
    return [token_text(token) for token in (body.access_token, body.refresh_token, body.id_token)]
