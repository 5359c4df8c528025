"""A fleet for each real server of the lab: six clients, twenty scopes of its shape, the truth."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey

from scopeprobe.lab import AuthorizationServer, CellKind, Client, Message, read_profile

ISSUER = "https://lab.example/corp"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOUNS = ("orders", "invoices", "users", "queues", "reports", "items")
VERBS = ("read", "write", "delete")
INVENTED = ("unicorns", "yetis")

SHAPES = {
    "auth0": "{verb}:{noun}",
    "cognito": "corp-api/{noun}.{verb}",
    "doorkeeper": "{verb}_{noun}",
    "entra": "api://{noun}-{verb}/.default",
    "genesys": "{noun}:item:{verb}",
    "google": "https://www.googleapis.com/auth/{noun}.{verb}",
    "keycloak": "{noun}-{verb}",
    "oidc-provider-resource": "{noun}:{verb}",
    "okta-org": "okta.{noun}.{verb}",
    "salesforce": "{noun}_{verb}",
    "spotify": "{noun}-{verb}",
    "twitch": "{noun}:{verb}:item",
    "wso2": "internal_{noun}_{verb}",
    "zitadel": "urn:zitadel:iam:org:project:role:{noun}.{verb}",
}
"""How scopes are written there; `orders.read` elsewhere."""

METHODS = {
    "google": "private_key_jwt",
    "okta-org": "private_key_jwt",
    "twitch": "client_secret_post",
    "uber": "client_secret_post",
}
"""How clients authenticate; client_secret_basic elsewhere."""

ANY_METHOD = {"keycloak"}
"""Servers whose clients may use any method, unless they are held to one."""

TARGETS = {"auth0": "https://api.corp.example"}
"""The audience that a request must name."""


@dataclass(frozen=True)
class Entry:
    """A client as its auditor knows it."""

    name: str
    method: str
    secret: str = field(repr=False)
    key: Key | None = field(default=None, repr=False)
    """Its private key, for private_key_jwt."""

    @property
    def client_id(self) -> str:
        return f"{self.name}-id"


@dataclass(frozen=True)
class RealFleet:
    """A server of a real manner, its clients, and what is true of each cell."""

    server: AuthorizationServer
    entries: dict[str, Entry]
    candidates: tuple[str, ...]
    existing: tuple[str, ...]
    target: str | None
    kinds: dict[tuple[str, str], CellKind]
    """By client's name and scope."""


def scopes_of(profile: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Eighteen scopes that exist, and two that do not."""
    shape = SHAPES.get(profile, "{noun}.{verb}")
    existing = tuple(shape.format(noun=noun, verb=verb) for noun in NOUNS for verb in VERBS)
    if profile == "zitadel":
        shape = "{noun}.{verb}"  # any role "exists" there
    return existing, tuple(shape.format(noun=noun, verb="read") for noun in INVENTED)


@cache
def key_of(profile: str, name: str) -> Key | None:
    """A private key: RSA for Google, P-256 elsewhere; None where clients have secrets."""
    if METHODS.get(profile) != "private_key_jwt":
        return None
    if profile == "google":
        return RSAKey.generate_key(2048, {"kid": name}, private=True)
    return ECKey.generate_key("P-256", {"kid": name}, private=True)


def make_fleet(
    profile: str,
    override: dict[str, Any] | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> RealFleet:
    existing, invented = scopes_of(profile)
    grants = {
        "all": existing,
        "some": existing[4:9],
        "one": existing[7:8],
        "none": (),
        "wrong": existing[:1],
    }
    entries = {
        name: Entry(name, method_of(profile), f"{name}-s3cret+%", key_of(profile, f"{name} asks"))
        for name in (*grants, "stranger")
    }
    clients = [register(profile, entries[name], granted) for name, granted in grants.items()]
    target = TARGETS.get(profile)
    server = AuthorizationServer(
        "corp",
        read_profile(profile, override),
        clients,
        scopes=existing,
        targets=[target] if target else [],
        clock=clock,
    )
    candidates = (*existing, *invented)
    kinds = {
        (name, scope): tell_kind(server, entry, scope)
        for name, entry in entries.items()
        for scope in candidates
    }
    return RealFleet(server, entries, candidates, existing, target, kinds)


def method_of(profile: str) -> str:
    return METHODS.get(profile, "client_secret_basic")


def register(profile: str, entry: Entry, granted: tuple[str, ...]) -> Client:
    """The client as the server knows it; of `wrong`, that is another secret or key."""
    wrong = entry.name == "wrong"
    key = key_of(profile, "another") if wrong else entry.key
    return Client(
        entry.client_id,
        None if key else ("another-s3cret" if wrong else entry.secret),
        list(granted),
        (JWT_BEARER,) if profile == "google" else ("client_credentials",),
        method=None if profile in ANY_METHOD else entry.method,
        jwk=key.as_dict(private=False) if key else None,
        roles=tuple(scope.replace(".default", "Use.All") for scope in granted),
    )


def tell_kind(server: AuthorizationServer, entry: Entry, scope: str) -> CellKind:
    match entry.name:
        case "wrong":
            return "wrong_secret"
        case "stranger":
            return "unknown_client"
        case _:
            return server.kind(entry.client_id, scope)


def make_assertion(entry: Entry, **claims: object) -> str:
    """RFC 7523 section 3, a fresh one each time."""
    now = int(time.time())
    usual = {
        "iss": entry.client_id,
        "sub": entry.client_id,
        "aud": f"{ISSUER}/token",
        "iat": now,
        "exp": now + 60,
        "jti": base64.b64encode(str(time.perf_counter_ns()).encode()).decode(),
    }
    algorithm = "RS256" if isinstance(entry.key, RSAKey) else "ES256"
    return jwt.encode({"alg": algorithm, "typ": "JWT"}, usual | claims, entry.key)


def make_message(
    fleet: RealFleet,
    name: str,
    scope: str | None = None,
    *,
    as_json: bool = False,
    method: str = "",
    **parameters: str,
) -> Message:
    """The token request of a client, the way that its server wants it."""
    entry = fleet.entries[name]
    form = {"grant_type": fleet.server.profile.grants[0]}
    if fleet.target:
        form["audience"] = fleet.target
    if scope is not None:
        form["scope"] = scope
    authorization = None
    match method or entry.method:
        case "client_secret_basic":
            pair = encode_pair(fleet, entry)
            authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        case "client_secret_post":
            form |= {"client_id": entry.client_id, "client_secret": entry.secret}
        case "private_key_jwt" if form["grant_type"] == JWT_BEARER:
            asked = {"scope": form.pop("scope")} if scope is not None else {}
            form["assertion"] = make_assertion(entry, **asked)
        case "private_key_jwt":
            form["client_assertion"] = make_assertion(entry)
            form["client_assertion_type"] = ASSERTION_TYPE
    form |= parameters
    if as_json:
        return Message("application/json", authorization, json.dumps(form).encode())
    encoded = urlencode(form).encode()
    return Message("application/x-www-form-urlencoded", authorization, encoded)


def encode_pair(fleet: RealFleet, entry: Entry) -> str:
    """Id and secret for Basic, in the encoding that this server undoes."""
    pair = {"": entry.client_id, "secret": entry.secret}
    if fleet.server.profile.credentials.basic_encoding != "raw":
        pair["secret"] = urlencode(pair).rpartition("=")[2]
    return ":".join(pair.values())
