"""One authorization server: where it is, how it is reached, how fast, and what it is like."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NewType

from scopeprobe.model.provider import ProviderTraits
from scopeprobe.model.quiet_hours import QuietHours
from scopeprobe.model.rate import Rate
from scopeprobe.model.scope_names import Scope
from scopeprobe.model.secret import RequestValue, Secret
from scopeprobe.model.urls import host_of, origin_of

_HOUR = 3600.0

ClientId = NewType("ClientId", str)
"""The `client_id` of RFC 6749 section 2.2."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a server's tokens come from, and where they are looked into and revoked."""

    token: str = ""
    """Empty until it was read from the metadata of the issuer."""
    issuer: str = ""
    """The issuer identifier whose metadata named the others (RFC 8414 section 2)."""
    mtls_token: str = ""
    """Where clients that authenticate by TLS are served instead (RFC 8705 section 5)."""
    introspection: str = ""
    revocation: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """How a server is reached."""

    timeout: float = 15.0
    """Seconds from sending to the last byte of the answer."""
    ca_file: Path | None = None
    proxy: str | None = None
    headers: tuple[tuple[str, RequestValue], ...] = ()
    contact: str = ""
    allow_http: bool = False
    allow_private: bool = False
    """Its metadata may name addresses of private networks, although its issuer is public."""
    network: str = ""
    """From where it is reached: on a cluster, only workers in that network ask it."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """How often a server may be asked, and how often in vain."""

    rates: tuple[Rate, ...] = (Rate(5, 1),)
    client_rates: tuple[Rate, ...] = (Rate(2, 1),)
    burst: int = 1
    in_flight: int = 4
    rate_group: str = ""
    quiet: QuietHours | None = None
    """When nothing is asked of it."""
    retries: int = 4
    max_auth_failures: int = 3
    """Failed authentications in a row after which a client is not asked again."""
    reserve: float = 0.0
    """The share of a client's own quota that is left to production."""

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


@dataclass(frozen=True, slots=True)
class ResourceServer:
    """Who may introspect in the place of the client itself (RFC 7662 section 2.1)."""

    client_id: ClientId
    secret: Secret | None = field(default=None, repr=False)
    """None until it was looked up."""


@dataclass(frozen=True, slots=True)
class Server:
    """One authorization server, in parts that are each about one thing."""

    name: str
    endpoints: Endpoints = field(default_factory=Endpoints)
    connection: Connection = field(default_factory=Connection)
    limits: ServerLimits = field(default_factory=ServerLimits)
    traits: ProviderTraits = field(default_factory=ProviderTraits)
    provider: str = ""
    """The name of the provider pack that describes this server, if one does."""
    region: str = ""
    regions: tuple[str, ...] = ()
    """All regions of the provider: a client of one is unknown in the others."""
    scopes_supported: tuple[Scope, ...] | None = None
    """What its metadata advertises; None where that was not read, or does not say."""
    introspector: ResourceServer | None = None
    """Whose credentials introspect its tokens; None: those of each client."""
    revokes: bool = False
    """`--revoke`: give every token back."""

    @property
    def origin(self) -> str:
        """Of the token endpoint; of the issuer where that is not known yet."""
        return origin_of(self.endpoints.token or self.endpoints.issuer)

    @property
    def address(self) -> str:
        """The token endpoint without its query, which may hold a gateway's key."""
        return self.endpoints.token.partition("?")[0]

    @property
    def other_regions(self) -> tuple[str, ...]:
        """Where a client may be instead; nothing where it is not known which region this is."""
        others = (region for region in self.regions if region != self.region)
        return tuple(others) if self.region else ()

    def region_of(self, url: str) -> str:
        """The region of the provider that a URL's host is in; empty where it is in none."""
        host = host_of(url)
        return next((one for one in self.regions if host.endswith(f".{one}")), "")

    @property
    def gives_tokens_back(self) -> bool:
        """Every token is revoked, and it is known where."""
        return self.revokes and bool(self.endpoints.revocation)

    @property
    def group(self) -> str:
        """The rate group: servers that share it share one queue."""
        return self.limits.rate_group or self.origin
