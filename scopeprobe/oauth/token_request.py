"""
The requests of one client.

A token request is that of RFC 6749 section 4.4.2, or that of an assertion (RFC 7523 section 2.1).
What follows it is a form about the token, or a call with the token as its bearer.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple
from urllib.parse import quote_plus, urlencode

import scopeprobe
from scopeprobe.model.client import Client, GrantType, Target
from scopeprobe.model.http import HttpRequest, Purpose
from scopeprobe.model.question import Question
from scopeprobe.model.secret import revealed
from scopeprobe.model.server import Server
from scopeprobe.oauth.assertions import AssertionWriter, Clock, RandomHex, wall_clock
from scopeprobe.oauth.client_auth import Authenticator, Credentials
from scopeprobe.oauth.dpop import DpopProver


class _Written(NamedTuple):
    """The part of a client's token requests that its credentials decide."""

    credentials: Credentials
    form: str
    headers: tuple[tuple[str, str], ...]


class RequestWriter:
    """Turns the questions of one client and target into token requests, and follows them up."""

    def __init__(
        self,
        client: Client,
        common: str,
        grant: Callable[[Question], str],
        authenticator: Authenticator,
        prover: DpopProver | None,
    ) -> None:
        self.authenticator = authenticator
        self.prover = prover
        """Told of responses, so that the next proof has their nonce; None without DPoP."""
        self._common, self._grant = common, grant
        self._headers = common_headers(client.server)
        self._written = _Written(Credentials(), self._common, self._headers)

    def __call__(self, question: Question, purpose: Purpose = Purpose.TOKEN) -> HttpRequest:
        written = self._written_with(self.authenticator.authenticate())
        grant, url = self._grant(question), self.authenticator.endpoint
        body = f"{written.form}&{grant}" if grant else written.form
        headers = written.headers
        if self.prover is not None:
            headers = (*headers, ("DPoP", self.prover.proof("POST", url)))
        return HttpRequest(url, body.encode("ascii"), headers, purpose=purpose)

    def about(
        self, token: str, url: str, purpose: Purpose, credentials: Credentials | None = None
    ) -> HttpRequest:
        """Write a form about a token; without other credentials, the client authenticates."""
        credentials = credentials or self.authenticator.authenticate()
        parameters = (("token", token), ("token_type_hint", "access_token"))
        body = urlencode((*parameters, *credentials.parameters)).encode("ascii")
        return HttpRequest(url, body, (*self._headers, *credentials.headers), purpose=purpose)

    def as_bearer(self, token: str, method: str, url: str, purpose: Purpose) -> HttpRequest:
        """Write a request that shows the token (RFC 6750 section 2.1, RFC 9449 section 7.1)."""
        shown = [("Authorization", f"Bearer {token}")]
        if self.prover is not None:
            proof = self.prover.proof(method, url, token=token)
            shown = [("Authorization", f"DPoP {token}"), ("DPoP", proof)]
        return HttpRequest(url, b"", (*self._headers, *shown), method, purpose)

    def _written_with(self, credentials: Credentials) -> _Written:
        """What all token requests have in common: written once where credentials stay the same."""
        if credentials is not self._written.credentials:
            form = filter(None, (self._common, urlencode(credentials.parameters)))
            headers = (*self._headers, *credentials.headers)
            self._written = _Written(credentials, "&".join(form), headers)
        return self._written


def request_writer(
    client: Client,
    target: Target,
    *,
    now: Clock = wall_clock,
    token_hex: RandomHex = secrets.token_hex,
) -> RequestWriter:
    """
    Return what turns this client's questions into requests.

    All that its questions have in common is encoded here, once. Only assertions and proofs are
    written anew for each request: servers remember them (RFC 7523 section 3, RFC 9449 11.1).
    """
    grant: Callable[[Question], str] = partial(_scope, target.fixed_scope(client.server))
    if client.grant_type is GrantType.JWT_BEARER:
        grant = partial(_assertion, AssertionWriter.of(client, now=now, token_hex=token_hex))
    return RequestWriter(
        client,
        urlencode(_common(client, target)),
        grant,
        Authenticator(client, now=now, token_hex=token_hex),
        DpopProver(now=now, token_hex=token_hex) if client.binds_tokens else None,
    )


def configured_headers(server: Server) -> tuple[tuple[str, str], ...]:
    return tuple((name, revealed(value)) for name, value in server.connection.headers)


def common_headers(server: Server) -> tuple[tuple[str, str], ...]:
    """Name the headers of every form that is posted to a server."""
    contact = f" ({server.connection.contact})" if server.connection.contact else ""
    return (
        *configured_headers(server),
        ("Accept", "application/json"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("User-Agent", f"scopeprobe/{scopeprobe.__version__}{contact}"),
    )


def _common(client: Client, target: Target) -> list[tuple[str, str]]:
    parameters = [("grant_type", client.grant_type.value)]
    parameters += [(name, revealed(value)) for name, value in target.token_params]
    if target.audience and not client.server.traits.scope_of_target:
        parameters.append(("audience", target.audience))
    if target.resource and not client.server.traits.scope_of_target:
        parameters.append(("resource", target.resource))
    return parameters


def _scope(fixed_scope: str, question: Question) -> str:
    """Ask for the scopes; for none, what the server wants in their place, if anything."""
    scopes = question.scopes
    written = _encoded(fixed_scope) if scopes is None else "+".join(map(_encoded, scopes))
    return f"scope={written}" if written else ""


@lru_cache(maxsize=20_000)
def _encoded(scope: str) -> str:
    """Many clients are asked for the same."""
    return quote_plus(scope)


def _assertion(asserter: AssertionWriter, question: Question) -> str:
    return urlencode({"assertion": asserter.grant(question.scopes)})
