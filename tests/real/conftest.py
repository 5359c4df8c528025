import pytest
import servers
from fleet import FLEET


@pytest.fixture(scope="session")
def oidc_provider():
    with servers.oidc_provider(FLEET, "static") as server:
        yield server


@pytest.fixture(scope="session")
def oidc_provider_resource():
    with servers.oidc_provider(FLEET, "resource") as server:
        yield server


@pytest.fixture(scope="session")
def authlib_server():
    with servers.authlib_server(FLEET) as server:
        yield server
