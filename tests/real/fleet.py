"""The clients that every real server of the tests knows, and what they may do."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    name: str
    client_id: str
    client_secret: str
    scopes: tuple[str, ...]
    token_endpoint_auth_method: str = "client_secret_basic"


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

    def as_json(self) -> str:
        """What the servers read: names as in RFC 7591, and nothing of the unknown."""
        clients = [
            {
                "client_id": client.client_id,
                "client_secret": client.client_secret,
                "scope": " ".join(client.scopes),
                "token_endpoint_auth_method": client.token_endpoint_auth_method,
            }
            for client in self.clients
        ]
        return json.dumps({"scopes": self.scopes, "clients": clients})


def truth(fleet: Fleet) -> frozenset[tuple[str, str]]:
    """The (client, scope) pairs that are really granted, by the clients' names."""
    return frozenset((client.name, scope) for client in fleet.clients for scope in client.scopes)


SCOPES = (
    "customers:read",
    "customers:write",
    "invoices.create",
    "invoices.delete",
    "invoices.read",
    "orders.read",
    "orders.write",
    "reports/export",
    "users:edit",
    "users:view",
    "webhooks.manage",
    "https://api.example.com/payouts.approve",
)

FLEET = Fleet(
    scopes=SCOPES,
    unknown=("invoices.raed", "warehouse:read"),
    clients=(
        Client("all-powerful", "all-powerful", "secret-of-all-powerful", SCOPES),
        Client("one-trick", "one-trick", "secret-of-one-trick", ("orders.read",)),
        Client("no-grants", "no-grants", "secret-of-no-grants", ()),
        Client(
            "by-post",
            "by-post",
            "secret-of-by-post",
            ("customers:read", "invoices.read", "https://api.example.com/payouts.approve"),
            token_endpoint_auth_method="client_secret_post",
        ),
        Client(
            "odd-letters",
            "legacy app+v2: eu/50%",
            "p%40ss w+rd:/ 100% %2B&=",
            ("orders.read", "orders.write", "users:view"),
        ),
        Client(
            "odd-letters-by-post",
            "legacy app+v3: us/50%",
            "w+rd p%40ss:/ %2B&= 100%",
            ("reports/export",),
            token_endpoint_auth_method="client_secret_post",
        ),
        Client(
            "readers",
            "readers",
            "secret-of-readers",
            tuple(scope for scope in SCOPES if "read" in scope),
        ),
        Client("first-and-last", "first-and-last", "secret-of-ends", (SCOPES[0], SCOPES[-1])),
        Client("every-other", "every-other", "secret-of-every-other", SCOPES[::2]),
        Client(
            "all-but-one",
            "all-but-one",
            "secret-of-all-but-one",
            tuple(scope for scope in SCOPES if scope != "invoices.delete"),
        ),
    ),
)
