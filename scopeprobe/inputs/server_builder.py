"""Servers, built from entries, their defaults, provider packs and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit, urlunsplit

from scopeprobe.errors import did_you_mean
from scopeprobe.inputs.clients_file import ClientsFile
from scopeprobe.inputs.precedence import Overrides, filled_server, lowered, nearest
from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.request_values import kept_elsewhere, written_values
from scopeprobe.inputs.schema import DefaultsEntry, PartyEntry, ServerEntry
from scopeprobe.inputs.secrets import SecretSource
from scopeprobe.model.provider import (
    TRAITS,
    BasicEncoding,
    Pack,
    ProviderTraits,
    RightsApi,
    Verify,
    pack_of,
)
from scopeprobe.model.server import (
    ClientId,
    Connection,
    Endpoints,
    ResourceServer,
    Server,
    ServerLimits,
)
from scopeprobe.model.urls import is_plain_http_abroad

NO_PROVIDER = "none"
INTROSPECTION_SECRET, HEADERS = "introspection_client_secret", "headers"
_ENDPOINTS = (
    "issuer",
    "token_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "rights_url",
)
"""Where credentials and tokens are sent."""


@dataclass(frozen=True, slots=True)
class ServerDraft:
    """A server, and what applies to all of its clients."""

    server: Server
    layers: tuple[PartyEntry, ...]
    """What its file says about it, from far to near."""
    names_encoding: bool
    """`basic_encoding` was chosen, and not merely left at its default."""
    secrets: Mapping[str, SecretSource] = field(default_factory=dict)
    """By their keys: of the resource server that introspects, and of headers."""


@dataclass(frozen=True, slots=True)
class ServerBuilder:
    """Builds servers, and says what is wrong with those that cannot be built."""

    overrides: Overrides
    packs: Sequence[Pack]
    problems: Problems

    def build_all(self, files: Iterable[ClientsFile]) -> dict[str, ServerDraft | None]:
        """The servers of all files by name; None stands for one that cannot be used."""
        drafts: dict[str, ServerDraft | None] = {}
        places: dict[str, Place] = {}
        for file in files:
            for name, entry in file.servers.items():
                place = file.place.at("servers", name)
                if name in places:
                    self.problems.error(place, f"is defined already, in {places[name].file}")
                    continue
                places[name] = place
                drafts[name] = self._named(name, entry, file.defaults, place)
        return drafts

    def _named(
        self, name: str, entry: ServerEntry | None, defaults: DefaultsEntry | None, place: Place
    ) -> ServerDraft | None:
        if entry is None or defaults is None:
            return None
        return self._draft(name, filled_server(entry, defaults), (defaults, entry), place)

    def build_unnamed(
        self, issuer: str | None, token_endpoint: str | None, defaults: DefaultsEntry, place: Place
    ) -> ServerDraft | None:
        """Build the server of a client that names no server, called by its own address."""
        entry = ServerEntry(issuer=issuer, token_endpoint=token_endpoint)
        whole = filled_server(entry, defaults)
        return self._draft(token_endpoint or issuer or "", whole, (defaults,), place)

    def _draft(
        self, name: str, entry: ServerEntry, layers: tuple[PartyEntry, ...], place: Place
    ) -> ServerDraft | None:
        provider = _provider_of(entry, self.packs, place, self.problems)
        token_endpoint = entry.token_endpoint
        if token_endpoint is None and entry.issuer is None:
            token_endpoint = provider.token_endpoint
            if token_endpoint is None:
                self.problems.error(
                    place.at("token_endpoint"),
                    "is missing, and no issuer is named either: give one of them",
                )
                return None
        self._refuse_plain_http(entry, place)
        server = Server(
            name,
            endpoints=_endpoints(entry, provider, token_endpoint or ""),
            connection=_connection(entry, self.overrides),
            limits=_limits(entry, provider.pack, self.overrides),
            traits=_traits(entry, provider, self.overrides),
            provider=provider.pack.name if provider.pack else "",
            region=provider.region,
            regions=provider.pack.regions if provider.pack else (),
            introspector=_introspector(entry),
            revokes=self.overrides.revokes,
        )
        self._check_confirmation(server, place)
        self._check_introspector(entry, place)
        is_default = server.traits.basic_encoding is BasicEncoding.RFC6749
        return ServerDraft(
            server,
            layers,
            names_encoding=entry.basic_encoding is not None or not is_default,
            secrets=_secrets(entry),
        )

    def _check_confirmation(self, server: Server, place: Place) -> None:
        """Refuse a server whose grants are to be confirmed at an endpoint that nobody names."""
        traits, endpoints = server.traits, server.endpoints
        if traits.verify is Verify.API and traits.rights is None:
            self.problems.error(
                place.at("rights_url"), "is missing: no provider pack says where rights are told"
            )
        is_told = endpoints.introspection or endpoints.issuer
        if traits.verify is Verify.INTROSPECT and not is_told:
            self.problems.error(
                place.at("introspection_endpoint"), "is missing: --verify introspect needs it"
            )

    def _check_introspector(self, entry: ServerEntry, place: Place) -> None:
        pair = ("introspection_client_id", "introspection_client_secret")
        missing = [key for key in pair if getattr(entry, key) is None]
        if len(missing) == 1:
            self.problems.error(place.at(missing[0]), "is missing: one is no use alone")

    def _refuse_plain_http(self, entry: ServerEntry, place: Place) -> None:
        for key in _ENDPOINTS:
            if is_plain_http_abroad(getattr(entry, key) or "") and not entry.allow_http:
                self.problems.error(place.at(key), "must be https (or say allow_http = true)")


# -- the parts of a server


def _endpoints(entry: ServerEntry, provider: KnownProvider, token_endpoint: str) -> Endpoints:
    return Endpoints(
        token=token_endpoint,
        issuer=entry.issuer or "",
        introspection=entry.introspection_endpoint or provider.introspection_endpoint or "",
        revocation=entry.revocation_endpoint or provider.revocation_endpoint(entry) or "",
    )


def _connection(entry: ServerEntry, overrides: Overrides) -> Connection:
    default = Connection()
    return Connection(
        timeout=nearest(default.timeout, entry.timeout, overrides.timeout),
        ca_file=entry.ca_file,
        proxy=entry.proxy,
        headers=written_values(entry.headers or {}),
        contact=entry.contact or "",
        allow_http=bool(entry.allow_http),
        allow_private=bool(entry.allow_private),
        network=entry.network or "",
    )


def _secrets(entry: ServerEntry) -> dict[str, SecretSource]:
    secrets = kept_elsewhere(entry.headers or {}, HEADERS)
    if entry.introspection_client_secret is not None:
        secrets[INTROSPECTION_SECRET] = entry.introspection_client_secret
    return secrets


def _limits(entry: ServerEntry, pack: Pack | None, overrides: Overrides) -> ServerLimits:
    default = ServerLimits()
    rates, client_rates = (pack.rates, pack.client_rates) if pack else ((), ())
    # The reserve of a pack is a share of the quota that it knows, and of no other.
    has_own_quota = bool(client_rates) and entry.client_rate is not None
    known_reserve = None if pack is None or has_own_quota else pack.reserve
    return ServerLimits(
        rates=lowered(default.rates, nearest(rates, entry.rate), overrides.rate),
        client_rates=lowered(
            default.client_rates, nearest(client_rates, entry.client_rate), overrides.client_rate
        ),
        burst=nearest(default.burst, entry.burst),
        in_flight=nearest(default.in_flight, entry.in_flight, overrides.in_flight),
        rate_group=entry.rate_group or "",
        quiet=entry.quiet,
        retries=nearest(default.retries, entry.retries, overrides.retries),
        max_auth_failures=nearest(
            default.max_auth_failures, entry.max_auth_failures, overrides.max_auth_failures
        ),
        reserve=nearest(default.reserve, known_reserve, entry.reserve),
    )


def _introspector(entry: ServerEntry) -> ResourceServer | None:
    client_id = entry.introspection_client_id
    return None if client_id is None else ResourceServer(ClientId(client_id))


def _traits(entry: ServerEntry, provider: KnownProvider, overrides: Overrides) -> ProviderTraits:
    """What the pack knows, as far as neither the entry nor the command line says otherwise."""
    known = provider.pack.traits if provider.pack else ProviderTraits()
    settable = TRAITS & ServerEntry.model_fields.keys()
    said = {name: nearest(getattr(known, name), getattr(entry, name)) for name in settable}
    return replace(
        known,
        **said,
        verify=nearest(known.verify, overrides.verify),
        single_token=known.single_token and not entry.allow_single_token,
        rights=provider.rights(entry),
    )


# -- what the packs know


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """What packs know about one server: its provider and its region; nothing if no pack does."""

    pack: Pack | None = None
    region: str = ""

    @property
    def token_endpoint(self) -> str | None:
        return self._url(self.pack.token_endpoint) if self.pack else None

    @property
    def introspection_endpoint(self) -> str | None:
        return self._url(self.pack.introspection_endpoint) if self.pack else None

    def revocation_endpoint(self, entry: ServerEntry) -> str | None:
        template = self.pack.revocation_endpoint if self.pack else ""
        return self._beside(entry, template) if template else None

    def rights(self, entry: ServerEntry) -> RightsApi | None:
        rights = self.pack.traits.rights if self.pack else None
        if rights is None or not self._beside(entry, rights.url):
            return None
        return rights.located(lambda template: self._beside(entry, template) or "")

    def _url(self, template: str) -> str | None:
        """A URL of the provider; None where it has none, or the region is not known."""
        if not template or ("{region}" in template and not self.region):
            return None
        return template.replace("{region}", self.region)

    def _beside(self, entry: ServerEntry, template: str) -> str | None:
        """A URL of the provider's API, moved to where `rights_url` says that the API is."""
        rights = self.pack.traits.rights if self.pack else None
        if not template:
            return None
        if entry.rights_url is None or rights is None:
            return self._url(template)
        known, given = urlsplit(rights.url), urlsplit(entry.rights_url)
        if not given.path.endswith(known.path):
            return entry.rights_url if template == rights.url else None
        base = given.path.removesuffix(known.path)
        wanted = urlsplit(template)
        return urlunsplit((given.scheme, given.netloc, base + wanted.path, wanted.query, ""))


def _provider_of(
    entry: ServerEntry, packs: Sequence[Pack], place: Place, problems: Problems
) -> KnownProvider:
    """Find the pack that a server names, or that knows its token host."""
    pack = _pack(entry, packs, place, problems)
    if pack is None:
        if entry.region is not None and entry.provider is None:
            problems.error(place.at("region"), "is known to provider packs only: name a provider")
        return KnownProvider()
    if entry.region is None:
        return KnownProvider(pack, pack.region_of(entry.token_endpoint or "") or "")
    if pack.regions and entry.region not in pack.regions and entry.token_endpoint is None:
        problems.error(
            place.at("region"),
            f"is none of {pack.title}'s: {', '.join(pack.regions)} (or give its token_endpoint)",
        )
    return KnownProvider(pack, entry.region)


def _pack(
    entry: ServerEntry, packs: Sequence[Pack], place: Place, problems: Problems
) -> Pack | None:
    if entry.provider == NO_PROVIDER:
        return None
    if entry.provider is None:
        return pack_of(entry.token_endpoint or entry.issuer or "", packs)
    named = next((pack for pack in packs if pack.name == entry.provider), None)
    if named is None:
        names = ", ".join(pack.name for pack in packs)
        near = did_you_mean(entry.provider, (pack.name for pack in packs))
        problems.error(place.at("provider"), f"is none of the provider packs: {names}, none{near}")
    return named
