"""The whole audit of authorization servers that nobody here wrote: the map is their truth."""

import pytest
from fleet import FLEET
from harness import Entry, scopeprobe, summary, verdicts, write_inputs


@pytest.fixture(params=["oidc_provider", "oidc_provider_resource", "authlib_server"])
def server(request):
    return request.getfixturevalue(request.param)


def test_the_permission_map_equals_what_the_server_was_configured_with(server, tmp_path):
    entries = [
        Entry(c.name, "real", c.client_id, c.client_secret, c.token_endpoint_auth_method)
        for c in FLEET.clients
    ]
    settings = f'token_endpoint = "{server.token_endpoint}"\nrate = "500/s"\nclient_rate = "500/s"'
    arguments, environment = write_inputs(
        tmp_path, {"real": settings}, entries, list(FLEET.candidates)
    )

    result = scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)

    assert result.returncode == 0, result.stderr
    found = verdicts(tmp_path / "out")
    assert {cell for cell, verdict in found.items() if verdict == "granted"} == server.truth
    assert len(found) == len(FLEET.clients) * len(FLEET.candidates)
    assert set(found.values()) == {"granted", "denied"}
    for client in summary(tmp_path / "out")["clients"]:
        assert client["requests"] - len(FLEET.candidates) - 2 in {0, 1}, client
