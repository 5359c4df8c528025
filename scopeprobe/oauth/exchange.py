"""One question on the wire, as a generator: whoever drives it does the I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus

import msgspec

from scopeprobe.model.answer import Answer, Issued, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.client import Client, Target
from scopeprobe.model.fault import Fault
from scopeprobe.model.http import Exchange, ExchangeCut, HttpRequest, HttpResponse, Purpose
from scopeprobe.model.provider import RightsApi, Verify
from scopeprobe.model.question import Question
from scopeprobe.oauth.introspection import (
    introspected_scopes,
    introspection_request,
    is_not_introspected,
    rejects_credentials,
)
from scopeprobe.oauth.request_changes import rewritten
from scopeprobe.oauth.response_body import content_of
from scopeprobe.oauth.revocation import ResponseSteps, Revocation, TokenHandling
from scopeprobe.oauth.rights_api import (
    read_bearer,
    read_registration,
    read_rights,
    rights_request,
    roles_to_read,
)
from scopeprobe.oauth.token_numbers import TokenNumbers
from scopeprobe.oauth.token_request import request_writer
from scopeprobe.oauth.token_response import Reader, asks_for_nonce

__all__ = ["TokenHandling", "exchanges"]

_Steps = Generator[HttpRequest, HttpResponse | Fault, Answer]


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

    :param handling: what is known of the server's tokens, for all its clients; it learns more.
    """
    return _ExchangeFlow(client, target, handling or TokenHandling(), now).exchange


@dataclass
class _ExchangeFlow:
    """The steps of one client's questions about one target: token, confirm, give back."""

    client: Client
    target: Target
    handling: TokenHandling
    now: Callable[[], datetime]
    introspection_failures: int = 0
    """In a row, of the client's own credentials."""

    def __post_init__(self) -> None:
        self.write = request_writer(self.client, self.target, now=self.now)
        self.reader = Reader.of(self.client, self.target, self.client.server.traits.claims)
        self.numbers = TokenNumbers()
        self.revocation = Revocation(self.client, self.write, self.handling)
        self.confirm = self._confirmation()
        self.gives_tokens_back = self.client.server.gives_tokens_back

    def exchange(self, question: Question) -> Exchange:
        sent_at = self.now() if self.gives_tokens_back else None
        response = yield from self._ask(question)
        if isinstance(response, Fault):
            return _unanswered(response)
        answer = self.reader.read(question, response, self.now())
        if not isinstance(answer, Issued):
            return answer
        token = content_of(response).token
        answer = msgspec.structs.replace(answer, token=self.numbers.of(token))
        if sent_at is None:
            return (yield from self.confirm(question, answer, token)) if self.confirm else answer
        try:
            if self.confirm is not None:
                answer = yield from self.confirm(question, answer, token)
            ask_again = partial(self._ask, question, Purpose.COMPARISON)
            yield from self.revocation.look_for_sharing(token, sent_at, ask_again)
        except ExchangeCut:
            yield from self.revocation.give_back(token)
            raise
        yield from self.revocation.give_back(token)
        return answer

    def _ask(self, question: Question, purpose: Purpose = Purpose.TOKEN) -> ResponseSteps:
        """Ask for a token; where the server wants its nonce in the proof, once more with it."""
        request = rewritten(self.write(question, purpose), question.change)
        response = yield request
        prover = self.write.prover
        if prover is None or isinstance(response, Fault):
            return response
        is_new = prover.remember(request.url, response)
        if is_new and asks_for_nonce(response) is not None:
            response = yield rewritten(self.write(question, purpose), question.change)
            if isinstance(response, HttpResponse):
                prover.remember(request.url, response)
        return response

    def _confirmation(self) -> Callable[[Question, Issued, str], _Steps] | None:
        """What has a grant confirmed, where the server's traits say that it is to be."""
        traits = self.client.server.traits
        match traits.verify:
            case Verify.INTROSPECT:
                return self._introspect
            case Verify.API if traits.rights is not None:
                return partial(self._ask_rights, traits.rights)
            case _:
                return None

    def _introspect(self, question: Question, answer: Issued, token: str) -> _Steps:
        server = self.client.server
        unconfirmed = msgspec.structs.replace(answer, unconfirmed=True)
        is_clients_own = server.introspector is None
        failing = self if is_clients_own else self.handling
        is_left_alone = failing.introspection_failures >= server.limits.max_auth_failures
        if is_left_alone or not server.endpoints.introspection:
            return unconfirmed
        response = _answered((yield introspection_request(server, token, self.write)))
        if isinstance(response, Unanswered):
            return response
        if rejects_credentials(response):
            failing.introspection_failures += 1
            refusal = Unanswered(
                Reason.UNCONFIRMED, HTTPStatus.UNAUTHORIZED.value, "invalid_client"
            )
            return refusal if is_clients_own else unconfirmed
        failing.introspection_failures = 0
        if is_not_introspected(response):
            return answer
        asked = question.scopes or self.target.candidates
        mask = self.reader.mask.and_of([token])
        told = introspected_scopes(response, self.client, asked, mask, self.target.candidates)
        return unconfirmed if told is None else msgspec.structs.replace(answer, confirmed=told)

    def _ask_rights(
        self, api: RightsApi, _question: Question, answer: Issued, token: str
    ) -> _Steps:
        """Read the rights of the token's bearer, once it is known to be this client."""
        mask = self.reader.mask.and_of([token])
        if api.bearer_url:
            response = _answered((yield rights_request(api.bearer_url, token, self.write)))
            if isinstance(response, Unanswered):
                return response
            if read_bearer(api, response) != self.client.client_id:
                return msgspec.structs.replace(answer, unconfirmed=True)
            registration = read_registration(api, response, mask)
            answer = msgspec.structs.replace(answer, registration=registration)
        response = _answered((yield rights_request(api.url, token, self.write)))
        if isinstance(response, Unanswered):
            return response
        roles: dict[str, HttpResponse] = {}
        for url in roles_to_read(api, response):
            role = _answered((yield rights_request(url, token, self.write)))
            if isinstance(role, Unanswered):
                return role
            roles[url] = role
            if role.status != HTTPStatus.OK:
                break
        rights = read_rights(api, response, mask, self.target.candidates, roles)
        if rights is None:
            return msgspec.structs.replace(answer, unconfirmed=True)
        return msgspec.structs.replace(answer, rights=rights.names, limits=rights.limits)


def _answered(response: HttpResponse | Fault) -> HttpResponse | Unanswered:
    """Return the response of a step; one that says nothing leaves the whole question unanswered."""
    if isinstance(response, Fault):
        return _unanswered(response)
    if response.lost_because is not None and not rejects_credentials(response):
        return Unanswered(response.lost_because, response.status)
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Unanswered(Reason.THROTTLED, response.status)
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unanswered(Reason.SERVER_ERROR, response.status)
    return response


def _unanswered(fault: Fault) -> Unanswered:
    return Unanswered(fault.reason, error=fault.code, description=fault.words)
