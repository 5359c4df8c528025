import socket

import pytest
import servers
from fleet import FLEET


def test_a_server_that_does_not_start_says_why():
    with (
        pytest.raises(RuntimeError, match="mode is static or resource: neither"),
        servers.oidc_provider(FLEET, "neither"),
    ):
        pass


@pytest.mark.parametrize(
    "start",
    [lambda: servers.oidc_provider(FLEET, "static"), lambda: servers.authlib_server(FLEET)],
    ids=["oidc-provider", "authlib"],
)
def test_a_server_is_gone_when_its_test_is_done(start):
    with start() as server:
        _, _, port = server.token_endpoint.removesuffix("/token").rpartition(":")

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port)))
