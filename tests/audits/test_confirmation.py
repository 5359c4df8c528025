"""Where the truth is elsewhere: introspection, a rights API, the roles of a token."""

import time
from collections import Counter

import pytest
from fleets_of_real_servers import make_fleet
from harness import Entry, lab, reasons, rows, scopeprobe, summary, verdicts, write_inputs

from scopeprobe.lab import AuthorizationServer, Client, read_profile

FAST = 'rate = "500/s"\nclient_rate = "500/s"'
KNOWN = ["orders.read", "orders.write", "users.read"]
CANDIDATES = [*KNOWN, "users.raed"]


def opaque_server(override=None, **more):
    changes = {"token": {"format": "opaque"}} | (override or {})
    clients = [Client("some", "some-s3cret", KNOWN[:2]), Client("none", "none-s3cret", [])]
    return AuthorizationServer(
        "corp", read_profile("strict", changes), clients, scopes=KNOWN, **more
    )


def audit(tmp_path, server, *options, settings="", environment=None):
    with lab([server]) as url:
        text = f'token_endpoint = "{url}/corp/token"\nprovider = "none"\n{FAST}\n'
        text += f'introspection_endpoint = "{url}/corp/introspect"\n{settings}'
        entries = [Entry(name, "corp", secret=f"{name}-s3cret") for name in ("some", "none")]
        arguments, secrets = write_inputs(tmp_path, {"corp": text}, entries, CANDIDATES)
        result = scopeprobe(
            "audit", *arguments, *options, "-o", tmp_path / "out", env=secrets | (environment or {})
        )
    assert result.returncode in (0, 1, 3), result.stderr
    return tmp_path / "out"


def truth():
    return {
        (name, scope): "granted" if name == "some" and scope in KNOWN[:2] else "denied"
        for name in ("some", "none")
        for scope in CANDIDATES
    }


# -- introspection


def test_introspection_confirms_what_was_granted(tmp_path):
    server = opaque_server()
    out = audit(tmp_path, server, "--verify", "introspect")
    assert verdicts(out) == truth()
    assert reasons(out)["some", "orders.read"] == "introspected"
    assert summary(out)["introspections"] == server.token_store.counts["introspected"] > 0
    assert summary(out)["requests"] == len(server.received)


@pytest.mark.parametrize("answer", ["inactive", "without_scope"])
def test_a_grant_that_introspection_does_not_confirm_is_unknown(tmp_path, answer):
    out = audit(
        tmp_path,
        opaque_server({"introspection": {"answer": answer}}),
        "--verify",
        "introspect",
    )
    assert Counter(verdicts(out).values()) == {"unknown": 2, "denied": 6}
    assert reasons(out)["some", "orders.read"] == "unconfirmed"


def test_a_401_of_introspection_counts_as_a_credential_failure(tmp_path):
    refusal = {"status": 401, "error": "invalid_client"}
    server = opaque_server({"introspection": {"answer": refusal}})
    out = audit(tmp_path, server, "--verify", "introspect")
    assert set(verdicts(out).values()) == {"unknown"}
    by_client = Counter(received.client_id for received in server.received)
    assert max(by_client.values()) <= 3
    assert summary(out)["introspections"] <= 6


def audit_as_resource_server(tmp_path, server, secret):
    settings = 'introspection_client_id = "api"\nintrospection_client_secret = { env = "API" }'
    environment = {"API": secret}
    words = ("--verify", "introspect")
    return audit(tmp_path, server, *words, settings=settings, environment=environment)


def test_a_resource_server_that_is_rejected_is_left_alone_after_three_failures(tmp_path):
    server = opaque_server(introspectors={"api": "the-right-one"})
    out = audit_as_resource_server(tmp_path, server, "a-wrong-one")
    assert summary(out)["introspections"] <= 3 + 4  # those that were in the air already
    assert "granted" not in verdicts(out).values()


def test_a_resource_server_introspects_where_it_is_named(tmp_path):
    server = opaque_server(introspectors={"api": "the-right-one"})
    out = audit_as_resource_server(tmp_path, server, "the-right-one")
    assert verdicts(out) == truth()


def test_introspection_without_an_endpoint_is_an_input_error(tmp_path):
    settings = 'token_endpoint = "https://127.0.0.1:1/token"'
    arguments, secrets = write_inputs(
        tmp_path, {"corp": settings}, [Entry("some", "corp")], CANDIDATES
    )
    result = scopeprobe("audit", *arguments, "--verify", "introspect", env=secrets)
    assert result.returncode == 2
    assert "introspection_endpoint" in result.stderr


def test_verify_none_reads_nothing_but_the_answer(tmp_path):
    profile = read_profile("narrowing-jwt")
    clients = [Client(name, f"{name}-s3cret", KNOWN[:2]) for name in ("some", "none")]
    server = AuthorizationServer("corp", profile, clients, scopes=KNOWN)
    out = audit(tmp_path, server, "--verify", "none")
    assert not {"granted", "denied"} & set(verdicts(out).values())


@pytest.mark.parametrize("is_dead", [False, True])
def test_google_tells_what_a_token_is_for(tmp_path, is_dead):
    fleet = make_fleet("google", {"token": {"lifetime": 1 if is_dead else 3599}})
    entries, lines = [fleet.entries[name] for name in ("some", "none", "wrong")], []
    with lab([fleet.server]) as url:
        for entry in entries:
            (tmp_path / f"{entry.name}.pem").write_bytes(entry.key.as_pem(private=True))
            lines.append(
                f'[[clients]]\nname = "{entry.name}"\nserver = "corp"\ngrant_type = "jwt-bearer"\n'
                f'client_id = "{entry.client_id}"\nprivate_key = {{ file = "{entry.name}.pem" }}\n'
            )
        text = f'[servers.corp]\ntoken_endpoint = "{url}/corp/token"\nprovider = "google"\n{FAST}\n'
        text += f'introspection_endpoint = "{url}/corp/introspect"\n'
        text += f"scopes = {list(fleet.candidates)}\n"
        (tmp_path / "clients.toml").write_text(text + "".join(lines))
        if is_dead:
            fleet.server.token_store.now = lambda: time.time() + 2
        words = ("audit", tmp_path / "clients.toml", "--verify", "introspect")
        result = scopeprobe(*words, "-o", tmp_path / "out")
    assert result.returncode in (0, 1, 3), result.stderr
    found, why = verdicts(tmp_path / "out"), reasons(tmp_path / "out")
    for entry in entries:
        for scope in fleet.candidates:
            if fleet.kinds[entry.name, scope] == "granted":
                told = found[entry.name, scope], why[entry.name, scope]
                expected = ("unknown", "unconfirmed") if is_dead else ("granted", "introspected")
                assert told == expected
            else:
                assert found[entry.name, scope] != "granted"
    assert (
        summary(tmp_path / "out")["introspections"]
        == fleet.server.token_store.counts["introspected"]
        > 0
    )


# -- a rights API


def genesys(tmp_path, *options, fleet=None, candidates=None):
    fleet = fleet or make_fleet("genesys")
    with lab([fleet.server]) as url:
        text = f'provider = "genesys"\ntoken_endpoint = "{url}/corp/token"\n{FAST}\n'
        text += f'rights_url = "{url}/corp/api/v2/authorization/subjects/me"\n'
        entries = [
            Entry(name, "corp", entry.client_id, entry.secret)
            for name, entry in fleet.entries.items()
        ]
        arguments, secrets = write_inputs(
            tmp_path, {"corp": text}, entries, candidates or list(fleet.candidates)
        )
        result = scopeprobe("audit", *arguments, *options, "-o", tmp_path / "out", env=secrets)
    return fleet, tmp_path / "out", result


def test_a_genesys_map_costs_one_token_a_client_and_comes_from_its_roles(tmp_path):
    fleet, out, _ = genesys(tmp_path)
    found = verdicts(out)
    for (client, scope), kind in fleet.kinds.items():
        expected = {"granted": "granted", "ungranted": "denied", "unknown_scope": "denied"}
        assert found[client, scope] == expected.get(kind, "unauthenticated")
    assert all(r.scopes is None for r in fleet.server.received)
    asked = Counter(r.client_id for r in fleet.server.received)
    assert {asked[f"{name}-id"] for name in ("all", "some", "one", "none")} == {1}
    settled = {row["evidence"] for row in rows(out / "permissions.csv") if row["client"] == "some"}
    assert settled == {"api"}
    limits = {(row["verdict"], row["limited_to"]) for row in rows(out / "permissions.csv")}
    assert limits == {("granted", "Home"), ("denied", ""), ("unauthenticated", "")}
    assert summary(out)["rights_calls"] == 8


def test_roles_that_genesys_tells_apart_are_read_or_leave_the_client_unknown(tmp_path):
    fleet = make_fleet("genesys", {"roles": "apart"})
    fleet.server.clients["all-id"].granted.append("authorization:role:view")
    fleet, out, _ = genesys(tmp_path, fleet=fleet)
    found, why = verdicts(out), reasons(out)
    for (client, scope), kind in fleet.kinds.items():
        if client in ("some", "one"):
            assert (found[client, scope], why[client, scope]) == ("unknown", "unconfirmed")
        elif client in ("all", "none"):
            assert found[client, scope] == ("granted" if kind == "granted" else "denied")
    assert summary(out)["rights_calls"] == 8 + 3


def test_a_star_stands_for_any_part_of_a_right(tmp_path):
    fleet = make_fleet("genesys")
    fleet.server.clients["none-id"].granted[:] = ["routing:queue:*", "users:item:read"]
    candidates = ["routing:queue:view", "routing:queue:*", "routing:email:view", "users:item:*"]
    _, out, _ = genesys(tmp_path, fleet=fleet, candidates=candidates)
    found = verdicts(out)
    assert [found["none", scope] for scope in candidates] == [
        "granted",
        "granted",
        "denied",
        "denied",
    ]
    assert reasons(out)["none", "users:item:read"] == "unlisted"


def test_a_client_of_another_region_is_told_about_the_regions(tmp_path):
    fleet = make_fleet("genesys")
    with lab([fleet.server]) as url:
        text = 'provider = "genesys"\nregion = "mypurecloud.ie"\n'
        text += f'token_endpoint = "{url}/corp/token"\n{FAST}\n'
        arguments, secrets = write_inputs(
            tmp_path, {"corp": text}, [Entry("stranger", "corp")], ["a:b:c"]
        )
        result = scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=secrets)
    assert "another region" in result.stderr
    assert "mypurecloud.de" in result.stderr
    assert reasons(tmp_path / "out")["stranger", "a:b:c"] == "unknown_client"


def test_a_deleted_token_leaves_nothing_alive_on_genesys(tmp_path):
    fleet, out, _ = genesys(tmp_path, "--revoke")
    counts = fleet.server.token_store.counts
    assert counts["revoked"] == counts["issued"] > 0
    assert summary(out)["tokens_left_alive"] == 0


# -- one resource at a time


def test_entra_tells_all_roles_of_a_resource_with_one_request(tmp_path):
    resources = ["https://graph.example", "api://billing"]
    roles = ("https://graph.example/User.Read.All", "api://billing/Invoices.Read")
    server = AuthorizationServer(
        "corp",
        read_profile("entra"),
        [Client("some", "some-s3cret", roles=roles), Client("none", "none-s3cret")],
        scopes=[f"{resource}/.default" for resource in resources],
    )
    targets = "".join(
        f'[[clients.targets]]\nresource = "{resource}"\n'
        'scopes = ["User.Read.All", "Invoices.Read"]\n'
        for resource in resources
    )
    with lab([server]) as url:
        text = f'provider = "entra"\ntoken_endpoint = "{url}/corp/token"\n{FAST}'
        entries = [
            Entry(name, "corp", secret=f"{name}-s3cret", extra=targets) for name in ("some", "none")
        ]
        arguments, secrets = write_inputs(tmp_path, {"corp": text}, entries)
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=secrets)
    found = {
        (row["client"], row["audience"], row["scope"]): row["verdict"]
        for row in rows(tmp_path / "out" / "permissions.csv")
    }
    granted = {cell for cell, verdict in found.items() if verdict == "granted"}
    assert granted == {
        ("some", resources[0], "User.Read.All"),
        ("some", resources[1], "Invoices.Read"),
    }
    assert set(found.values()) == {"granted", "denied"}
    assert Counter(r.client_id for r in server.received) == {"some": 2, "none": 2}


def test_without_a_resource_entra_is_not_asked(tmp_path):
    server = AuthorizationServer("corp", read_profile("entra"), [Client("some", "some-s3cret")])
    with lab([server]) as url:
        text = f'provider = "entra"\ntoken_endpoint = "{url}/corp/token"'
        entries = [Entry("some", "corp", secret="some-s3cret")]
        arguments, secrets = write_inputs(tmp_path, {"corp": text}, entries, ["User.Read.All"])
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=secrets)
    assert reasons(tmp_path / "out") == {("some", "User.Read.All"): "needs_target"}
    assert server.received == []
