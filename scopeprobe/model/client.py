"""Clients: who they are, how they authenticate, and what they ask tokens for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, StrEnum, auto
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NewType, assert_never

import msgspec

from scopeprobe.model.scope_names import CANARY_PREFIX, Scope
from scopeprobe.model.secret import RequestValue, Secret
from scopeprobe.model.server import ClientId, Server

if TYPE_CHECKING:
    from joserfc.jwk import Key


ClientName = NewType("ClientName", str)
"""What the clients file calls a client; unique there, safe as a file name."""


class Credential(Enum):
    """What a client proves with that it is itself."""

    SECRET = auto()
    PRIVATE_KEY = auto()
    """Or a ready assertion that another's key signed."""
    CERTIFICATE = auto()


class AuthMethod(StrEnum):
    """
    `token_endpoint_auth_method` (RFC 7591 section 2).

    Of the methods for one credential the first is meant where an entry names none.
    """

    CLIENT_SECRET_BASIC = "client_secret_basic"
    CLIENT_SECRET_POST = "client_secret_post"
    CLIENT_SECRET_JWT = "client_secret_jwt"
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS_CLIENT_AUTH = "tls_client_auth"
    SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth"
    NONE = "none"

    @property
    def credential(self) -> Credential | None:
        return _AUTH_METHODS[self].credential

    @property
    def signs_assertion(self) -> bool:
        return _AUTH_METHODS[self].signs_assertion

    @property
    def is_asymmetric(self) -> bool:
        """The server holds nothing that would authenticate in the client's place."""
        return self.credential in {Credential.PRIVATE_KEY, Credential.CERTIFICATE}


@dataclass(frozen=True, slots=True)
class AuthMethodFacts:
    credential: Credential | None
    """What it needs; None where it needs nothing."""
    signs_assertion: bool = False
    """The credential signs a JWT (RFC 7523 section 2.2) and is not sent itself."""


_AUTH_METHODS = {
    AuthMethod.CLIENT_SECRET_BASIC: AuthMethodFacts(Credential.SECRET),
    AuthMethod.CLIENT_SECRET_POST: AuthMethodFacts(Credential.SECRET),
    AuthMethod.CLIENT_SECRET_JWT: AuthMethodFacts(Credential.SECRET, signs_assertion=True),
    AuthMethod.PRIVATE_KEY_JWT: AuthMethodFacts(Credential.PRIVATE_KEY, signs_assertion=True),
    AuthMethod.TLS_CLIENT_AUTH: AuthMethodFacts(Credential.CERTIFICATE),
    AuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH: AuthMethodFacts(Credential.CERTIFICATE),
    AuthMethod.NONE: AuthMethodFacts(None),
}
"""All that the rest of the program knows of a method, but for how it is written and checked."""


class GrantType(StrEnum):
    """How a token is asked for: RFC 6749 section 4.4, or an assertion (RFC 7523 section 2.1)."""

    CLIENT_CREDENTIALS = "client_credentials"
    JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A client's private key, parsed once; what it holds is never shown."""

    key: Key = field(repr=False, hash=False)
    alg: str
    """The JWS algorithm (RFC 7518 section 3.1)."""
    kid: str = ""
    thumbprints: tuple[tuple[str, str], ...] = ()
    """`x5t` and `x5t#S256` of the key's certificate (RFC 7515 section 4.1.7), if it has one."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a client shows in the TLS handshake (RFC 8705): files that hold PEM."""

    certificate: Path
    key: Path
    password: Secret | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What should be: globs of scopes that a client is to have, and is not to have."""

    granted: tuple[str, ...] | None = None
    denied: tuple[str, ...] = ()
    allows_unmatched: bool = False
    """Patterns may match no candidate."""
    place: object = field(default="", compare=False)
    """Where it is written."""

    @property
    def says_anything(self) -> bool:
        return self.granted is not None or bool(self.denied)

    def wants(self, scope: Scope) -> bool:
        return any(fnmatchcase(scope, glob) for glob in self.granted or ())

    def forbids(self, scope: Scope) -> bool:
        return any(fnmatchcase(scope, glob) for glob in self.denied)


@dataclass(frozen=True, slots=True)
class Target:
    """What a client asks tokens for, with the candidate scopes to be judged there."""

    candidates: tuple[Scope, ...]
    audience: str = ""
    resource: str = ""
    token_params: tuple[tuple[str, RequestValue], ...] = ()
    expect: Expectation = Expectation()

    @property
    def label(self) -> str:
        """The `audience` column: the audience, or else the resource (RFC 8707)."""
        return self.audience or self.resource

    def fixed_scope(self, server: Server) -> str:
        """The `scope` that is sent for the target where candidates are not; empty where none is."""
        return server.traits.scope_of_target.replace("{target}", self.label.rstrip("/"))


class Registration(msgspec.Struct, frozen=True):
    """How a server says that a client will not go on as it is."""

    state: str = ""
    """As the server calls it; empty where it is active."""
    ends: date | None = None
    """When the server deletes it, in UTC."""


@dataclass(frozen=True, slots=True)
class Client:
    """One OAuth client application and its authorization server."""

    name: ClientName
    client_id: ClientId
    server: Server
    secret: Secret | None = field(repr=False)
    auth_method: AuthMethod
    targets: tuple[Target, ...]
    tags: tuple[str, ...] = ()
    owner: str = ""
    authorised_by: str = ""
    secret_expires: date | None = None
    signing_key: SigningKey | None = None
    """Signs the assertions of `private_key_jwt` and of the JWT bearer grant."""
    signing_alg: str = ""
    """`token_endpoint_auth_signing_alg` of `client_secret_jwt`; the key knows its own."""
    assertion_audience: str = ""
    """The `aud` of its assertions; the token endpoint where it is empty (RFC 7523 section 3)."""
    assertion: Secret | None = field(default=None, repr=False)
    """A ready assertion of somebody else's making: workload identity (RFC 7521 section 4.2)."""
    certificate: Certificate | None = None
    binds_tokens: bool = False
    """`dpop_bound_access_tokens` (RFC 9449 section 5.2)."""
    grant_type: GrantType = GrantType.CLIENT_CREDENTIALS
    subject: str = ""
    """The `sub` of the JWT bearer grant; the client itself where it is empty."""
    names_method: bool = True
    """The user chose `auth_method`; otherwise metadata may tell a better one."""
    file: str = field(default="", compare=False)
    """The clients file that describes it, as it was named; empty where none does."""
    line: int = field(default=0, compare=False)
    """That on which it begins there, from 1; 0 where that is not known."""

    @property
    def secret_signing_alg(self) -> str:
        """The JWS algorithm with which the secret signs; empty where it signs nothing."""
        method = self.auth_method
        signs = method.signs_assertion and method.credential is Credential.SECRET
        return (self.signing_alg or "HS256") if signs else ""

    def has(self, credential: Credential) -> bool:
        match credential:
            case Credential.SECRET:
                return self.secret is not None
            case Credential.PRIVATE_KEY:
                return self.signing_key is not None or self.assertion is not None
            case Credential.CERTIFICATE:
                return self.certificate is not None
            case _:
                assert_never(credential)

    @property
    def canary(self) -> Scope:
        """
        A scope that nobody grants, the same every night.

        A keyed hash of server and client, so that equal nights ask equal questions; its prefix is
        constant, so that a security team can know it.
        """
        endpoints = self.server.endpoints
        names = f"{endpoints.issuer or endpoints.token}\n{self.client_id}".encode()
        digest = hashlib.blake2b(names, digest_size=6, key=b"scopeprobe canary")
        return Scope(f"{CANARY_PREFIX}{digest.hexdigest()}")
