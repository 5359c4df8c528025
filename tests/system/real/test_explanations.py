"""What `explain` says of clients of real servers, with one thing wrong about each."""

import json
from dataclasses import replace

import pytest
import servers
from enrolment import by_issuer, enrol
from fleet import SECRETS, Client
from harness import scopeprobe

SOUND = SECRETS.client("one-trick")
BY_POST = SECRETS.client("by-post")


def fleet_with(grant_type):
    """Beside sound clients one that may use another grant only."""
    other = Client("other-grant", "other-grant", ("orders.read",), "secret-of-other-grant")
    other = replace(other, grant_types=(grant_type,))
    return replace(SECRETS, clients=(SOUND, BY_POST, other))


STARTS = {
    "oidc-provider": lambda: servers.oidc_provider(fleet_with("authorization_code"), "static"),
    "authlib": lambda: servers.authlib_server(fleet_with("authorization_code")),
    "django": lambda: servers.django_per_client(fleet_with("password")),
}


@pytest.fixture(scope="module", params=STARTS)
def server(request):
    with STARTS[request.param]() as real:
        yield real


def explained(folder, server, client, scope="orders.read"):
    inputs = enrol(
        folder, replace(server, fleet=replace(server.fleet, clients=(client,))), by_issuer(server)
    )
    result = scopeprobe(
        "explain", inputs.arguments[0], client.name, "--scope", scope, "--print", "json",
        "-o", folder / "out", env=inputs.environment,
    )  # fmt: skip
    assert result.returncode in {0, 3}, result.stderr
    told = json.loads(result.stdout)
    assert told["credential_failures"] <= 3
    return told, {cause["code"]: cause["confidence"] for cause in told["causes"]}


def test_a_sound_client_works(tmp_path, server):
    told, causes = explained(tmp_path, server, SOUND)
    assert told["outcome"] == "working", causes


def test_a_wrong_secret_is_named(tmp_path, server):
    _, causes = explained(tmp_path, server, replace(SOUND, client_secret="of-yesterday"))
    assert "secret_rejected" in causes
    assert all(confidence <= 0.8 for confidence in causes.values())


def test_a_wrong_method_is_named_where_the_server_minds(tmp_path, server):
    by_other = replace(BY_POST, token_endpoint_auth_method="client_secret_basic")
    told, causes = explained(tmp_path, server, by_other, "invoices.read")
    if server.name == "authlib":
        assert causes["wrong_auth_method"] > 0.8
    else:
        assert told["outcome"] == "working", causes


def test_a_refused_scope_is_named(tmp_path, server):
    told, causes = explained(tmp_path, server, SOUND, "orders.read orders.write")
    assert "scope_refused" in causes
    [cause] = [cause for cause in told["causes"] if cause["code"] == "scope_refused"]
    assert "`orders.write`" in cause["next_step"]
    assert "`orders.read`" not in cause["next_step"]


def test_a_misspelt_scope_is_named_with_its_right_name(tmp_path, server):
    told, causes = explained(tmp_path, server, SOUND, "orders.raed")
    assert causes.get("scope_misspelt", 0) > 0.8, causes
    assert "`orders.read` instead of `orders.raed`" in told["causes"][0]["next_step"]


def test_a_grant_that_is_not_allowed_is_named(tmp_path, server):
    other = server.fleet.client("other-grant")
    _, causes = explained(tmp_path, server, other)
    assert next(iter(causes)) == "grant_not_allowed"
