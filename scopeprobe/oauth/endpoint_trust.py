"""Which endpoints of a server's metadata may be sent credentials or tokens, and why others not."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache

from publicsuffixlist import PublicSuffixList

from scopeprobe.model.cell import Reason
from scopeprobe.model.server import Server
from scopeprobe.model.urls import authority_of, host_of, is_address, is_plain_http_abroad
from scopeprobe.oauth.metadata import Metadata, MetadataProblem

_MTLS_LABEL = re.compile(r"(?:[a-z0-9-]+-)?mtls(?:-[a-z0-9-]+)?")


@dataclass(frozen=True, slots=True)
class ResolvedServer:
    """A server with the endpoints that may be used, and what was left out of its metadata."""

    server: Server
    refused: tuple[tuple[str, MetadataProblem], ...] = ()
    """By the name of the metadata member."""


def resolved_server(
    server: Server, metadata: Metadata, private: Collection[str]
) -> ResolvedServer | MetadataProblem:
    """
    Give a server the endpoints of its metadata.

    An endpoint that the user wrote wins. A token endpoint that may not be used refuses the whole
    server; another endpoint is merely left out. `private`: hosts that stand in a private network.
    """
    check = _EndpointCheck(server, private)
    refused: dict[str, MetadataProblem] = {}

    def admitted(member: str, url: str) -> str:
        if refusal := check.refusal(url, may_be_sibling=member == "mtls_endpoint_aliases"):
            refused[member] = refusal
            return ""
        return url

    token_endpoint = server.endpoints.token
    if not token_endpoint:
        if not metadata.token_endpoint:
            return MetadataProblem(
                Reason.MALFORMED_ANSWER, "the metadata names no token endpoint that is a URL"
            )
        token_endpoint = admitted("token_endpoint", metadata.token_endpoint)
        if not token_endpoint:
            return refused["token_endpoint"]
    endpoints = replace(
        server.endpoints,
        token=token_endpoint,
        introspection=server.endpoints.introspection
        or admitted("introspection_endpoint", metadata.introspection_endpoint),
        revocation=server.endpoints.revocation
        or admitted("revocation_endpoint", metadata.revocation_endpoint),
        mtls_token=server.endpoints.mtls_token
        or admitted("mtls_endpoint_aliases", metadata.mtls_token_endpoint),
    )
    resolved = replace(server, endpoints=endpoints, scopes_supported=metadata.scopes_supported)
    return ResolvedServer(resolved, tuple(refused.items()))


@dataclass(frozen=True, slots=True)
class _EndpointCheck:
    server: Server
    private: Collection[str]

    def refusal(self, url: str, *, may_be_sibling: bool) -> MetadataProblem | None:
        """Why an endpoint may not be used; None where it may, or where there is none."""
        if not url:
            return None
        issuer, connection = self.server.endpoints.issuer, self.server.connection
        home, host = host_of(issuer), host_of(url)
        if is_plain_http_abroad(url) and not connection.allow_http:
            return self._refusal(url, "plain http", "say allow_http = true if that is meant")
        into_private = host in self.private and home not in self.private
        if into_private and not connection.allow_private:
            return self._refusal(
                url,
                "an address of a private network, of a public issuer",
                "say allow_private = true if that is meant",
            )
        is_home = authority_of(url) == authority_of(issuer)
        if is_home or (may_be_sibling and is_mtls_sibling(host, home)):
            return None
        return self._refusal(
            url,
            "another origin than the issuer",
            "if it belongs to this server, write it beside the issuer in the clients file",
        )

    def _refusal(self, url: str, what: str, cure: str) -> MetadataProblem:
        return MetadataProblem(Reason.REDIRECTED, f"{url.partition('?')[0]} is {what}: {cure}")


def is_mtls_sibling(host: str, home: str) -> bool:
    """
    Whether mutual TLS of the issuer's host may be served there (RFC 8705 section 5).

    The same host at another port, a subdomain of it, or `mtls.` beside it. Not below a name under
    which strangers register or rent theirs, as `co.uk` and `azurewebsites.net` are.
    """
    if is_address(home) or host == home:
        return host == home
    if host.endswith(f".{home}"):
        return not _is_shared(home)
    label, _, parent = host.partition(".")
    is_beside = parent == home.partition(".")[2] and not _is_shared(parent)
    return is_beside and _MTLS_LABEL.fullmatch(label) is not None


def _is_shared(name: str) -> bool:
    """Whether it is a public suffix (publicsuffix.org), of a registry or of a company."""
    return not name or _public_suffixes().is_public(name)


@cache
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList()
