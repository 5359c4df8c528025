"""One authorization server: its clients, their grants, and the answer to a request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from scopeprobe.lab.answers import Answer, Refusal, fill
from scopeprobe.lab.clients import Authenticator, Client
from scopeprobe.lab.conclusions import CellKind
from scopeprobe.lab.genesys import GenesysApi
from scopeprobe.lab.introspection import introspect, revoke, tokeninfo
from scopeprobe.lab.requests import Message, TokenRequest, read_token_request
from scopeprobe.lab.schema import Profile
from scopeprobe.lab.scopes import holds
from scopeprobe.lab.token_endpoint import TokenEndpoint
from scopeprobe.lab.token_store import TokenStore


@dataclass(frozen=True, slots=True)
class Received:
    """One token request as a server remembers it, without secret and token."""

    at: float
    """Monotonic seconds."""
    client_id: str | None
    """None where the request was malformed."""
    scopes: tuple[str, ...] | None
    status: int
    target: str | None = None


class AuthorizationServer:
    """A server with a profile. It knows nothing of HTTP servers and sockets."""

    def __init__(
        self,
        name: str,
        profile: Profile,
        clients: Iterable[Client] = (),
        *,
        scopes: Iterable[str] = (),
        targets: Iterable[str] = (),
        introspectors: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Open a server.

        `scopes` and `targets` (audiences or resources) exist although no client has them;
        `introspectors` are resource servers with their secrets.
        """
        self.name = name
        self.profile = profile
        self.clients = {client.client_id: client for client in clients}
        self.scopes = {*scopes}.union(*map(scopes_of, self.clients.values()))
        self.targets = {*targets}.union(*(client.targets or () for client in self.clients.values()))
        self.received: list[Received] = []
        self.token_store = TokenStore(profile.token.lifetime)
        self._introspectors = dict(introspectors or {})
        self._clock = clock
        self._endpoint = TokenEndpoint(
            name=name,
            profile=profile,
            clients=self.clients,
            scopes=self.scopes,
            targets=self.targets,
            token_store=self.token_store,
            authenticator=Authenticator(profile, self.clients),
        )

    def grant(self, client_id: str, scope: str) -> None:
        """Give a client a scope, which exists from now on."""
        self.scopes.add(scope)
        if scope not in self.clients[client_id].granted:
            self.clients[client_id].granted.append(scope)

    def revoke(self, client_id: str, scope: str) -> None:
        """Take a scope away from a client; the scope itself still exists."""
        self.clients[client_id].granted.remove(scope)

    def rotate(self, client_id: str, client_secret: str) -> None:
        """Replace a client's secret; the old one is wrong at once."""
        self.clients[client_id].client_secret = client_secret

    def renew_nonce(self) -> None:
        """Demand another nonce in DPoP proofs from now on."""
        self._endpoint.renew_nonce()

    def kind(self, client_id: str, scope: str) -> CellKind:
        """The truth about a scope of a registered client, if it can authenticate."""
        client = self.clients[client_id]
        if holds(scope, self.profile.scope, client.granted, self.scopes):
            return "granted"
        return "ungranted" if scope in self.scopes else "unknown_scope"

    def answer(self, message: Message, *, issuer: str) -> Answer:
        """Answer one POST to the token endpoint, and remember that it came."""
        arrived = self._clock()
        request = read_token_request(message, self.profile)
        answer = self._endpoint.answer(request, message, issuer=issuer, arrived=arrived)
        self.received.append(remember(request, arrived, answer.status))
        return answer

    def introspect(self, message: Message) -> Answer:
        """Answer one POST to `/introspect` (RFC 7662, or Google's tokeninfo)."""
        if (dead_token := self.profile.introspection.dead_token) is not None:
            return tokeninfo(message, dead_token, self.token_store)
        return introspect(
            message,
            self.profile,
            self.token_store,
            clients=self.clients,
            others=self._introspectors,
        )

    def revoke_token(self, message: Message) -> Answer:
        """Answer one POST to `/revoke` (RFC 7009)."""
        return revoke(message, self.profile, self.token_store, clients=self.clients)

    def describe(self, issuer: str) -> Answer:
        """Give the metadata document (RFC 8414)."""
        return Answer(200, metadata_of(self.profile, issuer, self.scopes))

    def tell_rights(self, path: str, message: Message) -> Answer:
        """Answer a request to the rights API, where there is one."""
        if self.profile.rights_api is None:
            return Answer(404, text="")
        api = GenesysApi(self.clients, self.token_store, self.profile.roles)
        return api.answer(path, message.method, message.authorization)


def scopes_of(client: Client) -> set[str]:
    """All that a client was granted, whatever the target."""
    return set(client.granted).union(*(client.targets or {}).values())


def remember(request: TokenRequest | Refusal, arrived: float, status: int) -> Received:
    if isinstance(request, Refusal):
        return Received(arrived, None, None, status)
    return Received(arrived, request.client_id, request.scopes or None, status, request.target)


def metadata_of(profile: Profile, issuer: str, scopes: Iterable[str]) -> dict[str, object]:
    """
    The well-known document of a server (RFC 8414 section 2, OpenID Connect Discovery).

    It is the truth, unless the profile says otherwise.
    """
    origin = "/".join(issuer.split("/")[:3])
    truth: dict[str, object] = {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "scopes_supported": sorted(scopes),
        "grant_types_supported": list(profile.grants),
        "token_endpoint_auth_methods_supported": list(profile.credentials.methods),
    }
    if any(method.endswith("_jwt") for method in profile.credentials.methods):
        truth["token_endpoint_auth_signing_alg_values_supported"] = list(
            profile.credentials.assertion.algorithms
        )
    if profile.dpop:
        truth["dpop_signing_alg_values_supported"] = ["ES256"]
    said = fill(profile.metadata.members, {"issuer": issuer, "origin": origin})
    return {
        name: value
        for name, value in (truth | said).items()
        if name not in profile.metadata.omitted
    }
