"""The fleets in `fleets/`: which clients a server knows, and what is true of them there."""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from credentials import signing_key

CellKey = tuple[str, str]
"""(client name, scope)"""


@dataclass(frozen=True)
class Client:
    """One client; names as in RFC 7591, RFC 8705 and RFC 9449."""

    name: str
    client_id: str
    scopes: tuple[str, ...]
    client_secret: str = ""
    token_endpoint_auth_method: str = "client_secret_basic"
    token_endpoint_auth_signing_alg: str = ""
    assertion_audience: str = ""
    """`{issuer}`, or empty for the token endpoint."""
    grant_types: tuple[str, ...] = ("client_credentials",)
    dpop_bound_access_tokens: bool = False
    tls_client_auth_san_dns: str = ""
    tls_client_auth_subject_dn: str = ""

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

    def as_json(self) -> str:
        """What the servers read: nothing of the unknown."""
        clients = [client.registration() for client in self.clients]
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
        (client.name, scope): "granted" if scope in client.scopes else "denied"
        for client in fleet.clients
        for scope in fleet.candidates
    }


def whatever_exists(fleet: Fleet) -> Mapping[CellKey, str]:
    """A server without scopes of single clients: what exists is everybody's."""
    return {
        (client.name, scope): "granted" if scope in fleet.scopes else "denied"
        for client in fleet.clients
        for scope in fleet.candidates
    }


def whatever_is_asked(fleet: Fleet) -> Mapping[CellKey, str]:
    """A server that gives out every word it is asked for."""
    return {
        (client.name, scope): "unenforced" for client in fleet.clients for scope in fleet.candidates
    }


SECRETS = read_fleet("secrets")
ASSERTIONS = read_fleet("assertions")
AUTHLIB_ASSERTIONS = ASSERTIONS.only(
    # It verifies only what joserfc recommends, and one method of assertions a server.
    lambda client: client.token_endpoint_auth_signing_alg in {"RS256", "ES256"}
)
PROOFS = read_fleet("proofs")
CERTIFICATES = read_fleet("certificates")
