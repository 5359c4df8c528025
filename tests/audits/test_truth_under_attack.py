"""Servers that mislead: what they say elsewhere, half, twice, or about somebody else."""

import json
from collections import Counter

import pytest
from harness import (
    Entry,
    Reply,
    lab,
    raw_server,
    reasons,
    rows,
    scopeprobe,
    summary,
    token_body,
    verdicts,
    write_inputs,
)
from prefixes import hydra

from scopeprobe.lab import AuthorizationServer, Client, read_profile

FAST = 'rate = "500/s"\nclient_rate = "500/s"'


def told(**members):
    return Reply(body=token_body(**members))


def audit(tmp_path, answer, scopes, *options, settings="", entries=None, packs=""):
    with raw_server(answer) as server:
        text = f'token_endpoint = "{server.url}/t"\n{FAST}\nretries = 0\n'
        text += settings.replace("{url}", server.url)
        entries = entries or [Entry("one", "s")]
        arguments, secrets = write_inputs(tmp_path, {"s": text}, entries, scopes)
        if packs:
            (tmp_path / "packs").mkdir()
            (tmp_path / "packs" / "corp.toml").write_text(
                f'title = "Corp"\nmap_from = "it"\n{packs.replace("{url}", server.url)}'
            )
            options = (*options, "--providers", tmp_path / "packs")
        result = scopeprobe("audit", *arguments, *options, "-o", tmp_path / "out", env=secrets)
    return server, result


# -- rule 7 that could not be carried out


def test_a_run_is_not_complete_until_it_has_asked_about_shapes(tmp_path):
    with lab([hydra(broad=["orders.*"])]) as url:
        text = f'token_endpoint = "{url}/corp/token"\n{FAST}'
        entries = [Entry("broad", "corp", secret="broad-s3cret")]
        scopes = ["orders.read", "users.read"]
        arguments, secrets = write_inputs(tmp_path, {"corp": text}, entries, scopes)
        run = ["audit", *arguments, "-o", tmp_path / "out"]
        first = scopeprobe(*run, "--max-requests", 5, env=secrets)
        assert first.returncode == 3
        assert not summary(tmp_path / "out")["complete"]
        scopeprobe(*run, "--resume", env=secrets)
    assert verdicts(tmp_path / "out")["broad", "orders.read"] == "unenforced"


# -- one token that tells everything


@pytest.mark.parametrize(
    ("scope", "listed", "verdict"),
    [
        ("a", "a b", "granted"),
        ("c", "a b", "denied"),
        ("api/a", "a b", "unknown"),
        ("A", "a b", "unknown"),
        ("x" * 300, "x" * 300, "granted"),
        ("Secret.Read", "Secret.Read", "granted"),
    ],
)
def test_a_list_without_a_scope_denies_only_what_stands_there_under_no_other_name(
    tmp_path, scope, listed, verdict
):
    entries = [Entry("one", "s", secret="Secret")]
    packs = "send_scope = false\nlists_all = true\n"
    audit(
        tmp_path,
        lambda _asked: told(scope=listed),
        [scope],
        settings='provider = "corp"',
        packs=packs,
        entries=entries,
    )
    assert verdicts(tmp_path / "out")["one", scope] == verdict


RIGHTS = """
send_scope = false
lists_all = true
verify = "api"
[rights]
url = "{url}/rights"
each = "grants[]"
name = "{domain}:{action}"
"""


@pytest.mark.parametrize(
    ("rights", "verdict"),
    [
        ({"grants": [{"domain": "users", "action": ["read", "write"]}]}, "granted"),
        ({"grants": [{"domain": "users", "action": "*"}]}, "granted"),
        ({"grants": [{"domain": "users", "action": "view"}]}, "denied"),
        ({"grants": []}, "denied"),
        ({"grants": [{"domain": "Users", "action": "Read"}]}, "unknown"),
        ({"grants": [{"domain": "users"}]}, "unknown"),
        ({"grants": [{"domain": "users", "action": "view"}], "nextUri": "/2"}, "unknown"),
        ({"grants": "none"}, "unknown"),
        ({"rights": []}, "unknown"),
        ({"grants": [{"domain": ["d"] * 300, "action": ["a"] * 300}]}, "unknown"),
        ("not a document", "unknown"),
    ],
)
def test_a_rights_api_denies_only_by_a_whole_list(tmp_path, rights, verdict):
    def answer(asked):
        return Reply(body=json.dumps(rights).encode()) if asked.path == "/rights" else told()

    audit(tmp_path, answer, ["users:read"], settings='provider = "corp"', packs=RIGHTS)
    assert verdicts(tmp_path / "out")["one", "users:read"] == verdict


# -- introspection


@pytest.mark.parametrize(
    ("introspected", "verdict"),
    [
        ({"active": True, "scope": "a"}, "granted"),
        ({"active": True, "scope": "a", "client_id": "one"}, "granted"),
        ({"active": True, "scope": "a", "client_id": "another"}, "unknown"),
        ({"active": "true", "scope": "a"}, "unknown"),
        ({"active": True, "scope": ["a"]}, "granted"),
        ({"active": True, "scope": "b"}, "unknown"),
        ({"active": True}, "unknown"),
        ([], "unknown"),
    ],
)
def test_introspection_confirms_by_its_own_words_about_this_client_only(
    tmp_path, introspected, verdict
):
    def answer(asked):
        if asked.path == "/introspect":
            return Reply(body=json.dumps(introspected).encode())
        if asked.scopes == "a":
            return told(scope="a")
        return Reply(400, b'{"error":"invalid_scope"}') if asked.scopes else told()

    settings = 'introspection_endpoint = "{url}/introspect"'
    audit(tmp_path, answer, ["a"], "--verify", "introspect", settings=settings)
    found = verdicts(tmp_path / "out")
    assert found["one", "a"] == verdict


def test_the_secret_of_the_introspecting_server_is_in_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("API_SECRET", "s3cret-of-the-api")

    def answer(asked):
        if asked.path == "/introspect":
            return Reply(body=b'{"active":true,"scope":"a s3cret-of-the-api"}')
        return told(scope=asked.scopes or "")

    settings = (
        'introspection_endpoint = "{url}/introspect"\nintrospection_client_id = "api"\n'
        'introspection_client_secret = { env = "API_SECRET" }\n'
    )
    _, result = audit(tmp_path, answer, ["a"], "--verify", "introspect", "-vv", settings=settings)
    written = b"".join(p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert b"s3cret-of-the-api" not in written + result.stderr.encode() + result.stdout.encode()


@pytest.mark.parametrize("key", ["introspection_endpoint", "revocation_endpoint"])
def test_a_token_crosses_no_network_in_the_clear(tmp_path, key):
    settings = f'{key} = "http://as.corp.example/x"'
    _, result = audit(tmp_path, lambda _asked: told(), ["a"], settings=settings)
    assert result.returncode == 2
    assert key in result.stderr


# -- tokens that were not made for the request


@pytest.mark.parametrize("strategy", ["each", "adaptive"])
def test_one_cached_token_for_whatever_is_asked_denies_nothing(tmp_path, strategy):
    cached = token_body(scope="a")
    audit(tmp_path, lambda _asked: Reply(body=cached), ["a", "b", "c"], "-s", strategy)
    assert set(verdicts(tmp_path / "out").values()) == {"unknown"}
    assert reasons(tmp_path / "out")["one", "b"] == "token_shared"


# -- lock-outs and hangs


def test_a_revocation_endpoint_that_rejects_the_client_is_left_alone(tmp_path):
    tokens = iter(range(1000))

    def answer(asked):
        if asked.path == "/revoke":
            return Reply(401, b'{"error":"invalid_client"}')
        body = {"access_token": f"token-number-{next(tokens)}", "scope": asked.scopes or ""}
        return Reply(body=json.dumps(body).encode())

    settings = 'revocation_endpoint = "{url}/revoke"'
    scopes = [f"s{n}" for n in range(12)]
    server, result = audit(tmp_path, answer, scopes, "--revoke", settings=settings)
    assert Counter(asked.path for asked in server.asked)["/revoke"] <= 3 + 4
    assert "could not be revoked" in " ".join(result.stderr.split())


def test_a_quota_of_hours_ends_a_run_also_between_the_steps_of_an_exchange(tmp_path):
    def answer(asked):
        if asked.path == "/introspect":
            return Reply(body=b'{"active":true,"scope":"a"}')
        return told(scope=asked.scopes or "")

    settings = 'introspection_endpoint = "{url}/introspect"\nrate_group = "x"'
    with raw_server(answer) as server:
        text = f'token_endpoint = "{server.url}/t"\nrate = ["3/8h"]\n'
        text += settings.replace("{url}", server.url)
        arguments, secrets = write_inputs(tmp_path, {"s": text}, [Entry("one", "s")], ["a"])
        options = ["--verify", "introspect", "--max-pause", "2s"]
        result = scopeprobe("audit", *arguments, *options, "-o", tmp_path / "out", env=secrets)
    assert result.returncode == 3
    assert len(server.asked) == 3
    assert reasons(tmp_path / "out")["one", "a"] == "budget_spent"


def test_a_client_that_rests_takes_nobody_with_it(tmp_path):
    def answer(asked):
        if asked.client == "resting":
            headers = {"Auth0-Client-Quota-Limit": "b=per_hour;q=2;r=0;t=3600"}
            return Reply(body=token_body(scope=asked.scopes or ""), headers=headers)
        return Reply(body=token_body(scope=asked.scopes or ""), delay=0.2)

    entries = [Entry(name, "s", method="client_secret_post") for name in ("resting", "healthy")]
    audit(tmp_path, answer, ["a", "b"], entries=entries)
    found = verdicts(tmp_path / "out")
    assert found["healthy", "a"] == found["healthy", "b"] == "unenforced"
    assert set(reasons(tmp_path / "out").values()) == {"budget_spent", "canary_issued"}


# -- targets


def test_a_wrong_secret_is_wrong_for_every_target(tmp_path):
    server = AuthorizationServer("corp", read_profile("strict"), [Client("one", "the-right-one")])
    targets = "".join(f'[[clients.targets]]\naudience = "https://{n}.example"\n' for n in "abc")
    with lab([server]) as url:
        text = f'token_endpoint = "{url}/corp/token"\n{FAST}'
        entries = [Entry("one", "corp", extra=targets)]
        arguments, secrets = write_inputs(tmp_path, {"corp": text}, entries, ["read"])
        result = scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=secrets)
    assert {row["verdict"] for row in rows(tmp_path / "out" / "permissions.csv")} == {
        "unauthenticated"
    }
    assert result.returncode == 4
    assert len(server.received) <= 3


def test_a_target_that_the_server_does_not_know_costs_one_request(tmp_path):
    def answer(asked):
        if "resource=https" in asked.form and "%2F%2Fb.example" in asked.form:
            return Reply(400, b'{"error":"invalid_target"}')
        return (
            told(scope=asked.scopes or "")
            if asked.scopes in (None, "read")
            else Reply(400, b'{"error":"invalid_scope"}')
        )

    targets = "".join(f'[[clients.targets]]\nresource = "https://{n}.example"\n' for n in "ab")
    server, _ = audit(
        tmp_path, answer, ["read", "write"], entries=[Entry("one", "s", extra=targets)]
    )
    found = {
        (row["audience"], row["scope"]): (row["verdict"], row["reason"])
        for row in rows(tmp_path / "out" / "permissions.csv")
    }
    assert found["https://a.example", "read"][0] == "granted"
    assert found["https://b.example", "read"] == ("unknown", "needs_target")
    assert sum("b.example" in asked.form for asked in server.asked) == 1


def test_a_refusal_that_names_the_grant_is_no_broken_credential(tmp_path):
    refusal = {
        "error": "unauthorized_client",
        "error_description": "client has no authorized client_credentials scopes",
    }
    server, _ = audit(tmp_path, lambda _asked: Reply(400, json.dumps(refusal).encode()), ["a", "b"])
    assert set(reasons(tmp_path / "out").values()) == {"grant_not_allowed"}
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "text",
    [
        'rate = ["0/s"]',
        'client_rate = ["5/0h"]',
        'token_endpoint = "http://login.corp.example/t"',
        'introspection_endpoint = "{x}"',
        '[rights]\nurl = "not a url"\neach = "a[]"\nname = "{b}"',
        '[rights]\nurl = "https://a.example/x"\neach = "a[]"\nname = "{b"',
        '[rights]\nurl = "https://a.example/x"\neach = "a[]"\nname = "{b!r:>9}"',
        '[rights]\nurl = "https://a.example/x"\neach = "a[]"\nname = "{b}"\nlimits = ["c[].d"]',
    ],
)
def test_a_pack_that_cannot_be_meant_is_refused(tmp_path, text):
    (tmp_path / "corp.toml").write_text(f'title = "Corp"\nmap_from = "it"\n{text}')
    result = scopeprobe("providers", "--providers", tmp_path)
    assert result.returncode == 2, result.stderr
    assert "corp.toml" in result.stderr
