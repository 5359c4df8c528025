"""
Token introspection: the request, and what its answer says of a fresh token.

It is that of RFC 7662, or Google's tokeninfo where the server's traits say so.
"""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlencode

import msgspec

from scopeprobe.model.client import Client
from scopeprobe.model.http import HttpRequest, HttpResponse, Purpose
from scopeprobe.model.provider import BasicEncoding
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.server import Server
from scopeprobe.oauth.client_auth import Credentials, basic
from scopeprobe.oauth.masking import Mask
from scopeprobe.oauth.scope_lists import scope_list
from scopeprobe.oauth.token_request import RequestWriter, common_headers


class _Introspected(msgspec.Struct):
    active: object = None
    client_id: object = None
    scope: object = None


_decode = msgspec.json.Decoder(_Introspected).decode


def introspection_request(server: Server, token: str, write: RequestWriter) -> HttpRequest:
    """RFC 7662 section 2.1, by the resource server that may ask, or by the client itself."""
    if server.traits.asks_tokeninfo:
        body = urlencode({"access_token": token}).encode("ascii")
        url = server.endpoints.introspection
        return HttpRequest(url, body, common_headers(server), purpose=Purpose.INTROSPECTION)
    credentials, introspector = None, server.introspector
    if introspector is not None and introspector.secret is not None:
        secret = introspector.secret.reveal()
        value = basic(introspector.client_id, secret, BasicEncoding.RFC6749)
        credentials = Credentials(headers=(("Authorization", f"Basic {value}"),))
    return write.about(token, server.endpoints.introspection, Purpose.INTROSPECTION, credentials)


def introspected_scopes(
    response: HttpResponse,
    client: Client,
    asked: Collection[Scope],
    mask: Mask,
    candidates: Collection[Scope] = (),
) -> tuple[Scope, ...] | None:
    """
    The scopes of an active token (RFC 7662 section 2.2), or None where that is not told.

    An inactive token that was issued a moment ago, one without `scope`, or one of another client
    proves nothing: a server may tell each caller only what concerns it. Tokeninfo has no `active`:
    it answers 400 for what is no live token.
    """
    if response.status != HTTPStatus.OK:
        return None
    try:
        told = _decode(response.body)
    except (ValueError, RecursionError):
        return None
    is_other_clients = isinstance(told.client_id, str) and told.client_id != client.client_id
    is_active = told.active is True or client.server.traits.asks_tokeninfo
    if not is_active or is_other_clients:
        return None
    return scope_list(told.scope, asked, mask, candidates)


def is_not_introspected(response: HttpResponse) -> bool:
    """The server introspects no tokens of this kind, such as JWTs (oidc-provider)."""
    is_refusal = response.status == HTTPStatus.BAD_REQUEST
    return is_refusal and b'"unsupported_token_type"' in response.body


def rejects_credentials(response: HttpResponse) -> bool:
    """Whether it is the caller that was refused (RFC 6749 section 5.2), and not the token."""
    refusing = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    is_named = response.status == HTTPStatus.BAD_REQUEST and b'"invalid_client"' in response.body
    return response.status in refusing or is_named
