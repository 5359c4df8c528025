"""The members of a token endpoint's answer that are looked at, and its tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from operator import attrgetter

import msgspec

from scopeprobe.model.http import HttpResponse
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.masking import Mask
from scopeprobe.oauth.scope_lists import scope_list

_DESCRIPTIONS = (
    "error_description", "description", "errorSummary", "message", "error_reason", "error_hint",
    "hint", "title", "detail",
)  # fmt: skip
_CODES = ("errorCode", "code", "error_code")
_codes_of = attrgetter(*_CODES)
_descriptions_of = attrgetter(*_DESCRIPTIONS)
_NESTED = ("reason", "status", "faultstring", "errorcode")
"""What else objects in an error say of it (Google APIs, Apigee)."""
_MOST_NESTED = 10
_LONGEST_CODE = 2000
_REFUSED_SCOPES = ("invalid_scopes", "denied_scopes")
"""Members that list what was refused; `scope` lists what is allowed (Cloud Foundry UAA)."""


class Body(msgspec.Struct):
    """A success (RFC 6749 section 5.1) or an error (section 5.2, or a vendor's own members)."""

    access_token: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """Raw, as the other tokens are: whatever a server puts there, the rest is read."""
    refresh_token: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    id_token: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    scope: object = None
    error: object = None
    errors: object = None
    fault: object = None
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
_decode_text = msgspec.json.Decoder(str).decode


@dataclass(slots=True)
class Content:
    """A body as it was read. It belongs to its response, and dies with it."""

    body: Body | None = field(repr=False)
    """None where it is no JSON object."""
    token: str = field(repr=False)
    """The access token as text; empty where there is none."""


def content_of(response: HttpResponse) -> Content:
    """What a response says; its body is read when it is first asked for."""
    content = response.content
    if not isinstance(content, Content):
        body = _read(response.body)
        content = Content(body, "" if body is None else _text_of(body.access_token))
        response.content = content
    return content


def _read(body: bytes) -> Body | None:
    try:
        return _decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _decode(body.decode("utf-8", "replace").encode())
    except (ValueError, RecursionError):
        return None


def _text_of(token: msgspec.Raw | msgspec.UnsetType) -> str:
    """A token as text; empty where there is none, or it is no text."""
    if token is msgspec.UNSET:
        return ""
    try:
        return _decode_text(token).strip()
    except (ValueError, RecursionError):
        return ""


def tokens_in(content: Content) -> Iterator[str]:
    """All tokens of an answer, so that they can be masked in its other members."""
    if (body := content.body) is not None:
        tokens = (content.token, _text_of(body.refresh_token), _text_of(body.id_token))
        yield from filter(None, tokens)


# -- errors


def error_members(response: HttpResponse, body: Body | None) -> tuple[str, list[str]]:
    """The error code and the descriptions, from whichever members hold them."""
    if body is None:
        return "", [text for text in [_plain_text(response)] if text]
    nested = [one for value in (body.error, body.errors, body.fault) for one in _objects_in(value)]
    codes = [body.error, *_codes_of(body)]
    codes += [one.get(name) for one in nested for name in _CODES]
    texts = [*_descriptions_of(body)]
    texts += [one.get(name) for one in nested for name in (*_DESCRIPTIONS, *_NESTED)]
    return next(_strings(codes), "")[:_LONGEST_CODE], list(_strings(texts))


def _objects_in(value: object) -> list[dict[str, object]]:
    """The objects that a member holds: Google's `error.errors`, Apigee's `fault.detail`."""
    if not isinstance(value, list | dict):
        return []
    outer = value if isinstance(value, list) else [value]
    objects = [one for one in outer[:_MOST_NESTED] if isinstance(one, dict)]
    inner = [one.get(name) for one in objects for name in ("errors", "detail")]
    lists = [value if isinstance(value, list) else [value] for value in inner]
    deeper = [one for values in lists for one in values[:_MOST_NESTED] if isinstance(one, dict)]
    return objects + deeper


def refused_in_members(body: Body | None, asked: Collection[Scope], mask: Mask) -> set[Scope]:
    """The scopes in members of their own, which say by their name that these were refused."""
    lists = (scope_list(getattr(body, name, None), asked, mask) for name in _REFUSED_SCOPES)
    return {scope for listed in lists for scope in listed or ()}


def _strings(values: Iterable[object]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str) and value.strip())


def _plain_text(response: HttpResponse) -> str:
    """
    An error in plain words, as Entra ID sends its throttle.

    A page says nothing to a program. Half an object, or a form, may hold a token or half of one.
    """
    is_error = response.status >= HTTPStatus.BAD_REQUEST
    is_plain = response.body.lstrip()[:1] not in {b"<", b"{", b"["}
    if not (is_error and is_plain) or b"access_token" in response.body:
        return ""
    return response.body[:1000].decode("utf-8", "replace")
