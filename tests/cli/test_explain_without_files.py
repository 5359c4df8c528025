"""`scopeprobe explain` for somebody who has a client id, a secret and an error message."""

import json
from base64 import b64decode
from urllib.parse import unquote

import anyio
import pytest
from harness import Reply, lab, raw_server, scopeprobe, token_body

from scopeprobe.audits.cases import Explain, case_of
from scopeprobe.inputs import client_of_words
from scopeprobe.lab import AuthorizationServer, read_profile
from scopeprobe.lab.clients import Client
from scopeprobe.model.client import AuthMethod

SECRET = "s3cret-of-nobody"


def explain(*words, secret=SECRET, **more):
    environment = {"SCOPEPROBE_CLIENT_SECRET": secret} if secret is not None else {}
    return scopeprobe("explain", *words, env=environment, **more)


@pytest.fixture
def corp():
    client = Client("billing", SECRET, ["a.read", "a.write"])
    with lab([AuthorizationServer("corp", read_profile("strict"), [client])]) as base:
        yield f"{base}/corp"


def test_one_command_is_enough(corp, tmp_path):
    words = ("--token-endpoint", f"{corp}/token", "--client-id", "billing")
    result = explain(*words, "--scope", "a.read z.read", "--print", "json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["client"], told["outcome"]) == ("billing", "explained")
    assert told["refusing_sets"] == [["z.read"]]
    assert list(tmp_path.iterdir()) == []


def test_an_issuer_will_do(corp, tmp_path):
    result = explain("--issuer", corp, "--client-id", "billing", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("billing works")


def test_a_wrong_secret_is_named_and_shown_nowhere(corp, tmp_path):
    wrong = "n0body-knows-me"
    words = ("--token-endpoint", f"{corp}/token", "--client-id", "billing", "-v")
    result = explain(*words, secret=wrong, cwd=tmp_path)
    assert "secret_rejected" in result.stdout
    assert wrong not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "or, without files, --client-id ID and --token-endpoint URL or --issuer URL"),
        (["--client-id", "x"], "--token-endpoint URL is missing"),
        (["--token-endpoint", "https://login.example/t"], "--client-id ID is missing"),
        (["https://login.example/t"], "--token-endpoint https://login.example/t --client-id ID"),
        (["--client-id", "x", "--token-endpoint", "http://login.example/t"], "must be https"),
        (["--client-id", "x", "--token-endpoint", "login.example"], "error: --token-endpoint: "),
        (["c.toml", "x", "--client-id", "x"], "not both"),
    ],
    ids=str,
)
def test_what_is_missing_is_said(words, told):
    result = explain(*words)
    assert result.returncode == 2
    assert told in result.stderr
    assert "clients[0]" not in result.stderr


def test_without_a_terminal_the_variable_is_named():
    words = ("--client-id", "x", "--token-endpoint", "https://login.example/t")
    result = explain(*words, secret=None)
    assert result.returncode == 2
    assert "set SCOPEPROBE_CLIENT_SECRET, or run this on a terminal" in result.stderr


@pytest.mark.parametrize("option", ["--client-secret", "--secret"])
def test_a_secret_on_the_command_line_is_refused(option):
    words = ("--client-id", "x", "--token-endpoint", "https://login.example/t", option, SECRET)
    result = explain(*words)
    assert result.returncode == 2
    assert "set SCOPEPROBE_CLIENT_SECRET instead" in result.stderr
    assert SECRET not in result.stderr + result.stdout


def _post_only(asked):
    if asked.method == "GET":
        if (
            not asked.path.startswith("/realms/main/.well-known")
            and "/realms/main" not in asked.path
        ):
            return Reply(404, b"")
        document = {
            "issuer": f"http://{asked.headers['host']}/realms/main",
            "token_endpoint": f"http://{asked.headers['host']}/realms/main/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
        }
        return Reply(
            body=json.dumps(document).encode(), headers={"Content-Type": "application/json"}
        )
    is_good = f"client_secret={SECRET}" in unquote(asked.form)
    return Reply(body=token_body()) if is_good else Reply(401, b'{"error":"invalid_client"}')


def test_how_it_authenticates_is_read_from_metadata_that_names_the_endpoint(tmp_path):
    with raw_server(_post_only) as server:
        words = ("--token-endpoint", f"{server.url}/realms/main/token", "--client-id", "billing")
        result = explain(*words, "--print", "json", cwd=tmp_path)
        told = json.loads(result.stdout)
        posted = [asked for asked in server.asked if asked.method == "POST"]
    assert (told["outcome"], told["credential_failures"]) == ("working", 0)
    assert all("authorization" not in asked.headers for asked in posted)


def test_an_issuer_in_the_place_of_the_endpoint_leads_to_it(corp, tmp_path):
    words = ("--token-endpoint", corp, "--client-id", "billing", "--scope", "a.read")
    told = json.loads(explain(*words, "--print", "json", cwd=tmp_path).stdout)
    assert told["causes"][0]["code"] == "wrong_token_endpoint"
    assert f"{corp}/token" in told["causes"][0]["next_step"]


def test_an_issuer_without_metadata_is_said_to_have_none(corp, tmp_path):
    result = explain("--issuer", f"{corp}/nowhere", "--client-id", "billing", cwd=tmp_path)
    assert result.returncode == 2
    assert "/nowhere cannot be had (" in result.stderr
    assert "--token-endpoint" in result.stderr


def test_who_works_from_here_is_told_to_compare(corp, tmp_path):
    result = explain("--issuer", corp, "--client-id", "billing", cwd=tmp_path)
    told = " ".join(result.stdout.split())
    assert "where your own software is refused, compare what it sends" in told


def test_how_it_authenticates_is_found_out_where_nobody_says_it(tmp_path):
    def answer(asked):
        if asked.method == "GET":
            return Reply(404, b"")
        return _post_only(asked)

    with raw_server(answer) as server:
        words = ("--token-endpoint", f"{server.url}/token", "--client-id", "billing")
        told = json.loads(explain(*words, "--print", "json", cwd=tmp_path).stdout)
    assert told["causes"][0]["code"] == "wrong_auth_method"
    assert told["credential_failures"] <= 3


def test_the_provider_is_known_by_its_host():
    url = "https://login.mypurecloud.de/oauth/token"
    client, *_ = client_of_words({"client_id": "x", "token_endpoint": url}, SECRET)
    case = anyio.run(case_of, Explain(client))
    assert (case.client.server.provider, case.client.server.region) == ("genesys", "mypurecloud.de")
    assert case.client.auth_method is AuthMethod.CLIENT_SECRET_BASIC


def test_an_id_that_cannot_be_a_name_is_sent_as_it_is(tmp_path):
    with raw_server(lambda _asked: Reply(body=token_body())) as server:
        words = ("--token-endpoint", f"{server.url}/t", "--client-id", "apps/billing :1")
        result = explain(*words, cwd=tmp_path)
    assert result.stdout.startswith("client works")
    sent = b64decode(server.asked[-1].headers["authorization"].split()[1]).decode()
    assert unquote(sent) == f"apps/billing :1:{SECRET}"


@pytest.mark.parametrize("name", ["audience", "resource"])
def test_an_audience_or_resource_is_sent(tmp_path, name):
    with raw_server(lambda _asked: Reply(body=token_body())) as server:
        words = ("--token-endpoint", f"{server.url}/t", "--client-id", "x")
        explain(*words, f"--{name}", "https://api.example", cwd=tmp_path)
    assert f"{name}=https%3A%2F%2Fapi.example" in server.asked[-1].form
