"""
What a server does, as data: the shape of `profiles/*.toml`.

A property is independent of every other, so that a new server is a new file and no new code.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from scopeprobe.lab.answers import (
    BODY_FIELDS,
    HEADER_FIELDS,
    Mark,
    Refusal,
    Table,
    check_template,
    malformed,
    texts_of,
)
from scopeprobe.lab.conclusions import Conclusions

CLIENT_CREDENTIALS = "client_credentials"

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
"""RFC 7523 section 2.1. The assertion names the client, proves it, and holds the scopes."""

AuthMethod: TypeAlias = Literal[
    "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"
]
"""`token_endpoint_auth_method` (RFC 7591 section 2)."""

BasicEncoding: TypeAlias = Literal["rfc6749", "percent", "raw"]
"""
How id and secret in Basic are read: form-decoded (RFC 6749 section 2.3.1), percent-decoded with
every `+` left alone, or taken as they are.
"""

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
    *("HS256", "HS384", "HS512"),
)
"""JWS algorithms of client assertions (RFC 7518 section 3.1, RFC 8037, RFC 9864)."""

Check: TypeAlias = Literal["throttle", "credentials", "grant", "dpop", "target", "scope"]

IN_ORDER: tuple[Check, ...] = ("throttle", "credentials", "grant", "dpop", "target", "scope")

Treatment: TypeAlias = Refusal | Literal["drop", "issue"]
"""
What one scope that the client was not granted does to its request.

A refusal refuses the whole request, `drop` leaves the scope out of the token, `issue` lets it in.
"""


class BodyRules(Table, frozen=True, kw_only=True):
    """How the body of a token request is read (RFC 6749 section 4.4.2)."""

    json: Literal["refused", "accepted"] = "refused"
    not_form: Refusal = malformed("The body must be application/x-www-form-urlencoded.")
    repeated: Refusal = malformed("A parameter is included more than once.")
    no_grant_type: Refusal = malformed("The parameter grant_type is missing.")


class AssertionRules(Table, frozen=True, kw_only=True):
    """
    How a client's assertion is checked (RFC 7523 section 3).

    Where no refusal is written, the answer is that to a wrong secret.
    """

    algorithms: tuple[str, ...] = ALGORITHMS
    audiences: tuple[Literal["issuer", "token_endpoint"], ...] = ("issuer", "token_endpoint")
    wrong_audience: Refusal | None = None
    expired: Refusal | None = None
    replayed: Refusal | None = None
    """Of a `jti` that was seen before."""


class CredentialRules(Table, frozen=True, kw_only=True):
    """How clients authenticate (RFC 6749 section 2.3), and what a failure is answered with."""

    methods: tuple[AuthMethod, ...]
    basic_encoding: BasicEncoding
    unknown_client: Refusal
    wrong_secret: Refusal
    missing: Refusal | None = None
    """No client in the request. None: the answer to an unknown client."""
    registered_method: Literal["enforced", "ignored"] = "ignored"
    """Whether the method that a client registered is the only one it may use."""
    wrong_method: Refusal | None = None
    """None: the answer to a wrong secret."""
    bad_basic: Refusal = malformed("The Authorization header is not HTTP Basic.")
    bad_encoding: Refusal | None = None
    """Of a `%` in Basic that two hexadecimal digits do not follow. None: it stands for itself."""
    two_mechanisms: Refusal | Literal["body"] = malformed(
        "More than one method of client authentication was used."
    )
    """Credentials in header and body: refused, or those of the body are used."""
    client_id_beside_basic: Refusal | Literal["same", "body"] = "same"
    """A client_id in the body beside Basic: refused, or it must be the same, or it wins."""
    assertion: AssertionRules = AssertionRules()


class TargetRules(Table, frozen=True, kw_only=True):
    """The parameter that says what a token is for: `audience`, or `resource` (RFC 8707)."""

    parameter: Literal["audience", "resource"]
    missing: Refusal | Literal["ignored"]
    unknown: Refusal
    """Of a target that no server here has."""
    ungranted: Refusal
    """Of a target that this client may not ask for."""


class ScopePattern(Table, frozen=True, kw_only=True):
    """A treatment of all scopes of one shape that do not exist, where it is not that of others."""

    matches: str
    """With the wildcards `*` and `?`."""
    treatment: Treatment
    source: Mark | None = None


class ScopeRules(Table, frozen=True, kw_only=True):
    """What becomes of the `scope` parameter (RFC 6749 section 3.3)."""

    unknown: Treatment
    """Of a scope that does not exist on this server."""
    ungranted: Treatment
    """Of a scope that exists but was not granted to the client."""
    absent: Refusal | Literal["nothing", "granted", "everything"]
    """
    A request without scope: refused, a token without any scope, with all granted ones, or with all
    that exist.
    """
    no_default: Refusal | None = None
    """A request without scope by a client without any granted one."""
    empty: Refusal | Literal["absent"] = "absent"
    """`scope=`: refused, or a request without scope."""
    present: Refusal | None = None
    """Any scope at all: refused, where the server does not want to see the parameter."""
    several: Refusal | None = None
    """More than one scope in a request."""
    nothing_left: Refusal | None = None
    """A request all of whose scopes were dropped."""
    patterns: tuple[ScopePattern, ...] = ()
    grants: Literal["exact", "wildcard", "all"] = "exact"
    """
    What a client may have: the scopes it was granted, those that match them where `*` stands for
    any text, or all that exist.
    """
    no_grants: Literal["nothing", "everything"] = "nothing"
    """What a client without any granted scope may have; everything: all that exists."""
    always: tuple[str, ...] = ()
    """Issued with every token."""
    listed: Literal["issued", "nonempty", "different", "asked", "never"]
    """
    The `scope` member of a 200: what was issued (also when that is nothing), the same unless it is
    nothing, the same only if it differs from what was asked, what was asked for whatever was
    issued, or no such member.
    """
    order: Literal["asked", "reversed"] = "asked"
    """Of the list. Some servers keep sets, which have no order."""
    shape: Literal["string", "array"] = "string"


class RoleRules(Table, frozen=True, kw_only=True):
    """A claim with rights that no scope asks for. Without any right there is no claim."""

    claim: str
    """Dots lead into nested objects."""
    of: Literal["roles", "granted", "issued", "resource"]
    """
    The client's roles, its granted scopes, those issued now, or those granted under the resource of
    the asked `<resource>/.default`.
    """
    prefix: str = ""
    """Only scopes that start so are shown, without it."""
    shape: Literal["array", "object"] = "array"


class TokenRules(Table, frozen=True, kw_only=True):
    """The access token: random text, or a JWT whose claim shows its scopes (RFC 9068)."""

    format: Literal["opaque", "jwt"]
    claim: str = "scope"
    """Empty: no claim shows scopes."""
    shape: Literal["string", "array"] = "string"
    """The claim's value. A token without any scope has no claim."""
    roles: RoleRules | None = None
    claims: dict[str, Any] = msgspec.field(default_factory=dict)
    """Further claims, or other values of the usual ones; texts are templates."""
    lifetime: Annotated[int, Meta(gt=0)] = 300
    """`expires_in`, in seconds."""
    shared: bool = False
    """The same token is handed out for the same request until it expires or is revoked."""
    members: dict[str, Any] = msgspec.field(default_factory=dict)
    """Further members of a 200."""

    def __post_init__(self) -> None:
        for template in texts_of([self.claims, self.members]):
            check_template(template, BODY_FIELDS)


class ThrottleRule(Table, frozen=True, kw_only=True):
    """At most `requests` in any `seconds`; what is over that is refused and not counted."""

    requests: Annotated[int, Meta(gt=0)]
    seconds: Annotated[float, Meta(gt=0)]
    per: Literal["server", "client"]
    refusal: Refusal
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """On every answer: how much of the quota is left."""

    def __post_init__(self) -> None:
        check_headers(self.headers)


class LockRule(Table, frozen=True, kw_only=True):
    """A client that fails to authenticate `failures` times in a row is refused ever after."""

    failures: Annotated[int, Meta(gt=0)]
    refusal: Refusal


class DpopRules(Table, frozen=True, kw_only=True):
    """Proofs of possession (RFC 9449). A proof that comes unasked for is verified too."""

    wanted: Literal["registered", "always"] = "registered"
    """From clients that registered `dpop_bound_access_tokens`, or from all."""
    missing: Refusal
    invalid: Refusal
    nonce: Refusal | None = None
    """The demand for a nonce (section 8); None: proofs need none."""


class IntrospectionRules(Table, frozen=True, kw_only=True):
    """What `/introspect` says of a live token (RFC 7662 section 2.2) to whom it trusts."""

    answer: Literal["full", "inactive", "without_scope"] | Refusal = "full"
    unauthenticated: Refusal = Refusal(status=401, error="invalid_client")
    dead_token: Refusal | None = None
    """
    Of a token that is not live; who asks needs no credentials then, and the token is in the
    parameter `access_token`, as in Google's tokeninfo. None: RFC 7662.
    """


class MetadataRules(Table, frozen=True, kw_only=True):
    """What the well-known documents say (RFC 8414, OpenID Connect Discovery)."""

    served: tuple[Literal["openid", "inserted", "appended"], ...] = (
        "openid",
        "inserted",
        "appended",
    )
    members: dict[str, Any] = msgspec.field(default_factory=dict)
    """Further members, or lies instead of the true ones; `{issuer}` and `{origin}` may be named."""
    omitted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for template in texts_of(self.members):
            check_template(template, {"issuer", "origin"})


class Profile(Table, frozen=True, kw_only=True):
    """All that is particular of one authorization server."""

    summary: str
    order: tuple[Check, ...] = IN_ORDER
    body: BodyRules = BodyRules()
    credentials: CredentialRules
    grants: tuple[str, ...] = (CLIENT_CREDENTIALS,)
    """The grant types that there are at all."""
    unsupported_grant_type: Refusal = Refusal(status=400, error="unsupported_grant_type")
    grant_not_allowed: Refusal
    target: TargetRules | None = None
    scope: ScopeRules
    token: TokenRules
    dpop: DpopRules | None = None
    throttle: ThrottleRule | None = None
    lock: LockRule | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """On every answer of the token endpoint."""
    introspection: IntrospectionRules = IntrospectionRules()
    metadata: MetadataRules = MetadataRules()
    rights_api: Literal["genesys"] | None = None
    """Endpoints that tell the rights of whoever brings a token."""
    roles: Literal["told", "apart"] = "told"
    """
    Whether the rights API tells what a role holds, or its name alone; then an endpoint of its own
    tells the rest to who may read roles.
    """
    sources: dict[str, Mark] = msgspec.field(default_factory=dict)
    """Marks of properties that are no refusal, by their place: `"scope.unknown" = "V"`."""
    conclusions: Conclusions | None = None
    """What may be concluded about this server's clients. Abstract profiles have none."""
    conclusions_by_rights_api: Conclusions | None = None
    """The same for who asks the rights API."""

    def __post_init__(self) -> None:
        check_headers(self.headers)
        if sorted(self.order) != sorted(IN_ORDER):
            raise ValueError(f"order must hold each of {', '.join(IN_ORDER)} once")


def check_headers(headers: dict[str, str]) -> None:
    for template in headers.values():
        check_template(template, HEADER_FIELDS)
