"""What is known of a provider before it is asked: a pack, which is data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from scopeprobe.model.server import BasicEncoding, Rate, RightsApi, Verify


@dataclass(frozen=True, slots=True)
class Pack:
    """One provider. What a clients file says of a server goes before what its pack says."""

    name: str
    title: str
    map_from: str
    """In words: what a permission map is read from here."""
    hosts: tuple[str, ...] = ()
    """Globs of token hosts that are this provider's; `{region}` stands for each region."""
    token_endpoint: str = ""
    """A template over `{region}`, where the provider has one for everybody."""
    token_endpoint_auth_methods: tuple[str, ...] = ()
    """Those that it documents (RFC 7591 section 2); empty where it is not known."""
    regions: tuple[str, ...] = ()
    limits: str = ""
    """In words: what the provider says of its limits."""
    rates: tuple[Rate, ...] = ()
    client_rates: tuple[Rate, ...] = ()
    reserve: float | None = None
    verify: Verify = Verify.TOKEN
    claims: tuple[str, ...] = ()
    send_scope: bool = True
    scope_of_target: str = ""
    lists_all: bool = False
    basic_encoding: BasicEncoding | None = None
    credentials_first: bool = False
    needs_target: bool = False
    absent_scope_as_requested: bool = False
    single_token: bool = False
    rights: RightsApi | None = None
    """Its URLs are templates over `{region}`."""
    introspection_endpoint: str = ""
    revocation_endpoint: str = ""
    deletes_tokens: bool = False
    max_scope_bytes: int | None = None
    sources: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    """Keys whose facts no source confirms: what is concluded from them is less sure."""

    def region_of(self, token_endpoint: str) -> str | None:
        """The region whose token host this is, empty where it has none; None: another host."""
        host = urlsplit(token_endpoint).hostname or ""
        for pattern in self.hosts:
            for region in self.regions if "{region}" in pattern else ("",):
                if fnmatchcase(host, pattern.replace("{region}", region)):
                    return region
        return None


def pack_of(token_endpoint: str, packs: Iterable[Pack]) -> Pack | None:
    """The pack that knows a token endpoint's host."""
    return next((pack for pack in packs if pack.region_of(token_endpoint) is not None), None)
