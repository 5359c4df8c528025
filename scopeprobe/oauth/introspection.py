"""Token introspection (RFC 7662): what the server itself says of a token that it just issued."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus

import msgspec

from scopeprobe.model.answers import HttpResponse
from scopeprobe.model.clients import Scope
from scopeprobe.oauth.scopes import scope_list
from scopeprobe.oauth.texts import Mask


class _Introspected(msgspec.Struct):
    active: object = None
    scope: object = None


_decode = msgspec.json.Decoder(_Introspected).decode


def introspected_scopes(
    response: HttpResponse, asked: Collection[Scope], mask: Mask
) -> tuple[Scope, ...] | None:
    """
    The scopes of an active token (RFC 7662 section 2.2), or None where that is not told.

    An inactive token that was issued a moment ago, or one without `scope`, proves nothing: a server
    may tell each caller only what concerns it.
    """
    if response.status != HTTPStatus.OK:
        return None
    try:
        told = _decode(response.body)
    except (ValueError, RecursionError):
        return None
    return scope_list(told.scope, asked, mask) if told.active is True else None
