"""One authorization server: its clients, their grants, and the answer to a token request."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from scopeprobe.lab.answers import TokenAnswer, issue, refuse
from scopeprobe.lab.limits import Lock, Throttle
from scopeprobe.lab.manners import Manner, Refusal
from scopeprobe.lab.requests import Credentials, Message, TokenRequest, read_token_request
from scopeprobe.lab.scopes import Denial, decide, list_scopes
from scopeprobe.lab.tokens import Mint

CLIENT_CREDENTIALS = "client_credentials"

UNSUPPORTED_GRANT_TYPE = Refusal(status=400, error="unsupported_grant_type")


@dataclass(slots=True)
class Client:
    """A registered client. It may be changed while its server runs."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    """None: a public client, which authenticates with `none`."""
    granted: list[str] = field(default_factory=list)
    grant_types: tuple[str, ...] = (CLIENT_CREDENTIALS,)

    def accepts(self, secret: str | None) -> bool:
        if self.client_secret is None or secret is None:
            return self.client_secret is secret
        return hmac.compare_digest(self.client_secret.encode(), secret.encode())


@dataclass(frozen=True, slots=True)
class Received:
    """One token request as a server remembers it: no secret, no token."""

    at: float
    """Monotonic seconds."""
    client_id: str | None
    """None where the request was malformed."""
    scopes: tuple[str, ...] | None
    status: int


class AuthorizationServer:
    """A token endpoint with manners. It knows nothing of HTTP servers and sockets."""

    def __init__(
        self,
        name: str,
        manner: Manner,
        clients: Iterable[Client] = (),
        *,
        scopes: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.manner = manner
        self.clients = {client.client_id: client for client in clients}
        self.scopes = {*scopes}.union(*(client.granted for client in self.clients.values()))
        self.received: list[Received] = []
        self._clock = clock
        self._mint = Mint(manner.token)
        self._throttle = Throttle(manner.throttle) if manner.throttle else None
        self._lock = Lock(manner.lock) if manner.lock else None

    def grant(self, client_id: str, scope: str) -> None:
        """Give a client a scope, which exists from now on."""
        self.scopes.add(scope)
        if scope not in self.clients[client_id].granted:
            self.clients[client_id].granted.append(scope)

    def revoke(self, client_id: str, scope: str) -> None:
        """Take a scope away from a client; the scope itself goes on to exist."""
        self.clients[client_id].granted.remove(scope)

    def rotate(self, client_id: str, client_secret: str) -> None:
        """Replace a client's secret; the old one is wrong at once."""
        self.clients[client_id].client_secret = client_secret

    def answer(self, message: Message, *, issuer: str) -> TokenAnswer:
        """Answer one POST to the token endpoint, and remember that it came."""
        arrived = self._clock()
        request = read_token_request(message, self.manner.credentials.basic_encoding)
        if isinstance(request, Refusal):
            answer = refuse(request)
            self.received.append(Received(arrived, None, None, answer.status))
        else:
            answer = self._respond(request, arrived, issuer)
            self.received.append(
                Received(arrived, request.client_id, request.scopes, answer.status)
            )
        return answer

    def _respond(self, request: TokenRequest, arrived: float, issuer: str) -> TokenAnswer:
        return (
            self._refuse_throttled(request, arrived)
            or self._refuse_unauthenticated(request)
            or self._refuse_grant(request)
            or self._judge_scopes(request, issuer)
        )

    def _refuse_throttled(self, request: TokenRequest, arrived: float) -> TokenAnswer | None:
        if not self._throttle:
            return None
        seconds = self._throttle.admit(request.client_id, arrived)
        if not seconds:
            return None
        return self._refuse(self._throttle.rule.refusal, request, seconds=seconds)

    def _refuse_unauthenticated(self, request: TokenRequest) -> TokenAnswer | None:
        """A locked client is refused before its secret is looked at."""
        if self._lock and self._lock.holds(request.client_id):
            return self._refuse(self._lock.rule.refusal, request)
        refusal = self._find_fault(request.credentials)
        if self._lock:
            note = self._lock.note_failure if refusal else self._lock.note_success
            note(request.client_id)
        return self._refuse(refusal, request) if refusal else None

    def _find_fault(self, credentials: Credentials) -> Refusal | None:
        """What is wrong with a client's authentication (RFC 6749 section 2.3); None: nothing."""
        rules = self.manner.credentials
        client = self.clients.get(credentials.client_id)
        if client is None:
            return rules.unknown_client
        if credentials.method in rules.methods and client.accepts(credentials.secret):
            return None
        return rules.wrong_secret

    def _refuse_grant(self, request: TokenRequest) -> TokenAnswer | None:
        if request.grant_type != CLIENT_CREDENTIALS:
            return self._refuse(UNSUPPORTED_GRANT_TYPE, request)
        if request.grant_type not in self.clients[request.client_id].grant_types:
            return self._refuse(self.manner.grant_not_allowed, request)
        return None

    def _judge_scopes(self, request: TokenRequest, issuer: str) -> TokenAnswer:
        rules = self.manner.scope
        granted = self.clients[request.client_id].granted
        issued = decide(rules, request.scopes, granted=granted, known=self.scopes)
        if isinstance(issued, Denial):
            return self._refuse(
                issued.refusal,
                request,
                culprit=issued.culprits[0] if issued.culprits else "",
                culprits=" ".join(issued.culprits),
            )
        return issue(
            self._mint.strike(issuer=issuer, client_id=request.client_id, scopes=issued),
            lifetime=self.manner.token.lifetime,
            listed=list_scopes(rules, issued, request.scopes),
        )

    def _refuse(
        self, refusal: Refusal, request: TokenRequest, **particulars: object
    ) -> TokenAnswer:
        return refuse(
            refusal,
            server=self.name,
            client_id=request.client_id,
            asked=" ".join(request.scopes or ()),
            **particulars,
        )
