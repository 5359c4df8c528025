"""Giving tokens back (RFC 7009), once it is shown that nobody else is using them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TypeAlias

from scopeprobe.model.client import Client
from scopeprobe.model.fault import Fault
from scopeprobe.model.http import ExchangeCut, HttpRequest, HttpResponse, Purpose
from scopeprobe.oauth.scope_lists import token_issued_at
from scopeprobe.oauth.token_numbers import TokenNumbers
from scopeprobe.oauth.token_request import RequestWriter
from scopeprobe.oauth.token_response import access_token

CLOCK_SKEW = 5.0
"""Seconds by which a token may seem older than its request: clocks tick apart, `iat` is whole."""

ResponseSteps: TypeAlias = Generator[HttpRequest, HttpResponse | Fault, HttpResponse | Fault]
"""Requests out, responses in; ends with the response that counts."""
_Steps = Generator[HttpRequest, HttpResponse | Fault, None]


@dataclass(slots=True)
class TokenHandling:
    """What the exchanges of all clients of one server found out about its tokens."""

    shares_tokens: bool = False
    """It hands out a token that somebody else may be using: nothing is revoked here."""
    introspection_failures: int = 0
    """In a row. Credentials of a resource server can be locked as any others."""
    revoked: int = 0
    left_alive: int = 0
    """Tokens that were to be revoked and could not be."""


@dataclass(slots=True)
class Revocation:
    """Revokes the tokens of one client and target."""

    client: Client
    write: RequestWriter
    handling: TokenHandling
    is_own: bool = False
    """Two requests brought two tokens: what this client is given, nobody else uses."""
    failures: int = 0
    """In a row: a server counts them as it counts failures at its token endpoint."""
    _seen: TokenNumbers = field(default_factory=TokenNumbers, repr=False)
    """The tokens so far: one that comes back is handed out to others as well."""

    def look_for_sharing(
        self, token: str, sent_at: datetime, ask_again: Callable[[], ResponseSteps]
    ) -> _Steps:
        """
        Before the first revocation ask twice: one token for both is a token that others use.

        So is one that was issued before it was asked for.
        """
        issued_at = token_issued_at(token)
        is_old = issued_at is not None and issued_at < sent_at.timestamp() - CLOCK_SKEW
        self.handling.shares_tokens |= is_old or token in self._seen
        number = self._seen.of(token)
        if self.is_own or self.handling.shares_tokens:
            return
        response = yield from ask_again()
        twin = access_token(response) if isinstance(response, HttpResponse) else None
        if twin is None:
            return
        if self._seen.of(twin) == number:
            self.handling.shares_tokens = True
            return
        self.is_own = True
        yield from self._revoke(twin)

    def give_back(self, token: str) -> _Steps:
        """Revoke a token that nobody else can be using; count one that stays alive."""
        if self.handling.shares_tokens:
            return
        if self.is_own:
            yield from self._revoke(token)
        else:
            self.handling.left_alive += 1

    def _revoke(self, token: str) -> _Steps:
        """Revoke a token; when the run is cut short meanwhile, ask for it once more."""
        if self.failures >= self.client.server.limits.max_auth_failures:
            self.handling.left_alive += 1
            return
        request = self._request(token)
        try:
            response = yield request
        except ExchangeCut:
            response = yield request
            self._note(response)
            raise
        self._note(response)

    def _request(self, token: str) -> HttpRequest:
        """RFC 7009 section 2.1, or the provider's own way."""
        server, purpose = self.client.server, Purpose.REVOCATION
        if server.traits.deletes_tokens:
            return self.write.as_bearer(token, "DELETE", server.endpoints.revocation, purpose)
        return self.write.about(token, server.endpoints.revocation, purpose)

    def _note(self, response: HttpResponse | Fault) -> None:
        status = response.status if isinstance(response, HttpResponse) else None
        self.failures = self.failures + 1 if status == HTTPStatus.UNAUTHORIZED else 0
        is_done = status is not None and status < HTTPStatus.BAD_REQUEST
        self.handling.revoked += is_done
        self.handling.left_alive += not is_done
