import socket
from urllib.parse import urlsplit

import pytest
import servers
from fleet import CERTIFICATES, SECRETS


def test_a_server_that_does_not_start_says_why():
    with (
        pytest.raises(RuntimeError, match="mode is static, resource or resources: neither"),
        servers.oidc_provider(SECRETS, "neither"),
    ):
        pass


@pytest.mark.parametrize(
    "start",
    [
        lambda: servers.oidc_provider(SECRETS, "static"),
        lambda: servers.oauth2_mock_server(SECRETS),
        lambda: servers.authlib_server(SECRETS),
        lambda: servers.django_stock(SECRETS),
        lambda: servers.tls_server(CERTIFICATES),
    ],
    ids=["oidc-provider", "oauth2-mock-server", "authlib", "django-oauth-toolkit", "mutual-tls"],
)
def test_a_server_is_gone_when_its_test_is_done(start):
    with start() as server:
        port = urlsplit(server.token_endpoint).port

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
