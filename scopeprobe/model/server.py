"""One authorization server: where it is, how it is reached, how fast, and what it is like."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from scopeprobe.model.quiet_hours import QuietHours
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import Secret

_HOUR = 3600.0


class BasicEncoding(StrEnum):
    """How id and secret are written into Basic: RFC 6749 section 2.3.1, or as they are."""

    RFC6749 = "rfc6749"
    RAW = "raw"


class Verify(StrEnum):
    """Where grants are confirmed."""

    TOKEN = "token"
    """In the answer, and in the token where it is a JWT."""
    INTROSPECT = "introspect"
    """By token introspection (RFC 7662)."""
    API = "api"
    """By the provider's own API that says what a client may do."""
    NONE = "none"
    """In the answer alone; the token is not looked into."""


@dataclass(frozen=True, slots=True)
class RightsApi:
    """An endpoint that tells a token's bearer what it may do, and how its JSON is read."""

    url: str
    each: str
    """The way to every grant: names joined by dots, `[]` behind those of lists."""
    name: str
    """A right as a template over a grant's members; a member that is a list makes several."""
    bearer_url: str = ""
    """An endpoint that tells whose token it is, asked before the rights are believed."""
    bearer: str = ""
    """The way to the `client_id` there."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` requests in every `seconds`."""

    count: int
    seconds: float

    def __str__(self) -> str:
        units = {1: "s", 60: "min", 3600: "h", 86400: "day"}
        if unit := units.get(int(self.seconds)):
            return f"{self.count}/{unit}"
        return f"{self.count}/{self.seconds / 3600:g}h"


@dataclass(frozen=True, slots=True)
class Server:
    """One authorization server: its token endpoint, its manners, its limits."""

    name: str
    token_endpoint: str
    """Empty until it was read from the metadata of the issuer."""
    rates: tuple[Rate, ...] = (Rate(5, 1),)
    client_rates: tuple[Rate, ...] = (Rate(2, 1),)
    burst: int = 1
    in_flight: int = 4
    rate_group: str = ""
    quiet: QuietHours | None = None
    """When nothing is asked of it."""
    timeout: float = 15.0
    """Seconds from sending to the last byte of the answer."""
    retries: int = 4
    max_auth_failures: int = 3
    """Consecutive credential failures after which a client is left alone."""
    ca_file: Path | None = None
    proxy: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    basic_encoding: BasicEncoding = BasicEncoding.RFC6749
    absent_scope_as_requested: bool = False
    contact: str = ""
    issuer: str = ""
    """The issuer identifier whose metadata named the endpoints (RFC 8414 section 2)."""
    mtls_token_endpoint: str = ""
    """Where clients that authenticate by TLS are served instead (RFC 8705 section 5)."""
    introspection_endpoint: str = ""
    revocation_endpoint: str = ""
    scopes_supported: tuple[Scope, ...] | None = None
    """What its metadata advertises; None where that was not read, or does not say."""
    allow_http: bool = False
    allow_private: bool = False
    """Its metadata may name addresses of private networks, although its issuer is public."""
    provider: str = ""
    """The name of the provider pack that describes this server, if one does."""
    region: str = ""
    regions: tuple[str, ...] = ()
    """All regions of the provider: a client of one is unknown in the others."""
    verify: Verify = Verify.TOKEN
    introspection_client_id: str = ""
    introspection_secret: Secret | None = field(default=None, repr=False)
    """Of a resource server that may introspect (RFC 7662 section 2.1), if not the client itself."""
    rights: RightsApi | None = None
    claims: tuple[str, ...] = ()
    """Claims that tell scopes beside `scope` and `scp`, as names or dotted ways."""
    send_scope: bool = True
    """False: rights do not depend on the parameter, and one token tells all of them."""
    scope_of_target: str = ""
    """The one `scope` that is sent where candidates are not: a template over `{target}`."""
    lists_all: bool = False
    """A token that was asked for without a scope shows every right of its client."""
    credentials_first: bool = False
    """It looks at credentials before it looks at scopes (DESIGN, rule 4)."""
    needs_target: bool = False
    """No token is issued without an audience or resource."""
    revokes: bool = False
    """`--revoke`: give every token back."""
    deletes_tokens: bool = False
    """Revocation is a DELETE by the token's bearer, and not the POST of RFC 7009."""
    single_token: bool = False
    """The server keeps one token per client: a new one ends that which production uses."""
    reserve: float = 0.0
    """The share of a client's own quota that is left to production."""
    max_scope_bytes: int = 8192

    @property
    def origin(self) -> str:
        """Scheme, host and port of the token endpoint (RFC 6454)."""
        parts = urlsplit(self.token_endpoint or self.issuer)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
        return f"{parts.scheme}://{parts.hostname}:{port}"

    @property
    def address(self) -> str:
        """The token endpoint without its query, which may hold a gateway's key."""
        return self.token_endpoint.partition("?")[0]

    @property
    def gives_tokens_back(self) -> bool:
        """Every token is revoked, and it is known where."""
        return self.revokes and bool(self.revocation_endpoint)

    @property
    def spendable_client_rates(self) -> tuple[Rate, ...]:
        """A client's own limits, with the reserve taken off quotas of hours and days."""
        share = 1 - self.reserve
        return tuple(
            replace(rate, count=max(int(rate.count * share + 1e-9), 1))
            if rate.seconds >= _HOUR
            else rate
            for rate in self.client_rates
        )

    @property
    def group(self) -> str:
        """The rate group: servers that share it share one line."""
        return self.rate_group or self.origin
