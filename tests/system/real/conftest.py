from dataclasses import replace

import pytest
import servers
from fleet import ASSERTIONS, AUTHLIB_ASSERTIONS, CERTIFICATES, PROOFS, SECRETS, own_grants


def _session(name, start):
    @pytest.fixture(scope="session", name=name)
    def fixture():
        with start() as server:
            yield server

    return fixture


oidc_provider = _session("oidc_provider", lambda: servers.oidc_provider(SECRETS, "static"))
oidc_provider_resource = _session(
    "oidc_provider_resource", lambda: servers.oidc_provider(SECRETS, "resource")
)
oidc_provider_assertions = _session(
    "oidc_provider_assertions", lambda: servers.oidc_provider(ASSERTIONS, "static")
)
oidc_provider_proofs = _session(
    "oidc_provider_proofs", lambda: servers.oidc_provider(PROOFS, "static")
)
oidc_provider_resource_proofs = _session(
    "oidc_provider_resource_proofs", lambda: servers.oidc_provider(PROOFS, "resource")
)
oauth2_mock_server = _session("oauth2_mock_server", lambda: servers.oauth2_mock_server(SECRETS))
authlib_server = _session("authlib_server", lambda: servers.authlib_server(SECRETS))
django_stock = _session("django_stock", lambda: servers.django_stock(SECRETS))
django_per_client = _session("django_per_client", lambda: servers.django_per_client(SECRETS))
tls_server = _session("tls_server", lambda: servers.tls_server(CERTIFICATES))


@pytest.fixture(scope="session")
def authlib_assertions():
    """It knows them all, and serves those whose algorithm it takes."""
    served = AUTHLIB_ASSERTIONS
    with servers.authlib_server(ASSERTIONS) as server:
        yield replace(server, fleet=served, truth=own_grants(served))
