"""The whole audit of authorization servers that nobody here wrote: the map is their truth."""

import re
from collections import Counter
from dataclasses import replace

import pytest
from enrolment import by_endpoint, by_issuer, enrol
from fleet import own_grants
from harness import reasons, rows, scopeprobe, summary, verdicts
from wire import get


def audit(folder, server, *options, server_draft=by_endpoint, code=0):
    inputs = enrol(folder, server, server_draft(server))
    out = folder / "out"

    result = scopeprobe("audit", *inputs.arguments, *options, "-o", out, env=inputs.environment)

    assert result.returncode == code, result.stderr
    return out


def with_wrong_secrets(server):
    clients = tuple(replace(c, client_secret="wrong") for c in server.fleet.clients)
    return replace(server, fleet=replace(server.fleet, clients=clients))


SERVERS = [
    "oidc_provider",
    "oidc_provider_resource",
    "oidc_provider_assertions",
    "oidc_provider_proofs",
    "oidc_provider_resource_proofs",
    "authlib_server",
    "authlib_assertions",
    "django_stock",
    "django_per_client",
    "oauth2_mock_server",
]


@pytest.mark.parametrize("name", SERVERS)
def test_the_permission_map_equals_what_the_server_was_configured_with(name, request, tmp_path):
    server = request.getfixturevalue(name)

    out = audit(tmp_path, server)

    assert verdicts(out) == server.truth
    bound = {client.name for client in server.fleet.clients if client.dpop_bound_access_tokens}
    shapes = {re.split(r"[^.:/]*$", scope)[0] for scope in server.fleet.candidates}
    surpluses = []
    for client in summary(out)["clients"]:
        surplus = client["requests"] - len(server.fleet.candidates) - 2
        # At most a closing control and a set with the canary; where tokens are bound, once a nonce.
        surpluses.append(surplus - 2 - (client["name"] in bound))
        assert surplus >= 0, client
    # Of prefixes that no scope was withheld of, one client asks for an invented scope.
    assert sum(surplus for surplus in surpluses if surplus > 0) <= len(shapes)


@pytest.mark.parametrize("name", SERVERS)
def test_asked_adaptively_the_map_is_the_same_and_proved_again_the_next_night(
    name, request, tmp_path
):
    server = request.getfixturevalue(name)
    inputs = enrol(tmp_path, server, by_endpoint(server))
    out, spent = tmp_path / "out", {}

    for strategy in ("adaptive", "recheck"):
        arguments = ["audit", *inputs.arguments, "-s", strategy, "-o", out]
        result = scopeprobe(*arguments, env=inputs.environment)
        assert result.returncode == 0, result.stderr
        assert verdicts(out) == server.truth
        spent[strategy] = summary(out)["requests"]

    print(f"{name}: {spent}")


@pytest.mark.parametrize(
    "name",
    [
        "oidc_provider",
        "oidc_provider_assertions",
        "authlib_server",
        "django_stock",
        "oauth2_mock_server",
        "tls_server",
    ],
)
def test_an_issuer_is_enough_to_find_the_token_endpoint(name, request, tmp_path):
    server = request.getfixturevalue(name)

    assert verdicts(audit(tmp_path, server, server_draft=by_issuer)) == server.truth


def test_clients_with_certificates_are_judged_at_an_endpoint_that_is_written_down(
    tls_server, tmp_path
):
    certified = replace(
        tls_server,
        fleet=tls_server.fleet.only(lambda client: client.has_certificate),
        token_endpoint=tls_server.mtls_token_endpoint,
    )

    found = verdicts(audit(tmp_path, certified))

    assert found == own_grants(certified.fleet)


@pytest.mark.parametrize("name", ["oidc_provider", "authlib_server", "django_per_client"])
def test_wrong_secrets_prove_nothing_about_any_scope(name, request, tmp_path):
    server = with_wrong_secrets(request.getfixturevalue(name))

    out = audit(tmp_path, server, code=4)

    assert Counter(verdicts(out).values()) == {"unauthenticated": len(server.truth)}


def test_a_server_that_takes_any_secret_and_any_scope_enforces_nothing(
    oauth2_mock_server, tmp_path
):
    server = with_wrong_secrets(oauth2_mock_server)

    out = audit(tmp_path, server)

    assert verdicts(out) == server.truth
    assert set(reasons(out).values()) == {"canary_issued"}


@pytest.mark.parametrize(
    "name",
    [
        "oidc_provider",
        "oidc_provider_assertions",
        "authlib_server",
        "authlib_assertions",
        "django_per_client",
    ],
)
def test_introspection_confirms_each_grant(name, request, tmp_path):
    server = request.getfixturevalue(name)

    def server_draft(server):
        return by_endpoint(server) | {"introspection_endpoint": server.introspection_endpoint}

    out = audit(tmp_path, server, "--verify", "introspect", server_draft=server_draft)

    assert verdicts(out) == server.truth
    granted = [row for row in rows(out / "permissions.csv") if row["verdict"] == "granted"]
    assert {(row["reason"], row["evidence"]) for row in granted} == {("introspected", "token")}


def test_no_token_of_an_audit_outlives_it_where_tokens_are_revoked(authlib_server, tmp_path):
    server = authlib_server
    before = get(f"{server.issuer}/live-tokens").body

    def server_draft(server):
        return by_endpoint(server) | {"revocation_endpoint": server.revocation_endpoint}

    out = audit(tmp_path, server, "--revoke", server_draft=server_draft)

    assert verdicts(out) == server.truth
    assert get(f"{server.issuer}/live-tokens").body == before
