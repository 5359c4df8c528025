"""What a provider pack says of a server, below everything that a clients file says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.schema import ServerEntry
from scopeprobe.model.provider import Pack, pack_of
from scopeprobe.model.server import RightsApi, Verify

NO_PROVIDER = "none"


@dataclass(frozen=True, slots=True)
class Known:
    """A pack and the region of one of its servers; no pack where nobody knows the server."""

    pack: Pack | None = None
    region: str = ""

    @property
    def token_endpoint(self) -> str | None:
        return self.url(self.pack.token_endpoint) if self.pack else None

    def url(self, template: str) -> str | None:
        """A URL of the provider; None where it has none, or the region is not known."""
        if not template or ("{region}" in template and not self.region):
            return None
        return template.replace("{region}", self.region)

    def traits(self, entry: ServerEntry) -> dict[str, Any]:
        """Fields of the server that the pack knows, where the entry says nothing itself."""
        if self.pack is None:
            return {}
        pack = self.pack
        knows_quota = bool(pack.client_rates) and entry.client_rate is None
        return {
            "provider": pack.name,
            "region": self.region,
            "regions": pack.regions,
            "rates": pack.rates or None,
            "client_rates": pack.client_rates or None,
            "reserve": pack.reserve if knows_quota or not pack.client_rates else None,
            "verify": pack.verify,
            "claims": pack.claims,
            "send_scope": pack.send_scope,
            "scope_of_target": pack.scope_of_target,
            "lists_all": pack.lists_all,
            "basic_encoding": pack.basic_encoding,
            "credentials_first": pack.credentials_first,
            "needs_target": pack.needs_target,
            "absent_scope_as_requested": pack.absent_scope_as_requested,
            "single_token": pack.single_token and not entry.allow_single_token,
            "introspection_endpoint": self.url(pack.introspection_endpoint),
            "revocation_endpoint": self._revocation_endpoint(entry),
            "deletes_tokens": pack.deletes_tokens,
            "rights": self._rights(entry),
            "max_scope_bytes": pack.max_scope_bytes,
        }

    def _rights(self, entry: ServerEntry) -> RightsApi | None:
        if self.pack is None or self.pack.rights is None:
            return None
        rights = self.pack.rights
        url = self._beside(entry, rights.url)
        if url is None:
            return None
        return replace(rights, url=url, bearer_url=self._beside(entry, rights.bearer_url) or "")

    def _revocation_endpoint(self, entry: ServerEntry) -> str | None:
        template = self.pack.revocation_endpoint if self.pack else ""
        return self._beside(entry, template) if template else None

    def _beside(self, entry: ServerEntry, template: str) -> str | None:
        """A URL of the provider's API, moved to where `rights_url` says that the API is."""
        rights = self.pack.rights if self.pack else None
        if not template:
            return None
        if entry.rights_url is None or rights is None:
            return self.url(template)
        known, given = urlsplit(rights.url), urlsplit(entry.rights_url)
        if not given.path.endswith(known.path):
            return entry.rights_url if template == rights.url else None
        base = given.path.removesuffix(known.path)
        wanted = urlsplit(template)
        return urlunsplit((given.scheme, given.netloc, base + wanted.path, wanted.query, ""))


def known_of(entry: ServerEntry, packs: Sequence[Pack], place: Place, problems: Problems) -> Known:
    """Find the pack that a server names, or that knows its token host."""
    pack = _pack(entry, packs, place, problems)
    if pack is None:
        if entry.region is not None and entry.provider is None:
            problems.add(place.at("region"), "is known to provider packs only: name a provider")
        return Known()
    if entry.region is None:
        return Known(pack, pack.region_of(entry.token_endpoint or "") or "")
    if pack.regions and entry.region not in pack.regions and entry.token_endpoint is None:
        problems.add(
            place.at("region"),
            f"is none of {pack.title}'s: {', '.join(pack.regions)} (or give its token_endpoint)",
        )
    return Known(pack, entry.region)


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
        problems.add(place.at("provider"), f"is none of the provider packs: {names}, none")
    return named


def check_confirmation(
    traits: dict[str, Any], *, is_told_later: bool, place: Place, problems: Problems
) -> None:
    """Complain where grants are to be confirmed in a place that nobody names."""
    verify = traits.get("verify")
    if verify is Verify.API and traits.get("rights") is None:
        problems.add(
            place.at("rights_url"), "is missing: no provider pack says where rights are told"
        )
    if (
        verify is Verify.INTROSPECT
        and not traits.get("introspection_endpoint")
        and not is_told_later
    ):
        problems.add(place.at("introspection_endpoint"), "is missing: --verify introspect needs it")
