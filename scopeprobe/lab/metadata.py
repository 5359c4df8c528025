"""The well-known documents of a server (RFC 8414 section 2, OpenID Connect Discovery)."""

from __future__ import annotations

from collections.abc import Iterable

from scopeprobe.lab.refusals import fill
from scopeprobe.lab.schema import Profile


def describe(profile: Profile, issuer: str, scopes: Iterable[str]) -> dict[str, object]:
    """What the server says about itself: the truth, unless its profile has another story."""
    origin = "/".join(issuer.split("/")[:3])
    truth: dict[str, object] = {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "scopes_supported": sorted(scopes),
        "grant_types_supported": list(profile.grants),
        "token_endpoint_auth_methods_supported": list(profile.credentials.methods),
    }
    if any(method.endswith("_jwt") for method in profile.credentials.methods):
        truth["token_endpoint_auth_signing_alg_values_supported"] = list(
            profile.credentials.assertion.algorithms
        )
    if profile.dpop:
        truth["dpop_signing_alg_values_supported"] = ["ES256"]
    story = fill(profile.metadata.members, {"issuer": issuer, "origin": origin})
    return {
        name: value
        for name, value in (truth | story).items()
        if name not in profile.metadata.omitted
    }
