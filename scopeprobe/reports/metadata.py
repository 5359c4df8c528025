"""The metadata of servers, for people in 80 columns and for machines as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scopeprobe.model.server import Server
from scopeprobe.oauth.metadata import Metadata, MetadataProblem
from scopeprobe.reports.texts import json_text

MOST_SCOPES = 40
"""Scopes that the table names; JSON names all."""


@dataclass(frozen=True, slots=True)
class Described:
    """One server, what its metadata says, and what of that is not used."""

    server: Server
    """With the endpoints that would be used."""
    url: str
    """Where the metadata was read or looked for; empty where no issuer is named."""
    metadata: Metadata | None
    refusal: MetadataProblem | None
    """Why the metadata is not used at all."""
    refused: tuple[tuple[str, MetadataProblem], ...] = ()
    """Single members that are not used."""

    @property
    def is_read(self) -> bool:
        return self.refusal is None


def metadata_table(servers: Sequence[Described]) -> RenderableType:
    """A block a server, in 80 columns."""
    return Group(*(_block(one) for one in servers))


def _block(one: Described) -> RenderableType:
    table = Table(
        title=Text(one.server.name),
        title_justify="left",
        title_style="bold",
        box=None,
        show_header=False,
        padding=(0, 2, 0, 0),
    )
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(one):
        if value:
            table.add_row(Text(name, style="dim"), Text(value))
    return Group(table, "")


def _rows(one: Described) -> Iterable[tuple[str, str]]:
    server = one.server
    yield "issuer", server.endpoints.issuer
    yield "metadata", one.url
    if one.refusal:
        yield "not read", f"{one.refusal.reason}: {one.refusal.words}"
    yield "token endpoint", server.address
    yield "introspection", server.endpoints.introspection
    yield "revocation", server.endpoints.revocation
    yield "mutual TLS", server.endpoints.mtls_token
    if one.metadata and one.is_read:
        yield "auth methods", " ".join(one.metadata.token_endpoint_auth_methods_supported)
        yield "grant types", " ".join(one.metadata.grant_types_supported)
        yield "DPoP", " ".join(one.metadata.dpop_signing_alg_values_supported)
        yield "scopes", _scopes(one.metadata)
    for member, refusal in one.refused:
        yield "not used", f"{member}: {refusal.words}"


def _scopes(metadata: Metadata) -> str:
    scopes = metadata.scopes_supported
    if scopes is None:
        return "not said"
    more = len(scopes) - MOST_SCOPES
    named = " ".join(scopes[:MOST_SCOPES]) or "none"
    return f"{named} and {more} more" if more > 0 else named


def metadata_json(servers: Iterable[Described]) -> str:
    """The same for machines. What was not said is null; what is not used stands in `refused`."""
    members = {"version": 1, "servers": [_members(one) for one in servers]}
    return json_text(members)


def _members(one: Described) -> dict[str, object]:
    server, found = one.server, one.metadata if one.is_read else None
    return {
        "name": server.name,
        "issuer": server.endpoints.issuer or None,
        "metadata_url": one.url or None,
        "read": one.is_read and one.metadata is not None,
        "reason": one.refusal.reason if one.refusal else None,
        "detail": one.refusal.words if one.refusal else None,
        "token_endpoint": server.address or None,
        "introspection_endpoint": server.endpoints.introspection or None,
        "revocation_endpoint": server.endpoints.revocation or None,
        "mtls_token_endpoint": server.endpoints.mtls_token or None,
        "token_endpoint_auth_methods_supported": found
        and found.token_endpoint_auth_methods_supported,
        "token_endpoint_auth_signing_alg_values_supported": found
        and found.token_endpoint_auth_signing_alg_values_supported,
        "grant_types_supported": found and found.grant_types_supported,
        "dpop_signing_alg_values_supported": found and found.dpop_signing_alg_values_supported,
        "tls_client_certificate_bound_access_tokens": found
        and found.tls_client_certificate_bound_access_tokens,
        "scopes_supported": found and found.scopes_supported,
        "refused": [
            {"member": member, "reason": refusal.reason, "detail": refusal.words}
            for member, refusal in one.refused
        ],
    }
