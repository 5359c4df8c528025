"""Metadata over real HTTP: `discover`, and audits of servers that only name an issuer."""

import json
import time
from contextlib import ExitStack, contextmanager
from urllib.parse import parse_qs

import pytest
from granting import grants
from harness import (
    Entry,
    Reply,
    raw_server,
    reasons,
    scopeprobe,
    summary,
    token_body,
    verdicts,
    write_inputs,
)

from scopeprobe import __version__
from scopeprobe.audits.discover import parted
from scopeprobe.inputs import Fleet

FAST = 'rate = "500/s"\nclient_rate = "500/s"\nretries = 0'
RFC8414 = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"


@contextmanager
def authorization_server(at=RFC8414, path="", reply=None, **members):
    """Serves its metadata at one path, 404 at others, and grants `a` and `hidden` at /token."""

    def answer(asked):
        if asked.method == "POST":
            granted = asked.scopes in {None, "a", "hidden"}
            listed = (asked.scopes or "").encode()
            issued = b'{"access_token":"opaque","scope":"%s"}' % listed
            return Reply(body=issued) if granted else Reply(400, b'{"error":"invalid_scope"}')
        if asked.path != at:
            return Reply(404, b"<html>")
        if reply is not None:
            return reply
        url = server.url
        said = {"issuer": url + path, "token_endpoint": f"{url}/token", **members}
        said = {name: value for name, value in said.items() if value is not ...}
        return Reply(body=json.dumps(said).encode())

    with raw_server(answer) as server:
        yield server


def asked_for_metadata(server):
    return [asked.path for asked in server.asked if asked.method == "GET"]


def asked_for_tokens(server):
    return [asked for asked in server.asked if asked.method == "POST"]


def discovered(*words):
    result = scopeprobe("discover", *words, "--print", "json")
    return result.returncode, json.loads(result.stdout)["servers"]


@pytest.fixture
def audit(tmp_path):
    """Audit one client per server; `servers` maps names to their settings."""

    def run(servers, *options, scopes=("a", "b"), extra=""):
        settings = {name: f"{text}\n{FAST}" for name, text in servers.items()}
        entries = [Entry(f"client-{name}", name, extra=extra) for name in servers]
        arguments, environment = write_inputs(tmp_path, settings, entries, scopes and list(scopes))
        # Its method is for metadata to tell.
        file = arguments[0]
        lines = file.read_text().split("\n")
        file.write_text("\n".join(line for line in lines if "auth_method = " not in line))
        return scopeprobe("audit", *arguments, "-o", tmp_path / "out", *options, env=environment)

    return run


# -- discover


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("", RFC8414),
        ("", OPENID),
        ("/realms/main", f"{RFC8414}/realms/main"),
        ("/realms/main", f"/realms/main{OPENID}"),
        ("/realms/main", f"/realms/main{RFC8414}"),
    ],
)
def test_metadata_is_found_at_every_well_known_place(path, at):
    with authorization_server(at, path, scopes_supported=["a", "b"]) as server:
        code, [told] = discovered("--issuer", server.url + path)
    assert code == 0
    assert told["metadata_url"] == server.url + at
    assert told["token_endpoint"] == f"{server.url}/token"
    assert told["scopes_supported"] == ["a", "b"]
    assert asked_for_metadata(server)[-1] == at
    assert asked_for_tokens(server) == []


def test_a_trailing_slash_is_named_as_the_only_difference():
    with authorization_server() as server:
        code, [told] = discovered("--issuer", f"{server.url}/")
    assert code == 4
    assert told["reason"] == "malformed_answer"
    assert "trailing slash" in told["detail"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(Reply(body=b"<html>welcome</html>"), "malformed_answer", id="HTML"),
        pytest.param(Reply(body=b"[1]"), "malformed_answer", id="array"),
        pytest.param(Reply(body=b"{" + b" " * 2**20 + b"}"), "malformed_answer", id="1 MiB"),
        pytest.param(Reply(endless=True), "malformed_answer", id="endless"),
        pytest.param(Reply(500), "server_error", id="500"),
        pytest.param(Reply(raw=b""), "unreachable", id="hangs up"),
    ],
)
def test_what_is_no_metadata_is_told_with_its_reason(reply, reason):
    with authorization_server(reply=reply) as server:
        code, [told] = discovered("--issuer", server.url)
    assert (code, told["read"], told["reason"]) == (4, False, reason)


def test_a_redirect_is_not_followed():
    with authorization_server() as other_targets:
        moved = Reply(302, b"", {"Location": other_targets.url + RFC8414})
        with authorization_server(reply=moved) as server:
            code, [told] = discovered("--issuer", server.url)
    assert (code, told["reason"]) == (4, "redirected")
    assert other_targets.asked == []


def test_a_passing_fault_is_tried_again():
    replies = [Reply(503), Reply(raw=b"")]

    def answer(_asked):
        if replies:
            return replies.pop()
        said = {"issuer": server.url, "token_endpoint": f"{server.url}/token"}
        return Reply(body=json.dumps(said).encode())

    with raw_server(answer) as server:
        code, [told] = discovered("--issuer", server.url)
    assert code == 0
    assert told["token_endpoint"] == f"{server.url}/token"
    assert asked_for_metadata(server) == [RFC8414] * 3


@pytest.fixture
def clients(tmp_path):
    """A clients file without any secret in the environment."""

    def write(servers):
        write_inputs(tmp_path, servers, [Entry(f"client-{name}", name) for name in servers])
        return tmp_path / "clients.toml"

    return write


@pytest.mark.parametrize(
    ("written", "shown"), [("", ""), ('contact = "iam@corp.example"', " (iam@corp.example)")]
)
def test_an_issuer_is_told_who_asks_and_what_for(tmp_path, written, shown):
    with authorization_server() as server:
        path = tmp_path / "clients.toml"
        path.write_text(
            f'[servers.corp]\nissuer = "{server.url}"\n{written}\n'
            'headers = { X-Tenant = "main" }\n'
        )
        assert discovered(path)[0] == 0
    [asked] = server.asked
    assert asked.headers["user-agent"] == f"scopeprobe/{__version__}{shown}"
    assert (asked.headers["accept"], asked.headers["x-tenant"]) == ("application/json", "main")


def test_discover_tells_of_every_server_and_needs_no_secret(clients):
    with authorization_server() as good, authorization_server(issuer="https://x.example") as bad:
        file = clients({"good": f'issuer = "{good.url}"', "bad": f'issuer = "{bad.url}"'})
        code, told = discovered(file)
        assert code == 3
        assert [(one["name"], one["read"]) for one in told] == [("bad", False), ("good", True)]
        for name in ("good", "client-good"):
            code, [told] = discovered(file, name)
            assert (code, told["name"]) == (0, "good")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give clients files"),
        (["--issuer", "http://login.example"], "must be https"),
        (["--issuer", "https://login.example?x"], "query"),
    ],
)
def test_a_wrong_word_is_an_input_error(words, message):
    result = scopeprobe("discover", *words)
    assert result.returncode == 2
    assert message in result.stderr


def test_a_name_that_is_nobodys_is_an_input_error(clients):
    result = scopeprobe("discover", clients({"s": 'issuer = "https://a.example"'}), "nobody")
    assert result.returncode == 2
    assert "no server or client" in result.stderr


def test_the_table_fits_80_columns():
    scopes = [f"scope.number.{n}" for n in range(100)]
    with authorization_server(scopes_supported=scopes) as server:
        result = scopeprobe("discover", "--issuer", server.url)
    assert "and 60 more" in result.stdout
    assert max(map(len, result.stdout.split("\n"))) <= 80


# -- audit


def test_an_audit_needs_no_more_than_an_issuer(audit, tmp_path):
    with authorization_server() as server:
        result = audit({"s": f'issuer = "{server.url}"'})
    assert result.returncode == 0, result.stderr
    assert verdicts(tmp_path / "out") == {
        ("client-s", "a"): "granted",
        ("client-s", "b"): "denied",
    }
    assert asked_for_metadata(server) == [RFC8414]
    assert {asked.path for asked in asked_for_tokens(server)} == {"/token"}
    assert summary(tmp_path / "out")["servers"][0]["token_endpoint"] == f"{server.url}/token"


def test_one_issuer_is_asked_once_for_all_its_servers(audit):
    with authorization_server() as server:
        audit(dict.fromkeys(("one", "two", "three"), f'issuer = "{server.url}"'))
    assert asked_for_metadata(server) == [RFC8414]


@pytest.mark.parametrize(
    ("supported", "in_body"), [(["client_secret_post"], True), (["client_secret_basic"], False)]
)
def test_the_method_that_metadata_names_is_used(audit, supported, in_body):
    with authorization_server(token_endpoint_auth_methods_supported=supported) as server:
        audit({"s": f'issuer = "{server.url}"'})
    for asked in asked_for_tokens(server):
        assert ("client_secret" in parse_qs(asked.form)) is in_body
        assert ("authorization" in asked.headers) is not in_body


def test_the_method_that_the_user_names_wins(audit):
    supported = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    with authorization_server(**supported) as server:
        chosen = 'token_endpoint_auth_method="client_secret_basic"'
        audit({"s": f'issuer = "{server.url}"'}, extra=chosen)
    assert asked_for_tokens(server)
    for asked in asked_for_tokens(server):
        assert asked.headers["authorization"].startswith("Basic ")


def test_a_token_endpoint_elsewhere_receives_nothing_and_other_servers_go_on(audit, tmp_path):
    with (
        authorization_server() as other_targets,
        authorization_server() as good,
        authorization_server(token_endpoint=f"{other_targets.url}/token") as bad,
    ):
        result = audit({"bad": f'issuer = "{bad.url}"', "good": f'issuer = "{good.url}"'})
    assert other_targets.asked == []
    assert asked_for_tokens(bad) == []
    assert result.returncode == 3
    assert "another origin" in result.stderr
    assert "token_endpoint" in result.stderr
    assert reasons(tmp_path / "out") == {
        ("client-bad", "a"): "redirected",
        ("client-bad", "b"): "redirected",
        ("client-good", "a"): "listed_in_response",
        ("client-good", "b"): "refused_alone",
    }


def test_a_token_endpoint_elsewhere_is_used_once_the_user_writes_it(audit):
    with (
        authorization_server() as other_targets,
        authorization_server(token_endpoint=f"{other_targets.url}/token") as server,
    ):
        written = f'issuer = "{server.url}"\ntoken_endpoint = "{other_targets.url}/token"'
        assert audit({"s": written}).returncode == 0
    assert asked_for_tokens(other_targets)
    assert asked_for_tokens(server) == []


def test_a_server_that_is_away_can_be_gone_on_with_when_it_is_back(audit, tmp_path):
    replies = {"now": Reply(404)}

    def answer(asked):
        if asked.method == "POST":
            return Reply(body=token_body(scope=asked.scopes or ""))
        said = {"issuer": server.url, "token_endpoint": f"{server.url}/token"}
        return replies.get("now") or Reply(body=json.dumps(said).encode())

    with raw_server(answer) as server:
        first = audit({"s": f'issuer = "{server.url}"'})
        assert set(reasons(tmp_path / "out").values()) == {"malformed_answer"}
        replies.clear()
        second = audit({"s": f'issuer = "{server.url}"'}, "--resume")
    assert first.returncode == 4
    assert second.returncode == 0, second.stderr
    assert set(verdicts(tmp_path / "out").values()) == {"unenforced"}


def test_what_metadata_did_not_come_for_in_time_is_left_to_the_deadline(audit, tmp_path):
    with raw_server(lambda _asked: Reply(delay=60)) as dead:
        result = audit({"dead": f'issuer = "{dead.url}"'}, "--max-time", "0.3s")
    assert result.returncode in {3, 4}
    assert set(reasons(tmp_path / "out").values()) == {"deadline"}


def test_dead_issuers_hold_no_healthy_server_back_and_end_with_the_time(audit, tmp_path):
    """Twenty accept and say nothing: more than are read at once, by whatever bound."""
    with (
        authorization_server() as healthy,
        ExitStack() as stack,
        raw_server(grants("a")) as without,
    ):
        dead = [stack.enter_context(raw_server(lambda _asked: Reply(delay=60))) for _ in range(20)]
        servers = {f"dead{n}": f'issuer = "{one.url}"' for n, one in enumerate(dead)}
        servers["issuer"] = f'issuer = "{healthy.url}"'
        servers["without"] = f'token_endpoint = "{without.url}/token"'
        began = time.monotonic()
        result = audit(servers, "--max-time", "4s")
        seconds = time.monotonic() - began
        asked = [one.at - began for server in (healthy, without) for one in server.asked]
    assert max(asked) < 3
    assert seconds < 8
    assert result.returncode == 3
    found = reasons(tmp_path / "out")
    assert {reason for (client, _), reason in found.items() if "dead" in client} == {"deadline"}
    for client in ("client-issuer", "client-without"):
        assert verdicts(tmp_path / "out")[client, "a"] == "granted"


def test_a_run_is_not_gone_on_with_where_metadata_changed_meanwhile(audit):
    supported = ["a", "b"]
    with authorization_server(scopes_supported=supported) as server:
        issuer = {"s": f'issuer = "{server.url}"'}
        options = ("--scopes-from-metadata", "--max-requests", "1")
        assert audit(issuer, *options, scopes=None).returncode == 3
        before = len(asked_for_tokens(server))
        supported.append("c")
        result = audit(issuer, *options, "--resume", scopes=None)
        assert len(asked_for_tokens(server)) == before
    assert result.returncode == 2
    assert "other inputs" in result.stderr


def test_servers_that_share_a_pace_or_an_issuer_are_read_together(make_client):
    def client(name, **server):
        return make_client("a", name=name, **{"token_endpoint": "", **server})

    fleet = Fleet(
        (
            client("a", issuer="https://a.example"),
            client("b", issuer="https://b.example", rate_group="g"),
            client("a-too", issuer="https://a.example/realm"),
            client("written", token_endpoint="https://w.example/token"),
            client("in-g", token_endpoint="https://g.example/token", rate_group="g"),
            client("at-b", token_endpoint="https://b.example/token"),
        )
    )
    at_once, parts = parted(fleet)
    assert [one.name for one in at_once.clients] == ["written"]
    assert [[one.name for one in part.clients] for part in parts] == [
        ["a", "a-too"],
        ["b", "in-g", "at-b"],
    ]


# -- scopes_supported


def test_candidates_come_from_metadata_and_are_held_against_what_is_found(audit, tmp_path):
    with authorization_server(scopes_supported=["a", "gone", "gone"]) as server:
        result = audit(
            {"s": f'issuer = "{server.url}"'},
            "--scopes-from-metadata",
            "--print",
            "table",
            scopes=["hidden"],
        )
    assert result.returncode == 0, result.stderr
    assert verdicts(tmp_path / "out") == {
        ("client-s", "a"): "granted",
        ("client-s", "gone"): "denied",
        ("client-s", "hidden"): "granted",
    }
    told = summary(tmp_path / "out")["servers"][0]
    assert told["advertised_but_refused"] == ["gone"]
    assert told["granted_but_not_advertised"] == ["hidden"]
    assert "s: advertised, and refused to all: gone" in result.stdout
    assert "s: granted, and not advertised: hidden" in result.stdout


def test_a_fleet_without_scopes_can_live_on_metadata(audit, tmp_path):
    with authorization_server(scopes_supported=["a"]) as server:
        result = audit({"s": f'issuer = "{server.url}"'}, "--scopes-from-metadata", scopes=None)
    assert result.returncode == 0, result.stderr
    assert verdicts(tmp_path / "out") == {("client-s", "a"): "granted"}


@pytest.mark.parametrize("supported", [..., "a b", [], ["a b"]])
def test_metadata_that_advertises_nothing_is_an_input_error(audit, supported):
    with authorization_server(scopes_supported=supported) as server:
        result = audit({"s": f'issuer = "{server.url}"'}, "--scopes-from-metadata", scopes=None)
    assert result.returncode == 2
    assert "no usable scopes_supported" in result.stderr
    assert asked_for_tokens(server) == []


def test_scopes_from_metadata_need_an_issuer(audit):
    result = audit({"s": 'token_endpoint = "https://a.example/t"'}, "--scopes-from-metadata")
    assert result.returncode == 2
    assert "names no issuer" in result.stderr


def test_metadata_that_is_away_leaves_no_run_complete(audit, tmp_path):
    with authorization_server(scopes_supported=["a"]) as good, authorization_server("/") as away:
        servers = {"good": f'issuer = "{good.url}"', "away": f'issuer = "{away.url}"'}
        result = audit(servers, "--scopes-from-metadata", scopes=None)
    assert result.returncode == 3
    assert summary(tmp_path / "out")["not_tested"] == [
        {
            "client": "client-away",
            "reason": "malformed_answer",
            "cells": 0,
            "detail": "the answer is 404",
        }
    ]


def test_nothing_of_a_hostile_document_reaches_the_terminal_as_control():
    with authorization_server(
        grant_types_supported=["\x1b[2Jgrant"],
        scopes_supported=["\x1b]0;x\x07"],
        issuer="\x1b[31mx",
    ) as server:
        result = scopeprobe("discover", "--issuer", server.url)
    assert "\x1b" not in result.stdout + result.stderr
    assert result.returncode == 4
