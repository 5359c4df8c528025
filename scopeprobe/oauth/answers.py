"""
Read one answer of a token endpoint: what it says, once the token is thrown away.

The order of judgement keeps the verdicts true: transport and HTML, throttle, credentials in all
their disguises, grant, and only then the scope. Pure: no clock, no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import msgspec

from scopeprobe.model.answers import (
    Answer,
    GrantNotAllowed,
    HttpResponse,
    Issued,
    Question,
    Refused,
    TooLarge,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.clients import Client, Scope, Target
from scopeprobe.model.findings import Reason
from scopeprobe.oauth.scopes import claimed_scopes, is_scope_list, scope_list, token_claims
from scopeprobe.oauth.texts import LONGEST_TEXT, Mask, first_line, printable
from scopeprobe.oauth.waits import wait_asked_for
from scopeprobe.oauth.wording import speaks_of

_TOO_LARGE = {413, 414, 431}
_SCOPE_ERRORS = {"invalid_scope", "insufficient_scope", "consent_required", "invalid_target"}
_CREDENTIAL_ERRORS = {"invalid_client", "invalid_client_id"}
_LONGEST_SEARCHED = 2000
"""Characters of an error that are searched for what it speaks of."""
_REMAINING = ("X-RateLimit-Remaining", "X-Rate-Limit-Remaining", "RateLimit-Remaining")
_NONE_REMAIN = re.compile(r";\s*r=0\b")
_FAULTS = {"server_error", "temporarily_unavailable"}
_DESCRIPTIONS = ("error_description", "description", "errorSummary", "message", "error_reason")
_CODES = ("errorCode", "code", "error_code")


class _Body(msgspec.Struct):
    """What is looked at in an answer. The token is left as raw bytes; nothing else is decoded."""

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


_decode = msgspec.json.Decoder(_Body).decode


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what one client's server says; holds only what must be masked or disregarded."""

    mask: Mask
    own_words: tuple[str, ...]
    """Our own words, which a server may repeat: they say nothing about a throttle."""

    @classmethod
    def of(cls, client: Client, target: Target) -> Reader:
        words = (client.client_id, target.audience, target.resource)
        return cls(Mask.of(client), tuple(word for word in words if word))

    def read(self, question: Question, response: HttpResponse, now: datetime) -> Answer:
        """Turn a whole response into an answer. Never raises, whatever the server sent."""
        status = response.status
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return Unanswered(Reason.REDIRECTED, status)
        asked = question.scopes or ()
        body = _parsed(response.body)
        if body is not None and status < HTTPStatus.BAD_REQUEST and not body.error:
            return self._issued(body, asked) or Unanswered(Reason.MALFORMED_ANSWER, status)
        return self._error(response, body, asked, now)

    def _issued(self, body: _Body, asked: Collection[Scope]) -> Issued | None:
        token = _text_of(body.access_token)
        if not token or not is_scope_list(body.scope):
            return None
        claims = token_claims(token)
        mask = self.mask.and_of(_tokens_of(body))
        return Issued(
            listed=scope_list(body.scope, asked, mask),
            claimed=claimed_scopes(claims, asked, mask) if claims else None,
            readable=claims is not None,
        )

    def _error(
        self, response: HttpResponse, body: _Body | None, asked: Collection[Scope], now: datetime
    ) -> Answer:
        status = response.status
        mask = self.mask.and_of(_tokens_of(body)) if body else self.mask
        error, said = (text[:_LONGEST_SEARCHED] for text in _said(body, response))
        code, line = printable(mask(error))[:LONGEST_TEXT], first_line(said, mask)
        text = self._in_their_own_words(f"{error} {said}", asked)

        if reason := _fault(response, body, error, text):
            wait = wait_asked_for(response.headers, text, now)
            return Unanswered(reason, status, code, line, wait)
        if status in _TOO_LARGE:
            return TooLarge(status)
        if _is_credential_failure(status, error, text):
            unknown = speaks_of("unknown_client", text) and not speaks_of("either", text)
            return Unauthenticated(status, code, line, unknown)
        if _is_about_the_grant(error, text):
            return GrantNotAllowed(status, code, line)
        return Refused(status, code, line)

    def _in_their_own_words(self, text: str, asked: Collection[Scope]) -> str:
        """The text without what we sent ourselves: a scope named `quota.write` is no throttle."""
        for word in sorted((*asked, *self.own_words), key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", " ", text)
        return " ".join(text.split())


def _parsed(body: bytes) -> _Body | None:
    """The members of a JSON object, or None where the body is anything else."""
    try:
        return _decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _decode(body.decode("utf-8", "replace").encode())
    except (ValueError, RecursionError):
        return None


def _text_of(token: msgspec.Raw) -> str:
    """The token, for as long as its claims are read."""
    try:
        text = msgspec.json.decode(token, type=str) if bytes(token) else ""
    except (ValueError, RecursionError):
        return ""
    return text.strip()


def _tokens_of(body: _Body) -> list[str]:
    return [_text_of(token) for token in (body.access_token, body.refresh_token, body.id_token)]


def _said(body: _Body | None, response: HttpResponse) -> tuple[str, str]:
    """The error code and the description, from whichever members hold them."""
    if body is None:
        return "", _plain_text(response)
    nested = body.error if isinstance(body.error, dict) else {}
    codes = (body.error, *(getattr(body, name) for name in _CODES), *map(nested.get, _CODES))
    texts = (*(getattr(body, name) for name in _DESCRIPTIONS), *map(nested.get, _DESCRIPTIONS))
    return _first_string(codes), _first_string(texts)


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


def _first_string(values: Collection[object]) -> str:
    return next((value for value in values if isinstance(value, str) and value), "")


def _fault(response: HttpResponse, body: _Body | None, error: str, text: str) -> Reason | None:
    """Why no verdict can be drawn from an error, or None where one can."""
    if _is_throttled(response, error, text):
        return Reason.THROTTLED
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or error in _FAULTS:
        return Reason.SERVER_ERROR
    if body is None and response.status not in _TOO_LARGE and not _is_bare_401(response):
        return Reason.MALFORMED_ANSWER
    return None


def _is_throttled(response: HttpResponse, error: str, text: str) -> bool:
    """
    Told by status, by header, or by text; `invalid_scope` is never one (DESIGN, rule 5).

    Nor is a code of failed authentication: one that is waited out and tried again locks clients.
    """
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    if error == "invalid_scope" or error in _CREDENTIAL_ERRORS or speaks_of("locked", text):
        return False
    headers = response.headers
    used_up = (
        any(headers.get(name, "").strip() == "0" for name in _REMAINING)
        or _NONE_REMAIN.search(headers.get("RateLimit", "")) is not None
    )
    return used_up or "Retry-After" in headers or speaks_of("throttled", text)


def _is_bare_401(response: HttpResponse) -> bool:
    """A 401 whose body is no page: its status alone says what RFC 6749 section 5.2 would."""
    is_page = response.body.lstrip()[:1] == b"<"
    return response.status == HTTPStatus.UNAUTHORIZED and not is_page


def _is_credential_failure(status: int, error: str, text: str) -> bool:
    """
    Whether this is what a client with wrong credentials is told.

    Beside `invalid_client`: Keycloak says `unauthorized_client`, authentik `invalid_grant`,
    Zitadel `invalid_request`, Auth0 and Uber 401 `access_denied`, Twitch 403.
    """
    if error in _SCOPE_ERRORS:
        return False
    if error in _CREDENTIAL_ERRORS:
        return True
    if speaks_of("grant", text):
        return False
    if error == "invalid_grant":
        return True
    return status == HTTPStatus.UNAUTHORIZED or speaks_of("credentials", text)


def _is_about_the_grant(error: str, text: str) -> bool:
    if error in _SCOPE_ERRORS:
        return False
    return error in {"unauthorized_client", "unsupported_grant_type"} or speaks_of("grant", text)
