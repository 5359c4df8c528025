"""
Read an error of a token endpoint: whose fault it is, as far as status, code and words tell.

Servers disagree on all three, so each is read in the light of the others. `error_texts.toml` is
the only place that knows how servers put things.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from scopeprobe.model.answer import (
    Answer,
    GrantNotAllowed,
    Refused,
    Subject,
    TooLarge,
    Unanswered,
    Unauthenticated,
)
from scopeprobe.model.cell import Reason
from scopeprobe.model.http import HttpResponse
from scopeprobe.model.scope_names import Scope, places_of
from scopeprobe.model.urls import percent_encoded
from scopeprobe.oauth.culprits import culprits_in
from scopeprobe.oauth.error_texts import speaks_of
from scopeprobe.oauth.masking import LONGEST_TEXT, Mask, first_line, shown
from scopeprobe.oauth.response_body import Body, error_members, refused_in_members
from scopeprobe.oauth.throttling import requested_wait

WANTS_NONCE = "use_dpop_nonce"
"""The demand for a nonce in the DPoP proof (RFC 9449 section 8)."""

_TOO_LARGE = {413, 414, 431}
_TRANSIENT = {408, 409, 421, 425}
"""Time-outs and conflicts: what was asked for was not judged."""
_CREDENTIAL_STATUSES = {401, 423}
_REFUSING_STATUSES = {400, 401, 402, 403, 422}
"""Beside 2xx: under any other, only known words make a refusal of an error."""
_SCOPE_ERRORS = {
    "invalid_scope", "scope_invalid", "insufficient_scope", "consent_required",
    "unauthorized_scope",
}  # fmt: skip
_TARGET_ERRORS = {"invalid_target", "invalid_resource", "invalid_audience"}
_CREDENTIAL_ERRORS = {"invalid_client", "invalid_client_id", "invalid_dpop_proof", "jti_known"}
_GRANT_ERRORS = {"unauthorized_client", "unsupported_grant_type"}
_NO_THROTTLES = {"invalid_scope", *_CREDENTIAL_ERRORS}
_NO_CREDENTIAL_ERRORS = _SCOPE_ERRORS | _TARGET_ERRORS
_FAULTS = {"server_error", "temporarily_unavailable"}
_LONGEST_SEARCHED = 2000
"""Characters of an error that are searched for what it speaks of."""
_LONGEST_MASKED = 20_000
"""Characters of a description that are masked, before the first line of it is kept."""
_REMAINING = ("X-RateLimit-Remaining", "X-Rate-Limit-Remaining", "RateLimit-Remaining")
_NONE_REMAIN = re.compile(r";\s*r=0\b")
_BETWEEN_WORDS = re.compile(r"[\s_-]+")
_ESCAPES: dict[str, Callable[[str], str]] = {"%": percent_encoded, "&": html.escape}
"""How our words may be spelled where a text holds the sign."""
_SUBJECTS = (Subject.SCOPE_PARAMETER, Subject.UNKNOWN_SCOPE, Subject.TARGET, Subject.SCOPE)
"""From the narrowest to the widest; each is a topic of `error_texts.toml`."""


@dataclass(slots=True)
class _Error:
    """An error answer, laid out for judgement."""

    status: int
    headers: Mapping[str, str]
    code: str
    """The error code as RFC 6749 section 5.2 would spell it."""
    text: str
    """Code and all descriptions, without the words that we sent ourselves."""
    about: Subject
    is_unreadable: bool
    """No JSON object, nor a status that says alone what RFC 6749 section 5.2 would (Glewlwyd)."""

    def speaks_of(self, topic: str) -> bool:
        return speaks_of(topic, self.text)


def read_error(
    response: HttpResponse,
    body: Body | None,
    asked: Collection[Scope],
    *,
    own_words: tuple[str, ...],
    mask: Mask,
    now: datetime,
) -> Answer:
    """
    Judge an error.

    The order keeps the verdicts true: throttles and faults first, then credentials in all their
    disguises, then the grant, and only then the scope.
    """
    code, descriptions = error_members(response, body)
    whole = _cut(" ".join(dict.fromkeys(descriptions)))
    said = _laid_out(response, code, whole, asked, own_words, is_json=body is not None)
    line = first_line(descriptions[0][:_LONGEST_MASKED], mask) if descriptions else ""
    if said.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        line = line or "a proxy on the way wants credentials of its own"
    told = (said.status, shown(code, mask)[:LONGEST_TEXT], line)

    if (reason := _no_answer(said)) is not None:
        text = said.text if reason is Reason.THROTTLED else ""
        return Unanswered(reason, *told, requested_wait(said.headers, text, now))
    if said.status in _TOO_LARGE:
        return TooLarge(said.status)
    if _is_credential_failure(said):
        is_unknown = said.speaks_of("unknown_client") and not said.speaks_of("either")
        return Unauthenticated(*told, is_unknown)
    if _is_about_the_grant(said):
        return GrantNotAllowed(*told)
    if said.about is Subject.UNSAID and not _may_refuse(said.status):
        return Unanswered(Reason.MALFORMED_ANSWER, *told)
    named = culprits_in(descriptions, asked) | refused_in_members(body, asked, mask)
    return Refused(*told, said.about, tuple(scope for scope in asked if scope in named))


# -- the judgements


def _no_answer(said: _Error) -> Reason | None:
    """Why nothing was judged: a proxy that wants credentials of its own, a throttle, a fault."""
    if said.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return Reason.UNREACHABLE
    if said.code == WANTS_NONCE:
        return Reason.SERVER_ERROR
    if _is_throttle(said):
        return Reason.THROTTLED
    if _is_fault(said):
        return Reason.SERVER_ERROR
    is_page = said.is_unreadable and said.status not in _TOO_LARGE
    if is_page or _is_of_a_gateway(said):
        return Reason.MALFORMED_ANSWER
    return None


def _is_throttle(said: _Error) -> bool:
    """
    Told by status, by header, or by text; `invalid_scope` is never one (docs/design.md, rule 14).

    Nor is a failed authentication: one that is waited out and tried again locks clients.
    """
    if said.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    if said.code in _NO_THROTTLES or said.speaks_of("locked"):
        return False
    if said.speaks_of("throttled"):
        return True
    is_used_up = (
        any(said.headers.get(name, "").strip() == "0" for name in _REMAINING)
        or _NONE_REMAIN.search(said.headers.get("RateLimit", "")) is not None
    )
    return (is_used_up or "Retry-After" in said.headers) and not _speaks_of_credentials(said)


def _is_fault(said: _Error) -> bool:
    """
    Whether the server failed, or did not get so far as to judge the request.

    A 401 that denies access is none, whatever its code: ServiceNow says `server_error`. Nor is
    one that asks to try again later: it may count as a failed authentication.
    """
    if said.status >= HTTPStatus.INTERNAL_SERVER_ERROR or said.speaks_of("transient"):
        return True
    if said.code in _FAULTS:
        return not (said.status == HTTPStatus.UNAUTHORIZED and said.speaks_of("access_denied"))
    if said.status in _TRANSIENT and said.about is Subject.UNSAID:
        return True
    is_refusal = said.about is not Subject.UNSAID or said.code in _CREDENTIAL_ERRORS
    is_failed_login = said.status in _CREDENTIAL_STATUSES or _speaks_of_credentials(said)
    return said.speaks_of("later") and not is_refusal and not is_failed_login


def _is_of_a_gateway(said: _Error) -> bool:
    """A 403 in a gateway's or firewall's words, without any error code of OAuth's."""
    return said.status == HTTPStatus.FORBIDDEN and not said.code and said.speaks_of("gateway")


def _is_credential_failure(said: _Error) -> bool:
    """
    Whether this is what a client with wrong credentials is told.

    Beside `invalid_client`: Keycloak says `unauthorized_client`, authentik `invalid_grant`,
    Zitadel `invalid_request`, Auth0 and Uber 401 `access_denied`, Twitch 403. Words that speak of
    the grant, and not of credentials, are more precise than any code.
    """
    if said.code in _NO_CREDENTIAL_ERRORS:
        return False
    if said.speaks_of("locked"):
        return True
    if said.code in _CREDENTIAL_ERRORS:
        return not said.speaks_of("grant") or _speaks_of_credentials(said)
    if said.about is not Subject.UNSAID or said.speaks_of("policy"):
        return False
    if said.code == "unsupported_grant_type" or said.speaks_of("grant"):
        return False
    is_told = said.code == "invalid_grant" or said.status in _CREDENTIAL_STATUSES
    return is_told or _speaks_of_credentials(said)


def _speaks_of_credentials(said: _Error) -> bool:
    about_client = said.speaks_of("credentials") or said.speaks_of("unknown_client")
    is_incomplete = said.speaks_of("incomplete")
    return said.status < HTTPStatus.INTERNAL_SERVER_ERROR and about_client and not is_incomplete


def _is_about_the_grant(said: _Error) -> bool:
    if said.about is not Subject.UNSAID:
        return False
    return said.code in _GRANT_ERRORS or said.speaks_of("grant")


def _may_refuse(status: int) -> bool:
    return status < HTTPStatus.BAD_REQUEST or status in _REFUSING_STATUSES


# -- what an error says


def _laid_out(
    response: HttpResponse,
    code: str,
    whole: str,
    asked: Collection[Scope],
    own_words: tuple[str, ...],
    *,
    is_json: bool,
) -> _Error:
    text = f"{_without(code, asked, own_words)} {_without(whole, asked, own_words)}"
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    spelled = _BETWEEN_WORDS.sub("_", code.strip().lower())
    is_page = response.body.lstrip()[:1] == b"<"
    is_bare = not response.body.strip() and response.status in _REFUSING_STATUSES
    is_bare |= response.status == HTTPStatus.UNAUTHORIZED and not is_page
    return _Error(
        response.status,
        response.headers,
        spelled,
        text,
        _subject(spelled, text),
        is_unreadable=not is_json and not is_bare,
    )


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
    if not text or text in asked or text in own_words:
        return text
    folded = text.casefold()
    words = [*asked, *own_words]
    spells = [escape for sign, escape in _ESCAPES.items() if sign in text]
    words += [spell(word) for word in words for spell in spells]
    spellings = {word for word in words if word.casefold() in folded}
    for word in sorted(spellings, key=lambda word: (-len(word), word)):
        text = _blanked(text, word)
    return text


def _blanked(text: str, word: str) -> str:
    """The text with a blank in the place of a whole word, whatever its case."""
    if not (text.isascii() and word.isascii()):
        return re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", " ", text, flags=re.IGNORECASE)
    for start in reversed([*places_of(word.lower(), text.lower())]):
        text = f"{text[:start]} {text[start + len(word) :]}"
    return text


def _subject(code: str, text: str) -> Subject:
    """What an error says that it is about; words are more precise than a code."""
    for subject in _SUBJECTS:
        if speaks_of(subject, text):
            return subject
    if code in _TARGET_ERRORS:
        return Subject.TARGET
    return Subject.SCOPE if code in _SCOPE_ERRORS else Subject.UNSAID
