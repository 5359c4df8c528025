"""
Read one answer of a token endpoint: what it says, once the token is thrown away.

The order of judgement keeps the verdicts true: transport and HTML, throttle, credentials in all
their disguises, grant, and only then the scope. Pure: no clock, no I/O.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

import msgspec

from scopeprobe.model.answer import (
    Answer,
    GrantNotAllowed,
    Issued,
    Refused,
    Subject,
    TooLarge,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Client, Target
from scopeprobe.model.http import HttpResponse
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.dpop import NONCE
from scopeprobe.oauth.error_texts import speaks_of
from scopeprobe.oauth.masking import LONGEST_TEXT, Mask, first_line, shown
from scopeprobe.oauth.scope_lists import (
    claimed_scopes,
    is_readable,
    is_scope_list,
    repeated,
    scope_list,
    token_claims,
)
from scopeprobe.oauth.throttling import requested_wait

_TOO_LARGE = {413, 414, 431}
_TRANSIENT = {408, 409, 421, 425}
"""Time-outs and conflicts: what was asked for was not judged."""
_CREDENTIAL_STATUSES = {401, 407, 423}
_REFUSING_STATUSES = {400, 401, 402, 403, 422}
"""Beside 2xx: under any other, only known words make a refusal of an error."""
_SCOPE_ERRORS = {"invalid_scope", "scope_invalid", "insufficient_scope", "consent_required"}
_TARGET_ERRORS = {"invalid_target", "invalid_resource"}
_CREDENTIAL_ERRORS = {"invalid_client", "invalid_client_id", "invalid_dpop_proof", "jti_known"}
_OUR_GRANT = ("client_credentials", "client credentials flow", "client credentials grant")
"""The grant's own name: who repeats it does not speak of credentials."""
_LONGEST_SEARCHED = 2000
"""Characters of an error that are searched for what it speaks of."""
_LONGEST_MASKED = 20_000
"""Characters of a description that are masked, before the first line of it is kept."""
_REMAINING = ("X-RateLimit-Remaining", "X-Rate-Limit-Remaining", "RateLimit-Remaining")
_NONE_REMAIN = re.compile(r";\s*r=0\b")
_ESCAPES: dict[str, Callable[[str], str]] = {"%": partial(quote, safe=""), "&": html.escape}
"""How our words may be spelled where a text holds the sign."""
_FAULTS = {"server_error", "temporarily_unavailable"}
_DESCRIPTIONS = (
    "error_description", "description", "errorSummary", "message", "error_reason", "error_hint",
    "title", "detail",
)  # fmt: skip
_CODES = ("errorCode", "code", "error_code")
_WANTS_NONCE = "use_dpop_nonce"
_SUBJECTS = (Subject.SCOPE_PARAMETER, Subject.UNKNOWN_SCOPE, Subject.TARGET, Subject.SCOPE)
"""From the narrowest to the widest; each is a topic of `error_texts.toml`."""


class _Body(msgspec.Struct):
    """What is looked at in an answer. The token is left as raw bytes; nothing else is decoded."""

    access_token: msgspec.Raw = msgspec.Raw()
    token_type: object = None
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
    title: object = None
    detail: object = None


_decode = msgspec.json.Decoder(_Body).decode


@dataclass(frozen=True, slots=True)
class _Error:
    """An error answer, laid out for judgement."""

    status: int
    code: str
    """The error code as RFC 6749 section 5.2 would spell it."""
    text: str
    """Code and all descriptions, without the words that we sent ourselves."""
    about: Subject
    is_page: bool

    def speaks_of(self, topic: str) -> bool:
        return speaks_of(topic, self.text)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what one client's server says; holds only what must be masked or disregarded."""

    mask: Mask
    own_words: tuple[str, ...]
    """Our own words, which a server may repeat: they say nothing about a throttle."""
    also_claims: tuple[str, ...] = ()
    """Names or dotted paths of token claims that hold scopes, beside `scope` and `scp`."""
    expected: tuple[Scope, ...] = ()
    """Scopes that are looked for although no request names them."""

    @classmethod
    def of(cls, client: Client, target: Target, also_claims: tuple[str, ...] = ()) -> Reader:
        parameters = (value for _, value in target.token_params)
        words = (client.client_id, target.audience, target.resource, *_OUR_GRANT, *parameters)
        expected = () if client.server.traits.send_scope else target.candidates
        return cls(Mask.of(client), tuple(word for word in words if word), also_claims, expected)

    def read(self, question: Question, response: HttpResponse, now: datetime) -> Answer:
        """Turn a whole response into an answer. Never raises, whatever the server sent."""
        status = response.status
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return Unanswered(Reason.REDIRECTED, status)
        asked = question.scopes or self.expected
        body = _parsed(response.body)
        if status >= HTTPStatus.BAD_REQUEST:
            return self._error(response, body, asked, now)
        if body is not None and not body.error and _text_of(body.access_token):
            return self._issued(body, asked) or Unanswered(Reason.MALFORMED_ANSWER, status)
        return self._success_without_token(response, body, asked, now)

    def _issued(self, body: _Body, asked: Collection[Scope]) -> Issued | None:
        if not is_scope_list(body.scope):
            return None
        claims = token_claims(_text_of(body.access_token))
        mask = self.mask.and_of(_tokens_of(body))
        return Issued(
            listed=scope_list(body.scope, asked, mask),
            claimed=claimed_scopes(claims, asked, mask, self.also_claims) if claims else None,
            readable=claims is not None and is_readable(claims, self.also_claims),
        )

    def _success_without_token(
        self, response: HttpResponse, body: _Body | None, asked: Collection[Scope], now: datetime
    ) -> Answer:
        """An error under the status of a success; without a code, it can only be a throttle."""
        if body is not None and not _text_of(body.access_token):
            answer = self._error(response, body, asked, now)
            is_throttle = isinstance(answer, Unanswered) and answer.reason is Reason.THROTTLED
            if body.error or is_throttle:
                return answer
        return Unanswered(Reason.MALFORMED_ANSWER, response.status)

    def _error(
        self, response: HttpResponse, body: _Body | None, asked: Collection[Scope], now: datetime
    ) -> Answer:
        mask = self.mask.and_of(_tokens_of(body)) if body else self.mask
        error, texts = _said(body, response)
        whole = _cut(" ".join(dict.fromkeys(texts)))
        text = " ".join(_without(part, asked, self.own_words) for part in (error, whole))
        text = " ".join(text.split())
        spelled = re.sub(r"[\s_-]+", "_", error.strip().lower())
        said = _Error(response.status, spelled, text, _subject(spelled, text), body is None)
        code = shown(error, mask)[:LONGEST_TEXT]
        line = first_line(texts[0][:_LONGEST_MASKED], mask) if texts else ""

        if reason := _fault(response, said):
            wait = requested_wait(
                response.headers, said.text if reason is Reason.THROTTLED else "", now
            )
            return Unanswered(reason, said.status, code, line, wait)
        if said.status in _TOO_LARGE:
            return TooLarge(said.status)
        if _is_credential_failure(said):
            unknown = said.speaks_of("unknown_client") and not said.speaks_of("either")
            return Unauthenticated(said.status, code, line, unknown)
        if _is_about_the_grant(said):
            return GrantNotAllowed(said.status, code, line)
        if said.about is Subject.UNSAID and not _may_refuse(said.status):
            return Unanswered(Reason.MALFORMED_ANSWER, said.status, code, line)
        named = repeated(whole, asked) | set(
            scope_list(body.scope if body else None, asked, mask) or ()
        )
        return Refused(said.status, code, line, said.about, tuple(s for s in asked if s in named))


def access_token(response: HttpResponse) -> str | None:
    """The token of a successful answer, for the further steps of its exchange."""
    body = _parsed(response.body) if response.status < HTTPStatus.MULTIPLE_CHOICES else None
    return (_text_of(body.access_token) or None) if body and not body.error else None


def token_type(response: HttpResponse) -> str | None:
    """How the token is to be presented: `Bearer`, `DPoP` (RFC 6749 section 7.1), or None."""
    body = _parsed(response.body) if response.status < HTTPStatus.MULTIPLE_CHOICES else None
    return body.token_type if body and isinstance(body.token_type, str) else None


def asks_for_nonce(response: HttpResponse) -> str | None:
    """The nonce that the server wants to see in the DPoP proof (RFC 9449 section 8), or None."""
    nonce = response.headers.get("DPoP-Nonce", "").strip()
    if response.status < HTTPStatus.BAD_REQUEST or not NONCE.fullmatch(nonce):
        return None
    body = _parsed(response.body)
    is_asked = (
        body is not None and body.error == _WANTS_NONCE
    ) or f'error="{_WANTS_NONCE}"' in response.headers.get("WWW-Authenticate", "")
    return nonce if is_asked else None


def _cut(text: str) -> str:
    """As much as is searched, up to a whole word: half a scope may be the name of another."""
    if len(text) <= _LONGEST_SEARCHED:
        return text
    return text[:_LONGEST_SEARCHED].rpartition(" ")[0]


def _without(text: str, asked: Collection[Scope], own_words: tuple[str, ...]) -> str:
    """
    The text without what we sent ourselves: a scope named `quota.write` is no throttle.

    A text that is one of our words and nothing else is a code of the server's own.
    """
    if text in asked or text in own_words:
        return text
    folded = text.casefold()
    escapes = [escape for sign, escape in _ESCAPES.items() if sign in text]
    spells: tuple[Callable[[str], str], ...] = (str, *escapes)
    words = {spell(word) for word in (*asked, *own_words) for spell in spells}
    spellings = {word for word in words if word.casefold() in folded}
    for word in sorted(spellings, key=lambda word: (-len(word), word)):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", " ", text, flags=re.IGNORECASE)
    return text


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


def _said(body: _Body | None, response: HttpResponse) -> tuple[str, list[str]]:
    """The error code and the descriptions, from whichever members hold them."""
    if body is None:
        return "", [text for text in [_plain_text(response)] if text]
    nested = body.error if isinstance(body.error, dict) else {}
    codes = (body.error, *(getattr(body, name) for name in _CODES), *map(nested.get, _CODES))
    texts = (*(getattr(body, name) for name in _DESCRIPTIONS), *map(nested.get, _DESCRIPTIONS))
    return next(_strings(codes), "")[:_LONGEST_SEARCHED], list(_strings(texts))


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


def _subject(code: str, text: str) -> Subject:
    """What an error says that it is about; words are more precise than a code."""
    for subject in _SUBJECTS:
        if speaks_of(subject, text):
            return subject
    if code in _TARGET_ERRORS:
        return Subject.TARGET
    return Subject.SCOPE if code in _SCOPE_ERRORS else Subject.UNSAID


def _strings(values: Iterable[object]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str) and value.strip())


def _fault(response: HttpResponse, said: _Error) -> Reason | None:
    """Why no verdict can be drawn from an error, or None where one can."""
    if said.code == _WANTS_NONCE:
        return Reason.SERVER_ERROR
    if _is_throttled(response, said):
        return Reason.THROTTLED
    if said.status >= HTTPStatus.INTERNAL_SERVER_ERROR or said.code in _FAULTS:
        return Reason.SERVER_ERROR
    if said.status in _TRANSIENT and said.about is Subject.UNSAID:
        return Reason.SERVER_ERROR
    if said.is_page and said.status not in _TOO_LARGE and not _is_bare_401(response):
        return Reason.MALFORMED_ANSWER
    return None


def _is_throttled(response: HttpResponse, said: _Error) -> bool:
    """
    Told by status, by header, or by text; `invalid_scope` is never one (DESIGN, rule 5).

    Nor is a failed authentication: one that is waited out and tried again locks clients.
    """
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    if said.code in {"invalid_scope", *_CREDENTIAL_ERRORS} or said.speaks_of("locked"):
        return False
    if said.speaks_of("throttled"):
        return True
    headers = response.headers
    used_up = (
        any(headers.get(name, "").strip() == "0" for name in _REMAINING)
        or _NONE_REMAIN.search(headers.get("RateLimit", "")) is not None
    )
    return (used_up or "Retry-After" in headers) and not _speaks_of_credentials(said)


def _speaks_of_credentials(said: _Error) -> bool:
    about_client = said.speaks_of("credentials") or said.speaks_of("unknown_client")
    return said.status < HTTPStatus.INTERNAL_SERVER_ERROR and about_client


def _is_bare_401(response: HttpResponse) -> bool:
    """A 401 whose body is no page: its status alone says what RFC 6749 section 5.2 would."""
    is_page = response.body.lstrip()[:1] == b"<"
    return response.status == HTTPStatus.UNAUTHORIZED and not is_page


def _may_refuse(status: int) -> bool:
    return status < HTTPStatus.BAD_REQUEST or status in _REFUSING_STATUSES


def _is_credential_failure(said: _Error) -> bool:
    """
    Whether this is what a client with wrong credentials is told.

    Beside `invalid_client`: Keycloak says `unauthorized_client`, authentik `invalid_grant`,
    Zitadel `invalid_request`, Auth0 and Uber 401 `access_denied`, Twitch 403.
    """
    if said.code in _SCOPE_ERRORS | _TARGET_ERRORS:
        return False
    if said.code in _CREDENTIAL_ERRORS:
        return True
    if said.speaks_of("locked"):
        return True
    if said.about is not Subject.UNSAID:
        return False
    if said.code == "unsupported_grant_type" or said.speaks_of("grant"):
        return False
    is_told = said.code == "invalid_grant" or said.status in _CREDENTIAL_STATUSES
    return is_told or _speaks_of_credentials(said)


def _is_about_the_grant(said: _Error) -> bool:
    if said.about is not Subject.UNSAID:
        return False
    grants = {"unauthorized_client", "unsupported_grant_type"}
    return said.code in grants or said.speaks_of("grant")
