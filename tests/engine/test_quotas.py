"""What is left to production: quotas that a pack knows or a server tells, single tokens."""

import json
import time
from collections import Counter

from harness import Entry, Reply, lab, raw_server, reasons, scopeprobe, verdicts, write_inputs

from scopeprobe.lab import AuthorizationServer, Client, read_profile

FAST = 'rate = "500/s"'
SCOPES = [f"s{number}" for number in range(30)]


def pack(folder, text):
    folder.mkdir()
    (folder / "corp.toml").write_text(f'title = "Corp"\nmap_from = "the answer"\n{text}')
    return folder


def corp(clients=("one", "two")):
    return AuthorizationServer(
        "corp",
        read_profile("naming"),
        [Client(name, f"{name}-s3cret", SCOPES) for name in clients],
    )


def audit(tmp_path, server, settings, *options, names=("one",)):
    with lab([server]) as url:
        text = f'token_endpoint = "{url}/corp/token"\n{FAST}\n{settings}'
        entries = [Entry(name, "corp", secret=f"{name}-s3cret") for name in names]
        arguments, secrets = write_inputs(tmp_path, {"corp": text}, entries, SCOPES)
        return [
            scopeprobe("audit", *arguments, *options, "-o", tmp_path / "out", env=secrets)
            for _ in range(2)
        ]


def test_half_of_a_known_quota_is_left_to_production_over_all_runs_of_a_folder(tmp_path):
    packs = pack(tmp_path / "packs", 'client_rate = ["20/h"]\nreserve = 0.5\n')
    server = corp()
    first, second = audit(tmp_path, server, 'provider = "corp"', "--providers", packs)
    assert len(server.received) == 10
    assert first.returncode == second.returncode == 3
    assert set(reasons(tmp_path / "out").values()) == {"budget_spent"}


def test_a_quota_that_is_told_on_success_is_left_half_full(tmp_path):
    sent = []

    def answer(asked):
        sent.append(asked)
        left = max(20 - len(sent), 0)
        headers = {"Auth0-Client-Quota-Limit": f"b=per_hour;q=20;r={left};t=3540"}
        body = {"access_token": "opaque-token", "scope": asked.scopes or ""}
        return Reply(body=json.dumps(body).encode(), headers=headers)

    with raw_server(answer) as server:
        text = f'token_endpoint = "{server.url}/t"\nprovider = "auth0"\n{FAST}\nin_flight = 1'
        text += '\nclient_rate = "500/s"'
        arguments, secrets = write_inputs(tmp_path, {"s": text}, [Entry("one", "s")], SCOPES)
        result = scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=secrets)
    assert len(sent) == 10
    assert result.returncode == 3
    assert "budget_spent" in reasons(tmp_path / "out").values()


def test_a_server_with_one_token_per_client_is_probed_only_with_leave(tmp_path):
    packs = pack(tmp_path / "packs", "single_token = true\n")
    server = corp()
    audit(tmp_path, server, 'provider = "corp"', "--providers", packs)
    assert server.received == []
    assert set(reasons(tmp_path / "out").values()) == {"token_shared"}
    settings = 'provider = "corp"\nallow_single_token = true\nclient_rate = "500/s"'
    (tmp_path / "clients.toml").unlink()
    audit(tmp_path, server, settings, "--providers", packs)
    assert set(verdicts(tmp_path / "out").values()) == {"granted"}


def test_a_scope_named_after_a_quota_is_denied_and_waits_for_nothing(tmp_path):
    def answer(asked):
        if asked.scopes in (None, "read"):
            body = {"access_token": "opaque-token", "scope": asked.scopes or ""}
            return Reply(body=json.dumps(body).encode())
        said = f"The scope {asked.scopes} was refused: {asked.scopes} is not for this client"
        error = {"error": "access_denied", "error_description": said}
        return Reply(400, json.dumps(error).encode())

    scopes = ["quota.write", "rate-limit:admin", "too.many.requests", "read"]
    with raw_server(answer) as server:
        text = f'token_endpoint = "{server.url}/t"\n{FAST}\nclient_rate = "500/s"'
        arguments, secrets = write_inputs(tmp_path, {"s": text}, [Entry("one", "s")], scopes)
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=secrets)
    assert verdicts(tmp_path / "out") == {
        ("one", "read"): "granted",
        **{("one", scope): "denied" for scope in scopes[:3]},
    }


def test_every_step_of_an_exchange_keeps_the_rate_of_its_server(tmp_path):
    def answer(asked):
        if asked.path == "/introspect":
            return Reply(body=b'{"active": true, "scope": "a"}')
        if asked.path == "/revoke":
            return Reply(body=b"")
        body = {"access_token": f"token-{len(server.asked)}", "scope": asked.scopes or ""}
        return Reply(body=json.dumps(body).encode())

    with raw_server(answer) as server:
        text = f'token_endpoint = "{server.url}/t"\nrate = "20/s"\nclient_rate = "500/s"\n'
        text += f'introspection_endpoint = "{server.url}/introspect"\n'
        text += f'revocation_endpoint = "{server.url}/revoke"\n'
        arguments, secrets = write_inputs(tmp_path, {"s": text}, [Entry("one", "s")], SCOPES[:8])
        options = ["--verify", "introspect", "--revoke"]
        began = time.monotonic()
        scopeprobe("audit", *arguments, *options, "-o", tmp_path / "out", env=secrets)
        took = time.monotonic() - began
    paths = Counter(asked.path for asked in server.asked)
    assert paths["/t"] == paths["/revoke"] == paths["/introspect"] + 1 >= 10
    assert took >= (len(server.asked) - 1) / 20
