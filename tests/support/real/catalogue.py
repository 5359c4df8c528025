"""The real servers that are audited night after night, by name."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial

import products
import servers
from changing_fleets import (
    ASSERTIONS_CHANGE,
    AUTHLIB_ASSERTIONS_CHANGE,
    CERTIFICATES_CHANGE,
    GRANTS_CHANGE,
    PROOFS_CHANGE,
    RESOURCES_CHANGE,
    SCOPES_CHANGE,
)
from fleet import Fleet, own_grants, whatever_exists, whatever_is_asked
from honesty import (
    Honest,
    maybe_unknown,
    nothing_else,
    orders_maybe_unknown,
    unknown_without_grants,
)
from libraries import Truth, on_gunicorn, on_node
from servers import RealServer

Start = Callable[[Fleet, int], AbstractContextManager[RealServer]]
"""Starts the server with a fleet, at a port."""


@dataclass(frozen=True)
class RealKind:
    start: Start
    fleets: tuple[Fleet, Fleet, Fleet]
    """What it is told, by night."""


def _npm(
    script: str,
    mode: str,
    truth: Truth,
    *,
    fleets=GRANTS_CHANGE,
    honest: Honest = nothing_else,
    path: str = "/token",
) -> RealKind:
    start = partial(on_node, script=script, mode=mode, truth=truth, honest=honest, path=path)
    return RealKind(start, fleets)


def _pypi(
    module: str, mode: str, truth: Truth, *, fleets=GRANTS_CHANGE, honest: Honest = nothing_else
) -> RealKind:
    start = partial(on_gunicorn, module=module, mode=mode, truth=truth, honest=honest)
    return RealKind(start, fleets)


def _oidc_provider(mode: str, fleets=GRANTS_CHANGE) -> RealKind:
    return RealKind(lambda fleet, port: servers.oidc_provider(fleet, mode, port), fleets)


def _doorkeeper(mode: str) -> RealKind:
    return RealKind(partial(products.doorkeeper, mode=mode), GRANTS_CHANGE)


@contextmanager
def _certified(fleet: Fleet, port: int) -> Iterator[RealServer]:
    """Python's own TLS, asked where it wants a certificate."""
    with servers.tls_server(fleet, port) as server:
        yield replace(server, token_endpoint=server.mtls_token_endpoint)


SERVERS: Mapping[str, RealKind] = {
    "aioauth": _pypi("aioauth_server", "", own_grants),
    "authgent": RealKind(products.authgent_server, GRANTS_CHANGE),
    "authlib": RealKind(servers.authlib_server, GRANTS_CHANGE),
    "authlib-assertions": RealKind(servers.authlib_server, AUTHLIB_ASSERTIONS_CHANGE),
    # It refuses the grant type itself to a client without scopes, whatever is asked.
    "better-auth": _npm(
        *("better_auth", "", own_grants),
        honest=unknown_without_grants,
        path="/api/auth/oauth2/token",
    ),
    "django-oauth-toolkit-stock": RealKind(servers.django_stock, SCOPES_CHANGE),
    "django-oauth-toolkit-per-client": RealKind(servers.django_per_client, GRANTS_CHANGE),
    "doorkeeper-defaults": _doorkeeper("defaults"),
    "doorkeeper-plain": _doorkeeper("plain"),
    "glewlwyd": RealKind(products.glewlwyd_server, GRANTS_CHANGE),
    "jmondi-oauth2-server-stock": _npm(
        "jmondi_oauth2_server", "stock", whatever_exists, fleets=SCOPES_CHANGE
    ),
    "jmondi-oauth2-server-strict": _npm("jmondi_oauth2_server", "strict", own_grants),
    "jmondi-oauth2-server-narrowing": _npm("jmondi_oauth2_server", "narrowing", own_grants),
    "mutual-tls": RealKind(_certified, CERTIFICATES_CHANGE),
    "node-oauth2-server-stock": _npm("node_oauth2_server", "stock", whatever_is_asked),
    "node-oauth2-server-strict": _npm("node_oauth2_server", "strict", own_grants),
    "node-oauth2-server-narrowing": _npm("node_oauth2_server", "narrowing", own_grants),
    "oauth2-mock-server": RealKind(servers.oauth2_mock_server, GRANTS_CHANGE),
    "oauth2orize-strict": _npm("oauth2orize", "strict", own_grants),
    "oauth2orize-declining": _npm("oauth2orize", "declining", own_grants),
    "oauth2orize-narrowing": _npm("oauth2orize", "narrowing", own_grants),
    "oauth2orize-cached": _npm("oauth2orize", "cached", own_grants, honest=maybe_unknown),
    "oauth2orize-hiding": _npm("oauth2orize", "hiding", own_grants, honest=orders_maybe_unknown),
    "oauth2orize-telling": _npm("oauth2orize", "telling", own_grants),
    "oauth2orize-own": _npm("oauth2orize", "own", own_grants, honest=unknown_without_grants),
    "oauth2orize-quiet": _npm("oauth2orize", "quiet", own_grants),
    "oauth2orize-silent": _npm("oauth2orize", "silent", whatever_is_asked),
    "oauthlib-strict": _pypi("oauthlib_server", "strict", own_grants),
    "oauthlib-narrowing": _pypi("oauthlib_server", "narrowing", own_grants),
    "oidc-provider-assertions": _oidc_provider("static", ASSERTIONS_CHANGE),
    "oidc-provider-proofs": _oidc_provider("static", PROOFS_CHANGE),
    "oidc-provider-static": _oidc_provider("static"),
    "oidc-provider-resource": _oidc_provider("resource"),
    "oidc-provider-resources": _oidc_provider("resources", RESOURCES_CHANGE),
    # It drops what it does not know, and says neither so nor what it gives: no answer differs.
    "python-oauth2-narrows": _pypi("python_oauth2_server", "narrows", whatever_is_asked),
    "python-oauth2-ignores": _pypi("python_oauth2_server", "ignores", whatever_is_asked),
    # It is silent about a scope that it gives, lists the default alone for one that it does not,
    # and leaves out of a set in silence: what is granted looks like what is ignored.
    "python-oauth2-defaults": _pypi(
        *("python_oauth2_server", "defaults", whatever_exists),
        fleets=SCOPES_CHANGE,
        honest=maybe_unknown,
    ),
}
