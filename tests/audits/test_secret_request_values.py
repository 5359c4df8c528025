"""Values of `headers` and `token_params` may be secrets: sent, masked, and kept elsewhere."""

import base64
import json
import re
import resource
from dataclasses import replace
from urllib.parse import quote

import pytest
from harness import Reply, raw_server, scopeprobe, token_body

from scopeprobe.inputs import read_clients

GATEWAY, TENANT, LITERAL = "gateway/k3y+of nobody", "tenant-s3cret-0815", "Literal-K3y-4711"
OPAQUE = "opaque-token-of-an-answer"
INPUTS = """
[servers.corp]
token_endpoint = "URL/t"
rate = "500/s"
client_rate = "500/s"
headers = { X-Gateway = { env = "GATEWAY" }, X-Api-KEY = "LITERAL", X-Stage = "production" }
[[clients]]
name = "billing"
server = "corp"
client_id = "billing-id"
client_secret = { env = "SECRET" }
token_params = { tenant = { file = "tenant.secret" }, region = "northern-europe" }
scopes = ["a", "b"]
"""
ENVIRONMENT = {"GATEWAY": GATEWAY, "SECRET": "s3cret-of-nobody"}
CSV = """name,server,client_id,client_secret.env,token_params.tenant.file,scopes
billing,corp,billing-id,SECRET,tenant.secret,a b
"""


def spellings(secret):
    return [secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()]


def echoing(asked):
    """Says back all that it was sent, in every place that is shown."""
    words = [asked.headers["x-gateway"], asked.headers["x-api-key"], asked.form]
    words += [base64.b64encode(word.encode()).decode() for word in words[:2]]
    said = " ".join(words)
    headers = {"WWW-Authenticate": f'Basic realm="{said}"', "X-Request-Id": said.upper()}
    if asked.scopes and asked.scopes != "a":
        body = {"error": "invalid_scope", "error_description": said, "hint": f"{said} no"}
        return Reply(400, json.dumps(body).encode(), headers)
    headers["Location"] = f"https://x.example/#access_token={OPAQUE}"
    body = json.loads(token_body(scope=f"{asked.scopes or ''} {said}"))
    return Reply(body=json.dumps({**body, "access_token": f"{OPAQUE}-2"}).encode(), headers=headers)


@pytest.fixture
def written(tmp_path):
    """The inputs, with a server that echoes."""
    (tmp_path / "tenant.secret").write_text(f"{TENANT}\n")
    (tmp_path / "tenant.secret").chmod(0o600)
    with raw_server(echoing) as server:
        text = INPUTS.replace("URL", server.url).replace("LITERAL", LITERAL)
        (tmp_path / "clients.toml").write_text(text)
        yield tmp_path / "clients.toml", server


def test_secrets_of_headers_and_parameters_are_sent_and_shown_nowhere(written, tmp_path):
    clients, server = written
    shown = []
    for words in (
        ["audit", clients, "-o", tmp_path / "out", "-vv", "-f", "json", "--print", "json"],
        ["explain", clients, "billing", "-v", "--print", "markdown"],
        ["explain", clients, "billing", "--scope", "b", "-v"],
        ["explain", clients, "billing", "--print", "json"],
        ["validate", clients],
        ["plan", clients],
    ):
        ended = scopeprobe(*words, env=ENVIRONMENT, cwd=tmp_path)
        assert ended.returncode in {0, 1, 3}, ended.stderr
        shown += [ended.stdout, ended.stderr]
    assert {asked.headers["x-gateway"] for asked in server.asked} == {GATEWAY}
    assert {asked.headers["x-stage"] for asked in server.asked} == {"production"}
    assert all(f"tenant={TENANT}" in asked.form for asked in server.asked)
    files = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    everything = b"\n".join([*(text.encode() for text in shown), *files]).lower()
    assert b"realm=" in everything
    assert b"region=northern-europe" in everything
    for secret in (GATEWAY, TENANT, LITERAL, OPAQUE):
        for word in spellings(secret):
            assert word.encode().lower() not in everything, word


def test_a_csv_names_the_sources_of_parameters(tmp_path):
    (tmp_path / "tenant.secret").write_text(TENANT)
    (tmp_path / "servers.toml").write_text('[servers.corp]\ntoken_endpoint = "https://x.example/t"')
    (tmp_path / "clients.csv").write_text(CSV)
    paths = [tmp_path / "servers.toml", tmp_path / "clients.csv"]
    (client,) = read_clients(paths, environment=ENVIRONMENT).clients
    ((name, value),) = client.targets[0].token_params
    assert (name, value.reveal()) == ("tenant", TENANT)
    assert TENANT not in repr(client)


def test_all_clients_of_a_server_have_it_in_common(written):
    """Servers are compared: metadata is read once for all that are equal."""
    clients, _ = written
    one = clients.read_text()
    two = one[one.index("[[clients]]") :].replace('"billing"', '"crm"')
    clients.write_text(one + two)
    first, second = read_clients([clients], environment=ENVIRONMENT).clients
    assert first.server == second.server


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"GATEWAY": "two\nlines"}, "headers.X-Gateway: must be one line of ASCII text"),
        ({"GATEWAY": ""}, "headers.X-Gateway: environment variable GATEWAY is empty"),
    ],
)
def test_a_header_that_cannot_be_sent_is_an_input_error(written, tmp_path, wrong, complaint):
    clients, server = written
    ended = scopeprobe("audit", clients, "-o", tmp_path / "out", env={**ENVIRONMENT, **wrong})
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert not server.asked


def test_a_run_goes_on_with_renewed_secrets_and_its_digest_is_salted(written):
    clients, _ = written
    fleet = read_clients([clients], environment=ENVIRONMENT)
    renewed = read_clients([clients], environment={**ENVIRONMENT, "GATEWAY": "another-one"})
    assert renewed.goes_on_from(fleet.digest)
    assert renewed.digest.partition(":")[2] != fleet.digest.partition(":")[2]
    clients.write_text(clients.read_text().replace("production", "test"))
    assert not read_clients([clients], environment=ENVIRONMENT).goes_on_from(fleet.digest)
    before = replace(fleet, salt="")
    assert re.fullmatch("[0-9a-f]{64}", before.digest)
    assert fleet.goes_on_from(before.digest)


def test_no_core_is_dumped():
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        scopeprobe("--version")
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
