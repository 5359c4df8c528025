"""Everything that can go wrong on the wire ends as a reason in the map: never a denial."""

import gzip
import ssl

import pytest
import trustme
from harness import (
    Entry,
    Reply,
    free_port,
    raw_server,
    reasons,
    rows,
    scopeprobe,
    token_body,
    verdicts,
    write_inputs,
)

FAST = 'rate = "500/s"\nclient_rate = "500/s"\nretries = 1\ntimeout = "2s"'
SCOPES = ["a", "b", "c"]


def audit(tmp_path, endpoint, *options, settings="", clients=1):
    arguments, environment = write_inputs(
        tmp_path,
        {"s": f'token_endpoint = "{endpoint}"\n{FAST}\n{settings}'},
        [Entry(f"c{n}", "s") for n in range(clients)],
        SCOPES,
    )
    result = scopeprobe(
        "audit", *arguments, "-o", tmp_path / "out", "-vv", "--max-pause", "2s", *options,
        env=environment,
    )  # fmt: skip
    assert "Traceback" not in result.stderr
    assert "denied" not in verdicts(tmp_path / "out").values()
    return result


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(Reply(body=b"<html>Welcome</html>"), "malformed_answer", id="html"),
        pytest.param(Reply(403, b"<html>Blocked</html>"), "malformed_answer", id="html-403"),
        pytest.param(Reply(401, b"<html>Blocked</html>"), "malformed_answer", id="html-401"),
        pytest.param(Reply(body=b'{"access_token": "eyJ'), "malformed_answer", id="truncated-json"),
        pytest.param(Reply(body=b"[]"), "malformed_answer", id="array"),
        pytest.param(Reply(body=b""), "malformed_answer", id="empty"),
        pytest.param(
            Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"),
            "malformed_answer",
            id="cut-off",
        ),
        pytest.param(Reply(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), "malformed_answer", id="not-http"),
        pytest.param(Reply(raw=b""), "unreachable", id="closed-at-once"),
        pytest.param(Reply(endless=True), "malformed_answer", id="endless"),
        pytest.param(Reply(body=b" " * 2_000_000), "malformed_answer", id="too-long"),
        pytest.param(Reply(delay=5), "timed_out", id="silent"),
        pytest.param(Reply(500, b"{}"), "server_error", id="500"),
        pytest.param(Reply(503, b'{"error":"invalid_scope"}'), "server_error", id="503"),
        pytest.param(
            Reply(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}),
            "malformed_answer",
            id="gzip-of-no-token",
        ),
        pytest.param(
            Reply(body=b"junk", headers={"Content-Encoding": "gzip"}),
            "malformed_answer",
            id="broken-gzip",
        ),
    ],
)
def test_a_fault_is_a_reason_in_the_map(tmp_path, reply, reason):
    with raw_server(lambda _asked: reply) as server:
        result = audit(tmp_path, f"{server.url}/token")
    assert set(reasons(tmp_path / "out").values()) == {reason}
    assert set(verdicts(tmp_path / "out").values()) == {"unknown"}
    assert result.returncode == 4


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(403, b'{"error":"access_denied"}'), id="403-access_denied"),
        pytest.param(Reply(400, b'{"message":"We do not serve you"}'), id="400-in-its-own-words"),
        pytest.param(
            Reply(400, '{"error":"invalid_request","message":"認証に失敗しました"}'.encode()),
            id="400-in-japanese",
        ),
        pytest.param(Reply(404, b'{"error":"nope"}'), id="404"),
        pytest.param(Reply(200, b'{"error":"nope"}'), id="200"),
        pytest.param(Reply(401, b'{"error":"go away"}'), id="401"),
        pytest.param(Reply(400, b'{"error":"unauthorized_client"}'), id="grant"),
    ],
)
@pytest.mark.parametrize("strategy", ["each", "adaptive", "recheck"])
def test_nothing_is_judged_where_everybody_is_rejected_in_whatever_words(tmp_path, reply, strategy):
    with raw_server(lambda _asked: reply) as server:
        result = audit(tmp_path, f"{server.url}/token", "-s", strategy, clients=2)
    assert set(verdicts(tmp_path / "out").values()) <= {"unknown", "unauthenticated"}
    assert result.returncode == 4


def test_where_one_client_was_given_a_token_something_was_judged(tmp_path):
    def grants_one(asked):
        is_known = "YzA6" in asked.client  # c0: in Base64
        return Reply(body=b'{"access_token":"t"}') if is_known else Reply(403, b'{"error":"no"}')

    with raw_server(grants_one) as server:
        result = audit(tmp_path, f"{server.url}/token", clients=2)
    assert result.returncode != 4


def test_a_redirect_is_not_followed_and_the_secret_stays(tmp_path):
    with raw_server() as other_targets:
        moved = Reply(307, b"", {"Location": f"{other_targets.url}/token"})
        with raw_server(lambda _asked: moved) as server:
            result = audit(tmp_path, f"{server.url}/token")
    assert other_targets.asked == []
    assert len(server.asked) == 1
    assert set(reasons(tmp_path / "out").values()) == {"redirected"}
    assert result.returncode == 4


def test_an_unreachable_host_is_found_out_with_the_first_clients_retries(tmp_path):
    result = audit(tmp_path, f"http://127.0.0.1:{free_port()}/token", clients=6)
    assert set(reasons(tmp_path / "out").values()) == {"unreachable"}
    assert result.returncode == 4
    assert result.stderr.count('"outcome": "unreachable"') <= 2 * (2 + 6)


def test_a_name_that_does_not_resolve_is_unreachable(tmp_path):
    audit(tmp_path, "https://login.invalid/token")
    assert set(reasons(tmp_path / "out").values()) == {"unreachable"}


def server_context(authority, name="localhost"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_an_unknown_ca_is_a_tls_failure_and_nothing_is_sent(tmp_path):
    with raw_server(tls=server_context(trustme.CA())) as server:
        audit(tmp_path, f"https://localhost:{server.port}/token")
    assert server.asked == []
    assert set(reasons(tmp_path / "out").values()) == {"tls_failure"}


def test_a_certificate_for_another_name_is_a_tls_failure(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with raw_server(tls=server_context(authority, "login.example")) as server:
        audit(tmp_path, f"https://localhost:{server.port}/token", settings='ca_file = "ca.pem"')
    assert server.asked == []
    assert set(reasons(tmp_path / "out").values()) == {"tls_failure"}


def test_a_private_ca_is_trusted_where_the_file_names_it(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    def grants_a(asked):
        if asked.scopes in {None, "a"}:
            return Reply(body=token_body(scope=asked.scopes or ""))
        return Reply(400, b'{"error":"invalid_scope"}')

    with raw_server(grants_a, tls=server_context(authority)) as server:
        arguments, environment = write_inputs(
            tmp_path,
            {
                "s": f'token_endpoint = "https://localhost:{server.port}/t"\n{FAST}\n'
                'ca_file = "ca.pem"'
            },
            [Entry("c", "s")],
            SCOPES,
        )
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    assert list(verdicts(tmp_path / "out").values()) == ["granted", "denied", "denied"]


def test_plain_http_to_another_host_is_refused_before_anything_is_sent(tmp_path):
    arguments, environment = write_inputs(
        tmp_path, {"s": 'token_endpoint = "http://login.example/t"'}, [Entry("c", "s")], SCOPES
    )
    result = scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    assert result.returncode == 2
    assert "servers.s.token_endpoint" in result.stderr
    assert not (tmp_path / "out").exists()


def test_one_lost_answer_leaves_one_cell_open_and_the_others_judged(tmp_path):
    def loses_b(asked):
        if asked.scopes == "b":
            return Reply(body=b"<html>oops")
        if asked.scopes in {None, "a"}:
            return Reply(body=token_body(scope=asked.scopes or ""))
        return Reply(400, b'{"error":"invalid_scope"}')

    with raw_server(loses_b) as server:
        arguments, environment = write_inputs(
            tmp_path, {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}, [Entry("c", "s")], SCOPES
        )
        result = scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    found = {row["scope"]: row for row in rows(tmp_path / "out" / "permissions.csv")}
    assert {scope: row["verdict"] for scope, row in found.items()} == {
        "a": "granted",
        "b": "unknown",
        "c": "denied",
    }
    assert (found["b"]["reason"], found["b"]["http_status"]) == ("malformed_answer", "200")
    assert result.returncode == 3
