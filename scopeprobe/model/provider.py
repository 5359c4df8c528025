"""What is known of a provider before it is asked: a pack, which is data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from msgspec import Meta

from scopeprobe.model.rate import Rate
from scopeprobe.model.urls import host_of


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
class RolesApi:
    """An endpoint that tells what a role holds, where the rights API names the role alone."""

    url: str
    """A template over `{id}`, the role's member of that name."""
    each: str
    """The path to everything that the role holds."""
    members: Mapping[str, str] = field(hash=False)
    """The names that a grant's members have here, by those that they have in the rights API."""


@dataclass(frozen=True, slots=True)
class RightsApi:
    """An endpoint that tells a token's bearer what it may do, and how its JSON is read."""

    each: str
    """The path to every grant: names joined by dots, `[]` behind those of lists."""
    name: str
    """A right as a template over a grant's members; a member that is a list makes several."""
    limits: tuple[str, ...] = ()
    """
    The paths to what limits a grant, from the top as `each` is.

    An object limits by its `name`, and not at all where its `id` is `*`; any other value by the
    name of its member.
    """
    url: str = ""
    bearer_url: str = ""
    """An endpoint that tells whose token it is, asked before the rights are believed."""
    bearer: str = ""
    """The path to the `client_id` there."""
    state: str = ""
    """The path there to the client's state, which is `active` where nothing is the matter."""
    ends: str = ""
    """The path there to the moment when the client is deleted (ISO 8601)."""
    roles: RolesApi | None = None
    """Asked of who holds the last list of `each`, where that list is empty or missing."""

    def located(self, locate: Callable[[str], str]) -> RightsApi:
        """The same API with each of its URLs where `locate` says; it is nowhere where empty."""
        url = locate(self.roles.url) if self.roles else ""
        return replace(
            self,
            url=locate(self.url),
            bearer_url=locate(self.bearer_url),
            roles=replace(self.roles, url=url) if self.roles and url else None,
        )


@dataclass(frozen=True, slots=True)
class ProviderTraits:
    """
    What a server of a provider is like: the one list of traits.

    Each is a key of a pack's file under its name here, and of a server in a clients file where
    the schema of those has it.
    """

    verify: Verify = Verify.TOKEN
    claims: tuple[str, ...] = ()
    """Claims that tell scopes beside `scope` and `scp`, as names or dotted paths."""
    send_scope: bool = True
    """False: rights do not depend on the parameter, and one token tells all of them."""
    scope_of_target: str = ""
    """The one `scope` that is sent where candidates are not: a template over `{target}`."""
    lists_all: bool = False
    """A token that was asked for without a scope shows every right of its client."""
    basic_encoding: BasicEncoding = BasicEncoding.RFC6749
    credentials_first: bool = False
    """It looks at credentials before it looks at scopes (docs/design.md, rule 7)."""
    needs_target: bool = False
    """No token is issued without an audience or resource."""
    absent_scope: Literal["", "as_requested"] = ""
    """`as_requested`: an answer without a scope list grants what was asked for."""
    single_token: bool = False
    """The server keeps one token per client: a new one ends that which production uses."""
    rights: RightsApi | None = None
    """In a pack its URLs are templates over `{region}`."""
    deletes_tokens: bool = False
    """Revocation is a DELETE by the token's bearer, and not the POST of RFC 7009."""
    asks_tokeninfo: bool = False
    """Introspection is Google's tokeninfo, which takes an `access_token` from anybody."""
    max_scope_bytes: Annotated[int, Meta(gt=0)] = 8192


TRAITS = frozenset(trait.name for trait in fields(ProviderTraits))


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
    traits: ProviderTraits = field(default_factory=ProviderTraits)
    introspection_endpoint: str = ""
    revocation_endpoint: str = ""
    sources: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    """Keys whose facts no source confirms: what is concluded from them is less sure."""

    def region_of(self, token_endpoint: str) -> str | None:
        """The region whose token host this is, empty where it has none; None: another host."""
        host = host_of(token_endpoint)
        for pattern in self.hosts:
            for region in self.regions if "{region}" in pattern else ("",):
                if fnmatchcase(host, pattern.replace("{region}", region)):
                    return region
        return None


def pack_of(token_endpoint: str, packs: Iterable[Pack]) -> Pack | None:
    """The pack that knows a token endpoint's host."""
    return next((pack for pack in packs if pack.region_of(token_endpoint) is not None), None)
