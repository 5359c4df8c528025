"""The fleets in `fleets/`: which clients a server knows, and what is true of them there."""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from credentials import signing_key

CellKey = tuple[str, ...]
"""(client name, scope); with the resource in between where clients ask for several"""


@dataclass(frozen=True)
class Client:
    """One client; names as in RFC 7591, RFC 8705 and RFC 9449."""

    name: str
    client_id: str
    scopes: tuple[str, ...]
    client_secret: str = ""
    held_secret: str = ""
    """What the auditor takes for the secret, where that is another."""
    registered: bool = True
    """Whether the server knows it."""
    resources: Mapping[str, list[str]] = field(default_factory=dict)
    """What it may do at each resource (RFC 8707), where it asks for several."""
    token_endpoint_auth_method: str = "client_secret_basic"
    token_endpoint_auth_signing_alg: str = ""
    assertion_audience: str = ""
    """`{issuer}`, or empty for the token endpoint."""
    grant_types: tuple[str, ...] = ("client_credentials",)
    dpop_bound_access_tokens: bool = False
    tls_client_auth_san_dns: str = ""
    tls_client_auth_subject_dn: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it can authenticate with what the auditor holds."""
        return self.registered and not self.held_secret

    @property
    def has_key(self) -> bool:
        return self.token_endpoint_auth_method == "private_key_jwt"

    @property
    def has_certificate(self) -> bool:
        return self.token_endpoint_auth_method.endswith("tls_client_auth")

    def registration(self) -> dict[str, object]:
        """What a server is told: nothing that is empty, and of a key its public half."""
        told = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "grant_types": self.grant_types,
            "token_endpoint_auth_method": self.token_endpoint_auth_method,
            "token_endpoint_auth_signing_alg": self.token_endpoint_auth_signing_alg,
            "dpop_bound_access_tokens": self.dpop_bound_access_tokens,
            "resources": self.resources,
            "tls_client_auth_san_dns": self.tls_client_auth_san_dns,
            "tls_client_auth_subject_dn": self.tls_client_auth_subject_dn,
        }
        if self.has_key:
            key = signing_key(self.client_id, self.token_endpoint_auth_signing_alg)
            told["jwks"] = {"keys": [key.as_dict(private=False)]}
        return {name: value for name, value in told.items() if value} | {
            "scope": " ".join(self.scopes)
        }


@dataclass(frozen=True)
class Fleet:
    scopes: tuple[str, ...]
    """What the server knows."""
    unknown: tuple[str, ...]
    """Candidates that the server never heard of."""
    clients: tuple[Client, ...]

    @property
    def candidates(self) -> tuple[str, ...]:
        return self.scopes + self.unknown

    def client(self, name: str) -> Client:
        return next(client for client in self.clients if client.name == name)

    def only(self, belongs: Callable[[Client], bool]) -> "Fleet":
        return replace(self, clients=tuple(filter(belongs, self.clients)))

    def with_grants(self, scopes: Mapping[str, tuple[str, ...]]) -> "Fleet":
        """The same fleet, but for what the named clients may do."""
        changed = (replace(c, scopes=scopes.get(c.name, c.scopes)) for c in self.clients)
        return replace(self, clients=tuple(changed))

    def with_resources(self, resources: Mapping[str, Mapping[str, list[str]]]) -> "Fleet":
        """The same fleet, but for what the named clients may do at resources."""
        changed = (replace(c, resources=resources.get(c.name, c.resources)) for c in self.clients)
        return replace(self, clients=tuple(changed))

    def with_scopes(self, *scopes: str) -> "Fleet":
        """The same candidates, of which the server knows others."""
        unknown = tuple(scope for scope in self.candidates if scope not in scopes)
        return replace(self, scopes=scopes, unknown=unknown)

    def as_json(self) -> str:
        """What the servers read: nothing of the unknown."""
        clients = [client.registration() for client in self.clients if client.registered]
        return json.dumps({"scopes": self.scopes, "clients": clients})


def read_fleet(name: str) -> Fleet:
    table = tomllib.loads((Path(__file__).parent / "fleets" / f"{name}.toml").read_text())
    clients = tuple(
        Client(**{"client_id": entry["name"], **entry, "scopes": tuple(entry["scopes"])})
        for entry in table["clients"]
    )
    return Fleet(tuple(table["scopes"]), tuple(table["unknown"]), clients)


def own_grants(fleet: Fleet) -> Mapping[CellKey, str]:
    """A server that gives each client what was configured for it."""
    return {
        (client.name, scope): _verdict(client, carried=scope in client.scopes)
        for client in fleet.clients
        for scope in fleet.candidates
    }


def own_grants_by_resource(fleet: Fleet) -> Mapping[CellKey, str]:
    """A server that gives each client what was configured for it at each resource."""
    return {
        (client.name, resource, scope): _verdict(client, carried=scope in granted)
        for client in fleet.clients
        for resource, granted in client.resources.items()
        for scope in fleet.candidates
    }


def whatever_exists(fleet: Fleet) -> Mapping[CellKey, str]:
    """A server without scopes of single clients: what exists is everybody's."""
    return {
        (client.name, scope): _verdict(client, carried=scope in fleet.scopes)
        for client in fleet.clients
        for scope in fleet.candidates
    }


def whatever_is_asked(fleet: Fleet) -> Mapping[CellKey, str]:
    """A server that gives out every word it is asked for."""
    return {
        (client.name, scope): "unenforced" if client.is_good else "unauthenticated"
        for client in fleet.clients
        for scope in fleet.candidates
    }


def _verdict(client: Client, *, carried: bool) -> str:
    if not client.is_good:
        return "unauthenticated"
    return "granted" if carried else "denied"


SECRETS = read_fleet("secrets")
ASSERTIONS = read_fleet("assertions")
AUTHLIB_ASSERTIONS = ASSERTIONS.only(
    # It verifies only what joserfc recommends, and one method of assertions a server.
    lambda client: client.token_endpoint_auth_signing_alg in {"RS256", "ES256"}
)
PROOFS = read_fleet("proofs")
CERTIFICATES = read_fleet("certificates")
NIGHTS = read_fleet("nights")
RESOURCES = read_fleet("resources")
