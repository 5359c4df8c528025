"""Servers that grant whatever begins as a granted scope does (docs/design.md, rule 12)."""

from collections import Counter

import pytest
from harness import Entry, lab, reasons, scopeprobe, verdicts, write_inputs
from prefixes import hydra

from scopeprobe.lab import AuthorizationServer, Client, read_profile

FAST = 'rate = "500/s"\nclient_rate = "500/s"'


def audit(tmp_path, server, candidates, *options):
    with lab([server]) as url:
        text = f'token_endpoint = "{url}/corp/token"\n{FAST}'
        entries = [Entry(name, "corp", secret=f"{name}-s3cret") for name in server.clients]
        arguments, secrets = write_inputs(tmp_path, {"corp": text}, entries, candidates)
        scopeprobe("audit", *arguments, *options, "-o", tmp_path / "out", env=secrets)
    return tmp_path / "out"


def test_a_pattern_that_grants_any_tail_is_unenforced(tmp_path):
    out = audit(tmp_path, hydra(broad=["orders.*"]), ["orders.read", "orders.write", "users.read"])
    assert verdicts(out) == {
        ("broad", "orders.read"): "unenforced",
        ("broad", "orders.write"): "unenforced",
        ("broad", "users.read"): "denied",
    }
    assert reasons(out)["broad", "orders.read"] == "shape_unenforced"


def test_a_pattern_of_one_client_opens_nothing_for_others(tmp_path):
    server = hydra(broad=["orders.*"], exact=["orders.read", "orders.write"], wide=["orders.*"])
    found = verdicts(audit(tmp_path, server, ["orders.read", "orders.write"]))
    assert {client: found[client, "orders.read"] for client in server.clients} == {
        "broad": "unenforced",
        "exact": "granted",
        "wide": "unenforced",
    }


def test_a_shape_is_asked_about_once_a_server_and_only_where_nothing_of_it_was_withheld(tmp_path):
    profile = read_profile("strict")
    clients = [Client(name, f"{name}-s3cret", ["a.1", "a.2", "b.1"]) for name in ("one", "two")]
    server = AuthorizationServer("corp", profile, clients, scopes=["a.1", "a.2", "b.1", "b.2"])
    out = audit(tmp_path, server, ["a.1", "a.2", "b.1", "b.2"])
    asked = Counter(scope for r in server.received for scope in r.scopes or () if "canary" in scope)
    shaped = {scope: n for scope, n in asked.items() if not scope.startswith("scopeprobe")}
    assert [scope.partition("scopeprobe")[0] for scope in shaped] == ["a."]
    assert set(shaped.values()) == {1}
    assert verdicts(out)["one", "a.1"] == "granted"


def test_zitadels_role_scopes_are_unenforced_and_others_are_judged(tmp_path):
    role = "urn:zitadel:iam:org:project:role:"
    server = AuthorizationServer(
        "corp", read_profile("zitadel"), [Client("some", "some-s3cret", ["read"])]
    )
    out = audit(tmp_path, server, [f"{role}admin", "read", "write"])
    assert verdicts(out) == {
        ("some", f"{role}admin"): "unenforced",
        ("some", "read"): "granted",
        ("some", "write"): "denied",
    }


@pytest.mark.parametrize("most", [1, 4, 6, 7, 8])
def test_a_run_that_is_resumed_asks_no_shape_twice(tmp_path, most):
    candidates = ["orders.read", "orders.write", "users.read"]
    whole = audit(tmp_path, hydra(broad=["orders.*"], wide=["orders.*"]), candidates)
    expected = verdicts(whole)
    folder = tmp_path / "again"
    folder.mkdir()
    server = hydra(broad=["orders.*"], wide=["orders.*"])
    with lab([server]) as url:
        text = f'token_endpoint = "{url}/corp/token"\n{FAST}'
        entries = [Entry(name, "corp", secret=f"{name}-s3cret") for name in server.clients]
        arguments, secrets = write_inputs(folder, {"corp": text}, entries, candidates)
        run = ["audit", *arguments, "-o", folder / "out"]
        scopeprobe(*run, "--max-requests", most, env=secrets)
        scopeprobe(*run, "--resume", env=secrets)
    assert verdicts(folder / "out") == expected
    shaped = Counter(s for r in server.received for s in r.scopes or () if s.startswith("orders.s"))
    assert set(shaped.values()) == {1}
