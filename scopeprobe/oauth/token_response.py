"""
Read one answer of a token endpoint: what it says, once the token is thrown away.

Pure: no clock, no I/O. Nothing that a server sends makes it raise.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus

from scopeprobe.model.answer import Answer, Issued, TooLarge, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Client, Target
from scopeprobe.model.http import HttpResponse
from scopeprobe.model.provider import Verify
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import revealed
from scopeprobe.oauth.dpop import NONCE
from scopeprobe.oauth.error_response import WANTS_NONCE, read_error
from scopeprobe.oauth.masking import Mask
from scopeprobe.oauth.response_body import Body, Content, content_of, tokens_in
from scopeprobe.oauth.scope_lists import (
    claimed_scopes,
    is_scope_list,
    scope_claims,
    scope_list,
    token_claims,
)

_OUR_GRANT = ("client_credentials", "client credentials flow", "client credentials grant")
"""The grant's own name: who repeats it does not speak of credentials."""

_UNREADABLE = Reason.MALFORMED_ANSWER


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
    candidates: frozenset[Scope] = frozenset()
    reads_claims: bool = True
    """The token is looked into where it is a JWT."""

    @classmethod
    def of(cls, client: Client, target: Target, also_claims: tuple[str, ...] = ()) -> Reader:
        parameters = (revealed(value) for _, value in target.token_params)
        words = (client.client_id, target.audience, target.resource, *_OUR_GRANT, *parameters)
        expected = () if client.server.traits.send_scope else target.candidates
        return cls(
            Mask.of(client),
            tuple(word for word in words if word),
            also_claims,
            expected,
            _as_set(target.candidates),
            reads_claims=client.server.traits.verify is not Verify.NONE,
        )

    def read(self, question: Question, response: HttpResponse, now: datetime) -> Answer:
        """Turn a whole response into an answer."""
        status = response.status
        is_success = status < HTTPStatus.MULTIPLE_CHOICES
        if not is_success and status < HTTPStatus.BAD_REQUEST:
            return Unanswered(Reason.REDIRECTED, status)
        if response.lost_because is not None:
            return self._lost(response, response.lost_because, now)
        asked = question.scopes or self.expected
        if not is_success:
            return self._error(response, asked, now)
        content = content_of(response)
        answer: Answer | None = None
        if content.token:
            answer = self._issued(content, asked)
        elif content.body is not None:
            answer = self._disguised_error(response, content.body, asked, now)
        return answer or Unanswered(_UNREADABLE, status)

    def _lost(self, response: HttpResponse, because: Reason, now: datetime) -> Answer:
        """
        What status and headers say by themselves where the body was lost.

        A rejection may be a failed authentication, which is no throttle to be waited out; so may be
        what a server that tripped had to say.
        """
        may_reject = {
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.INTERNAL_SERVER_ERROR,
        }
        if response.status >= HTTPStatus.BAD_REQUEST and response.status not in may_reject:
            answer = self._error(response, (), now)
            is_told = isinstance(answer, Unanswered) and answer.reason is not _UNREADABLE
            if is_told or isinstance(answer, TooLarge):
                return answer
        return Unanswered(because, response.status)

    def _issued(self, content: Content, asked: Collection[Scope]) -> Issued | None:
        """What an issued token shows; None where its list of scopes cannot be read."""
        body = content.body
        if body is None or body.error or not is_scope_list(body.scope):
            return None
        mask = self.mask.and_of(tokens_in(content))
        listed = scope_list(body.scope, asked, mask, self.candidates)
        claims = token_claims(content.token) if self.reads_claims else None
        if claims is None:
            return Issued(listed)
        told = scope_claims(claims, self.also_claims)
        claimed = claimed_scopes(told, asked, mask, self.candidates)
        return Issued(listed, claimed, readable=all(map(is_scope_list, told)))

    def _disguised_error(
        self, response: HttpResponse, body: Body, asked: Collection[Scope], now: datetime
    ) -> Answer | None:
        """An error under the status of a success; without a code, it can only be a throttle."""
        answer = self._error(response, asked, now)
        is_throttle = isinstance(answer, Unanswered) and answer.reason is Reason.THROTTLED
        return answer if body.error or is_throttle else None

    def _error(self, response: HttpResponse, asked: Collection[Scope], now: datetime) -> Answer:
        content = content_of(response)
        tokens = tuple(tokens_in(content))
        mask = self.mask.and_of(tokens) if tokens else self.mask
        own = self.own_words
        return read_error(response, content.body, asked, own_words=own, mask=mask, now=now)


@lru_cache(maxsize=256)
def _as_set(candidates: tuple[Scope, ...]) -> frozenset[Scope]:
    """Many clients have the same."""
    return frozenset(candidates)


def access_token(response: HttpResponse) -> str | None:
    """The token of a successful answer, for the further steps of its exchange."""
    if response.status >= HTTPStatus.MULTIPLE_CHOICES:
        return None
    content = content_of(response)
    is_error = content.body is None or content.body.error
    return None if is_error else content.token or None


def asks_for_nonce(response: HttpResponse) -> str | None:
    """The nonce that the server wants to see in the DPoP proof (RFC 9449 section 8), or None."""
    nonce = response.headers.get("DPoP-Nonce", "").strip()
    if response.status < HTTPStatus.BAD_REQUEST or not NONCE.fullmatch(nonce):
        return None
    body = content_of(response).body
    is_asked = (
        body is not None and body.error == WANTS_NONCE
    ) or f'error="{WANTS_NONCE}"' in response.headers.get("WWW-Authenticate", "")
    return nonce if is_asked else None
