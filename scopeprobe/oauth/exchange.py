"""One question on the wire, as a generator: whoever drives it does the I/O."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec

from scopeprobe.model.answer import Answer, Issued, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Client, Target
from scopeprobe.model.http import Exchange, ExchangeCut, HttpRequest, HttpResponse, Purpose
from scopeprobe.model.provider import RightsApi, Verify
from scopeprobe.model.question import Question
from scopeprobe.oauth.followups import FollowUps
from scopeprobe.oauth.introspection import (
    introspected_scopes,
    is_not_introspected,
    rejects_credentials,
)
from scopeprobe.oauth.rights_api import read_bearer, read_rights
from scopeprobe.oauth.scope_lists import token_issued_at
from scopeprobe.oauth.token_request import request_writer
from scopeprobe.oauth.token_response import Reader, access_token, asks_for_nonce

_Steps = Generator[HttpRequest, HttpResponse | Reason, Answer]
_Response = Generator[HttpRequest, HttpResponse | Reason, HttpResponse | Reason]

CLOCK_SKEW = 5.0
"""Seconds by which a token may seem older than its request: clocks tick apart, `iat` is whole."""


@dataclass(slots=True)
class TokenHandling:
    """What the exchanges of one server found out together about its tokens."""

    shares_tokens: bool = False
    """It hands out a token that somebody else may be using: nothing is revoked here."""
    introspection_failures: int = 0
    """In a row. Credentials of a resource server can be locked as any others."""
    revoked: int = 0
    left_alive: int = 0
    """Tokens that were to be revoked and could not be."""


def exchanges(
    client: Client,
    target: Target,
    *,
    handling: TokenHandling | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Callable[[Question], Exchange]:
    """
    Return what opens an exchange for each of this client's questions.

    An exchange asks for a token, has it confirmed where that is wanted (introspection, a rights
    API), gives it back where that is wanted, and says what was learned.
    """
    flow = _ExchangeFlow(client, target, handling or TokenHandling(), now)
    return flow.exchange


@dataclass
class _ExchangeFlow:
    """Where one client's questions about one target are put."""

    client: Client
    target: Target
    handling: TokenHandling
    now: Callable[[], datetime]
    is_own: bool = False
    """Two requests brought two tokens: what this client is given, nobody else uses."""
    introspection_failures: int = 0
    revocation_failures: int = 0
    """In a row, each: a server counts them as it counts failures at its token endpoint."""
    seen: set[bytes] = field(default_factory=set, repr=False)
    """Digests of the tokens so far: one that comes back is handed out to others as well."""
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)

    def __post_init__(self) -> None:
        self.write = request_writer(self.client, self.target, now=self.now)
        self.reader = Reader.of(self.client, self.target, self.client.server.traits.claims)
        self.follow_ups = FollowUps(self.client, self.write)

    def exchange(self, question: Question) -> Exchange:
        sent_at = self.now()
        response = yield from self._token(question)
        if isinstance(response, Reason):
            return Unanswered(response)
        answer = self.reader.read(question, response, self.now())
        token = access_token(response) if isinstance(answer, Issued) else None
        if token is None or not isinstance(answer, Issued):
            return answer
        try:
            confirmed = yield from self._confirmed(question, answer, token)
            if self.client.server.gives_tokens_back:
                yield from self._look_for_sharing(question, token, sent_at)
        except ExchangeCut:
            yield from self._given_back(token)
            raise
        yield from self._given_back(token)
        return confirmed

    def _token(self, question: Question, purpose: Purpose = Purpose.TOKEN) -> _Response:
        """Ask for a token; where the server wants its nonce in the proof, once more with it."""
        request = replace(self.write(question), purpose=purpose)
        response = yield request
        prover = self.write.prover
        if prover is None or isinstance(response, Reason):
            return response
        is_new = prover.remember(request.url, response)
        if is_new and asks_for_nonce(response) is not None:
            response = yield replace(self.write(question), purpose=purpose)
        return response

    # -- confirmation

    def _confirmed(self, question: Question, answer: Issued, token: str) -> _Steps:
        match self.client.server.traits.verify:
            case Verify.INTROSPECT:
                return (yield from self._introspected(question, answer, token))
            case Verify.API if self.client.server.traits.rights is not None:
                return (
                    yield from self._with_rights(answer, token, self.client.server.traits.rights)
                )
            case Verify.NONE:
                return msgspec.structs.replace(answer, claimed=None, readable=False)
            case _:
                return answer

    def _introspected(self, question: Question, answer: Issued, token: str) -> _Steps:
        server = self.client.server
        unconfirmed = msgspec.structs.replace(answer, unconfirmed=True)
        failing = self if server.introspector is None else self.handling
        if (
            failing.introspection_failures >= server.limits.max_auth_failures
            or not server.endpoints.introspection
        ):
            return unconfirmed
        response = yield self.follow_ups.introspection(token)
        if (fault := _fault(response)) is not None:
            return fault
        assert isinstance(response, HttpResponse)  # noqa: S101 - anything else is a fault
        if rejects_credentials(response):
            failing.introspection_failures += 1
            is_clients_own = server.introspector is None
            refusal = Unanswered(
                Reason.UNCONFIRMED, HTTPStatus.UNAUTHORIZED.value, "invalid_client"
            )
            return refusal if is_clients_own else unconfirmed
        failing.introspection_failures = 0
        if is_not_introspected(response):
            return answer
        mask = self.reader.mask.and_of([token])
        told = introspected_scopes(
            response, self.client.client_id, question.scopes or self.target.candidates, mask
        )
        if told is None:
            return unconfirmed
        return msgspec.structs.replace(answer, confirmed=told)

    def _with_rights(self, answer: Issued, token: str, api: RightsApi) -> _Steps:
        """The rights of the token's bearer, once it is known to be this client."""
        mask, rights = self.reader.mask.and_of([token]), None
        for url in filter(None, (api.bearer_url, api.url)):
            response = yield self.follow_ups.rights(url, token)
            if (fault := _fault(response)) is not None:
                return fault
            assert isinstance(response, HttpResponse)  # noqa: S101 - anything else is a fault
            if url == api.bearer_url and read_bearer(api, response) != self.client.client_id:
                break
            rights = (
                read_rights(api, response, mask, self.target.candidates) if url == api.url else None
            )
        if rights is None:
            return msgspec.structs.replace(answer, unconfirmed=True)
        return msgspec.structs.replace(answer, rights=rights)

    # -- revocation

    def _given_back(self, token: str) -> Generator[HttpRequest, HttpResponse | Reason, None]:
        """Revoke a token that nobody else can be using; count one that stays alive."""
        if not self.client.server.gives_tokens_back or self.handling.shares_tokens:
            return
        if self.is_own:
            yield from self._revoked(token)
        else:
            self.handling.left_alive += 1

    def _look_for_sharing(
        self, question: Question, token: str, sent_at: datetime
    ) -> Generator[HttpRequest, HttpResponse | Reason, None]:
        """
        Before the first revocation ask twice: one token for both is a token that others use.

        So is one that was issued before it was asked for.
        """
        issued_at, digest = token_issued_at(token), self._digest(token)
        is_old = issued_at is not None and issued_at < sent_at.timestamp() - CLOCK_SKEW
        self.handling.shares_tokens |= is_old or digest in self.seen
        self.seen.add(digest)
        if self.is_own or self.handling.shares_tokens:
            return
        response = yield from self._token(question, Purpose.COMPARISON)
        twin = access_token(response) if isinstance(response, HttpResponse) else None
        if twin is None:
            return
        if self._digest(twin) == digest:
            self.handling.shares_tokens = True
            return
        self.is_own = True
        yield from self._revoked(twin)

    def _digest(self, token: str) -> bytes:
        return hashlib.blake2b(token.encode(), key=self.salt, digest_size=32).digest()

    def _revoked(self, token: str) -> Generator[HttpRequest, HttpResponse | Reason, None]:
        """Give a token back; when the run is cut short meanwhile, ask for it once more."""
        if self.revocation_failures >= self.client.server.limits.max_auth_failures:
            self.handling.left_alive += 1
            return
        request = self.follow_ups.revocation(token)
        try:
            response = yield request
        except ExchangeCut:
            response = yield request
            self._note_revocation(response)
            raise
        self._note_revocation(response)

    def _note_revocation(self, response: HttpResponse | Reason) -> None:
        is_failure = (
            isinstance(response, HttpResponse) and response.status == HTTPStatus.UNAUTHORIZED
        )
        self.revocation_failures = self.revocation_failures + 1 if is_failure else 0
        is_done = isinstance(response, HttpResponse) and response.status < HTTPStatus.BAD_REQUEST
        self.handling.revoked += is_done
        self.handling.left_alive += not is_done


def _fault(response: HttpResponse | Reason) -> Unanswered | None:
    """What a step without an answer makes of the whole question; None where it has one."""
    if isinstance(response, Reason):
        return Unanswered(response)
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Unanswered(Reason.THROTTLED, response.status)
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unanswered(Reason.SERVER_ERROR, response.status)
    return None
