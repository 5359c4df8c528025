"""`scopeprobe explain` as a user runs it: what it prints, and what it ends with."""

import json
import re
import shlex
import shutil
from base64 import b64decode
from urllib.parse import unquote_plus

import anyio
import pytest
from harness import Entry, Reply, lab, raw_server, scopeprobe, token_body, write_inputs
from manual import bare, table
from samples_to_run import SAMPLES

from scopeprobe.audits.explain import Explain, case_of
from scopeprobe.diagnosis import codes
from scopeprobe.lab import AuthorizationServer, read_fleet, read_profile
from scopeprobe.lab.clients import Client
from scopeprobe.oauth.trace import challenges

DESIGN_CODES = [
    "scope_refused", "scope_combination_refused", "scope_unknown", "scope_misspelt",
    "scope_parameter_refused", "scope_required", "scopes_do_not_apply", "unknown_client",
    "secret_rejected", "secret_expired", "client_disabled", "client_locked", "wrong_auth_method",
    "basic_encoding", "white_space_in_credentials", "wrong_token_endpoint", "grant_not_allowed",
    "audience_required", "resource_required", "assertion_clock_skew", "assertion_audience",
    "dpop_required", "body_not_form", "resource_not_supported", "throttled", "redirected",
    "not_a_token_endpoint", "gateway_in_between", "tls_failure", "unreachable", "server_error",
    "wrong_region",
]  # fmt: skip
SECRET = "s3cret-of-nobody"


@pytest.fixture
def corp():
    """A server that answers a refused scope as a wrong secret."""
    client = Client("billing", SECRET, ["a.read", "a.write"])
    with lab([AuthorizationServer("corp", read_profile("strict-401"), [client])]) as base:
        yield f"{base}/corp/token"


def explain(folder, url, *options, entries=None, **more):
    servers = {"corp": f'token_endpoint = "{url}"\nrate = "1000/s"\nclient_rate = "1000/s"'}
    entries = entries or [Entry("billing", "corp", extra='scopes = ["a.read", "z.read"]')]
    words, environment = write_inputs(folder, servers, entries)
    return scopeprobe("explain", *words, *options, env=environment, cwd=folder, **more)


def asked_by(command):
    """The scopes that a command for a shell asks for."""
    (form,) = (word for word in shlex.split(command) if word.startswith("scope="))
    return unquote_plus(form.removeprefix("scope=")).split()


def test_the_causes_are_those_of_the_contract():
    assert sorted(codes()) == sorted(DESIGN_CODES)


def test_the_manual_has_a_row_for_every_cause():
    assert sorted(bare(code) for code, _ in table("cause", "what is wrong")) == sorted(codes())


def test_json_has_the_shape_of_the_contract(tmp_path, corp):
    result = explain(tmp_path, corp, "billing", "--print", "json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["version"], told["client"], told["outcome"]) == (1, "billing", "explained")
    assert told["refusing_sets"] == [["z.read"]]
    assert told["credential_failures"] <= 1  # another method, with a scope that is refused
    assert told["refusals"] >= 2
    assert told["requests"] == len(told["experiments"])
    [cause] = [cause for cause in told["causes"] if cause["code"] == "scope_refused"]
    assert set(cause) == {"code", "confidence", "evidence", "next_step"}
    assert 0 < cause["confidence"] <= 1
    assert len(cause["evidence"]) >= 2
    assert "add `z.read` to client `billing`, or drop it" in cause["next_step"]


def test_a_refused_scope_clears_the_secret_where_a_run_showed_what_is_looked_at_first(tmp_path):
    """Whoever comes with a wrong secret is told of it also where good clients are refused."""

    def answer(asked):
        pair = b64decode(asked.client.removeprefix("Basic ")).decode()
        if not pair.endswith(f":{SECRET}"):
            return Reply(401, b'{"error":"invalid_client"}')
        if pair.startswith("good:") and asked.scopes == "a":
            return Reply(body=token_body(scope="a"))
        return Reply(400, b'{"error":"invalid_scope"}')

    def evidence(**more):
        told = explain(tmp_path, server.url, *words, entries=entries, **more)
        ruled_out = {one["theory"]: one["evidence"] for one in json.loads(told.stdout)["ruled_out"]}
        return ruled_out.get("rotated_secret")

    entries = [
        Entry("good", "corp"),
        Entry("bad", "corp", secret="wrong"),
        Entry("lacking", "corp"),
    ]
    words = ("lacking", "--scope", "b", "--print", "json")
    with raw_server(answer) as server:
        assert evidence() is None
        settings = {"corp": f'token_endpoint = "{server.url}"\nrate = "1000/s"'}
        inputs, environment = write_inputs(tmp_path, settings, entries, ["a", "b"])
        scopeprobe("audit", *inputs, env=environment, cwd=tmp_path)
        assert evidence() == ["request 1, scope “b”: 400 invalid_scope"]


def test_what_a_good_client_was_told_counts_before_what_a_bad_one_was(tmp_path):
    def answer(asked):
        pair = b64decode(asked.client.removeprefix("Basic ")).decode()
        if not pair.endswith(f":{SECRET}"):
            return Reply(401, b'{"error":"invalid_client"}')
        return Reply(body=token_body(scope=asked.scopes or ""))

    entries = [Entry(name, "corp", secret="wrong") for name in ("a-bad", "bad")]
    entries.append(Entry("good", "corp"))
    with raw_server(answer) as server:
        settings = {"corp": f'token_endpoint = "{server.url}"\nrate = "1000/s"'}
        words, environment = write_inputs(tmp_path, settings, entries, ["a"])
        scopeprobe("audit", *words, env=environment, cwd=tmp_path)
        more = ("bad", "--print", "json", "--max-auth-failures", 9)
        told = scopeprobe("explain", *words, *more, env=environment, cwd=tmp_path)
    ruled_out = {one["theory"]: one["evidence"] for one in json.loads(told.stdout)["ruled_out"]}
    assert ruled_out["body_encoding"] == [
        "good gets tokens from the same endpoint, asked in the same way"
    ]


def test_a_provider_without_a_region_has_no_other_endpoint_to_try(tmp_path):
    entries = [Entry("billing", "corp", extra='scopes = ["a"]')]
    settings = (
        'provider = "genesys"\nrights_url = "https://api.example/subjects/me"\nrate = "1000/s"'
    )
    with raw_server(lambda _asked: Reply(404, b"<html>")) as server:
        servers = {"corp": f'token_endpoint = "{server.url}/t"\n{settings}'}
        words, environment = write_inputs(tmp_path, servers, entries)
        more = ("billing", "--print", "json")
        told = scopeprobe("explain", *words, *more, env=environment, cwd=tmp_path)
    assert all(server.url in one["curl"] for one in json.loads(told.stdout)["experiments"])


@pytest.mark.parametrize(
    ("words", "are_plain"),
    [
        ("AADSTS7000215: Invalid client secret provided.", True),
        ("Client authentication failed", False),
    ],
)
def test_scopes_are_ruled_out_by_words_about_the_secret_only(tmp_path, words, are_plain):
    said = json.dumps({"error": "invalid_client", "error_description": words}).encode()
    with raw_server(lambda _asked: Reply(401, said)) as server:
        told = explain(tmp_path, server.url, "billing", "--print", "json")
    fallen = {one["theory"] for one in json.loads(told.stdout)["ruled_out"]}
    of_scopes = {"scope_white_space", "scope_spelling", "scope_not_granted"}
    assert fallen & of_scopes == (of_scopes if are_plain else set())


def test_people_are_told_the_cause_and_a_line_to_paste(tmp_path, corp):
    result = explain(tmp_path, corp, "billing")
    assert result.returncode == 0, result.stderr
    assert "1. scope_refused" in result.stdout
    assert '-u billing:"$CLIENT_SECRET"' in result.stdout
    assert "asks for Basic: realm is \u201ccorp\u201d" in result.stdout
    assert result.stdout.count("curl ") == 1
    assert SECRET not in result.stdout + result.stderr


@pytest.mark.parametrize("columns", ["20", "80"])
def test_the_line_to_paste_is_whole_however_narrow_the_terminal_is(tmp_path, corp, columns):
    scopes = " ".join(f"warehouse.stock.{n}:read" for n in range(20))
    entries = [Entry("billing", "corp", extra='scopes = ["a.read"]')]
    words, environment = write_inputs(tmp_path, {"corp": f'token_endpoint = "{corp}"'}, entries)
    result = scopeprobe(
        *("explain", *words, "billing", "--scope", scopes, "--max-requests", 1),
        env={**environment, "COLUMNS": columns},
        cwd=tmp_path,
    )
    (command,) = re.findall(r"^curl (?:.*\\\n)+.*", result.stdout, re.MULTILINE)
    assert asked_by(command) == scopes.split()


def test_every_request_is_shown_where_more_is_asked_for(tmp_path, corp):
    result = explain(tmp_path, corp, "billing", "-v")
    assert result.stdout.count("curl ") >= 4


def test_markdown_is_for_a_ticket(tmp_path, corp):
    result = explain(tmp_path, corp, "billing", "--print", "markdown")
    assert result.stdout.startswith("# billing is explained: ")
    assert "1. **scope_refused**" in result.stdout
    assert "```sh\ncurl " in result.stdout


def test_a_client_that_works_is_said_to_work(tmp_path, corp):
    result = explain(tmp_path, corp, "billing", "--scope", "a.read a.write", "--print", "json")
    assert (result.returncode, json.loads(result.stdout)["outcome"]) == (0, "working")


def test_what_cannot_be_explained_ends_with_3(tmp_path):
    teapot = Reply(402, b'{"error":"payment_required"}')
    with raw_server(lambda _asked: teapot) as server:
        result = explain(tmp_path, f"{server.url}/token", "billing", "--print", "json")
    assert (result.returncode, json.loads(result.stdout)["outcome"]) == (3, "not_explained")


def test_a_resource_that_the_endpoint_does_not_take_is_left_out(tmp_path):
    text = "AADSTS901002: The 'resource' request parameter isn't supported."
    body = json.dumps({"error": "invalid_request", "error_description": text}).encode()
    target = '{ resource = "https://api.example", scopes = ["a.read"] }'
    with raw_server(lambda ask: Reply(400, body) if "resource=" in ask.form else Reply()) as server:
        entries = [Entry("billing", "corp", extra=f"targets = [{target}]")]
        result = explain(
            tmp_path, f"{server.url}/token", "billing", "--print", "json", entries=entries
        )
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert [cause["code"] for cause in told["causes"]] == ["resource_not_supported"]


@pytest.mark.parametrize("body", [b'{"message":"Forbidden"}', b"error code: 1020", b"<html>No"])
def test_a_firewall_that_blocks_the_request_is_not_the_server(tmp_path, body):
    with raw_server(lambda _asked: Reply(403, body)) as server:
        result = explain(tmp_path, f"{server.url}/token", "billing", "--print", "json")
    told = json.loads(result.stdout)
    assert [cause["code"] for cause in told["causes"]] == ["gateway_in_between"]


def test_a_proxy_that_wants_credentials_is_not_the_server(tmp_path):
    body = b'{"error":"proxy_authentication_required"}'
    with raw_server(lambda _asked: Reply(407, body)) as server:
        result = explain(tmp_path, f"{server.url}/token", "billing", "--print", "json")
    told = json.loads(result.stdout)
    assert [cause["code"] for cause in told["causes"]] == ["gateway_in_between"]
    assert told["credential_failures"] == 0


def test_a_client_that_is_not_there_is_an_input_error(tmp_path, corp):
    result = explain(tmp_path, corp, "biling")
    assert result.returncode == 2
    assert "did you mean billing?" in result.stderr


def test_no_secret_of_another_client_is_looked_up(tmp_path, corp):
    other = Entry("other", "corp", extra='scopes = ["a.read"]')
    mine = Entry("billing", "corp", extra='scopes = ["a.read"]')
    servers = {"corp": f'token_endpoint = "{corp}"'}
    words, environment = write_inputs(tmp_path, servers, [mine, other])
    del environment["SECRET_1"]
    result = scopeprobe("explain", *words, "billing", env=environment, cwd=tmp_path)
    assert result.returncode == 0, result.stderr


def test_a_request_with_a_throttle_is_waited_for_and_told(tmp_path):
    answers = iter([Reply(429, b"Too Many Requests", {"Retry-After": "1"})])
    with raw_server(lambda _asked: next(answers, Reply())) as server:
        result = explain(tmp_path, f"{server.url}/token", "billing", "--print", "json")
    told = json.loads(result.stdout)
    assert [cause["code"] for cause in told["causes"]][:1] == ["throttled"]
    assert told["requests"] == len(told["experiments"]) + 1


@pytest.fixture
def rejected(tmp_path, corp):
    """The words and the environment of an audit that rejects a client."""
    servers = {"corp": f'token_endpoint = "{corp}"\nrate = "1000/s"\nclient_rate = "1000/s"'}
    entries = [Entry("mistaken", "corp", "billing", "of-yesterday")]
    words, environment = write_inputs(tmp_path, servers, entries, ["a.read", "b read"])
    return words, environment


@pytest.mark.parametrize(
    "more", [(), ("--scope", "c.read d.read"), ("--allow-literal-secrets",)], ids=str
)
def test_the_audit_names_a_command_that_asks_for_the_same_scopes(tmp_path, rejected, more):
    words, environment = rejected
    out = tmp_path / "out"
    told = scopeprobe(
        *("audit", *words, *more, "-o", out, "--log-format", "console"), env=environment
    )
    (line,) = re.findall(r"to learn why: scopeprobe (.*)", told.stderr)
    result = scopeprobe(*shlex.split(line), "--print", "json", env=environment)
    first = json.loads(result.stdout)["experiments"][0]
    asked = ["a.read", "b", "read", *(more[1].split() if more[:1] == ("--scope",) else ())]
    assert sorted(asked_by(first["curl"])) == sorted(asked)


def test_without_scopes_it_asks_for_those_of_the_last_run(tmp_path, rejected):
    words, environment = rejected
    out = tmp_path / "out"
    scopeprobe("audit", *words, "-o", out, env=environment)
    told = scopeprobe(
        "explain", words[0], "mistaken", "-o", out, "--print", "json", env=environment
    )
    first = json.loads(told.stdout)["experiments"][0]
    assert asked_by(first["curl"]) == ["a.read", "b", "read"]


def test_every_target_of_a_client_is_explained(tmp_path, corp):
    targets = (
        'targets = [{ audience = "https://one.example", scopes = ["a.read"] },'
        ' { audience = "https://two.example", scopes = ["z.read"] }]'
    )
    entries = [Entry("billing", "corp", extra=targets)]
    result = explain(tmp_path, corp, "billing", "--print", "json", entries=entries)
    told = json.loads(result.stdout)["explanations"]
    assert [(one["audience"], one["outcome"]) for one in told] == [
        ("https://one.example", "working"),
        ("https://two.example", "explained"),
    ]
    people = explain(tmp_path, corp, "billing", entries=entries).stdout
    assert "1 client: scope refused: `z.read` (billing (https://two.example))" in people
    assert "For https://one.example:\nbilling works" in people


def test_a_second_target_costs_no_further_failed_authentication(tmp_path):
    targets = (
        'targets = [{ audience = "one", scopes = ["a"] }, { audience = "two", scopes = ["b"] }]'
    )
    with raw_server(lambda _asked: Reply(401, b'{"error":"invalid_client"}')) as server:
        result = explain(
            tmp_path, f"{server.url}/t", "billing", "--print", "json",
            entries=[Entry("billing", "corp", extra=targets)],
        )  # fmt: skip
    assert len(server.asked) <= 3
    told = json.loads(result.stdout)
    assert [one["audience"] for one in told["not_asked"]] == ["two"]
    assert not any("audience=two" in asked.form for asked in server.asked)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ('Basic realm="corp"', (("Basic", (("realm", "corp"),)),)),
        (
            'Bearer realm="a, b", error="invalid_token", DPoP algs="ES256 PS256"',
            (
                ("Bearer", (("realm", "a, b"), ("error", "invalid_token"))),
                ("DPoP", (("algs", "ES256 PS256"),)),
            ),
        ),
        ("Negotiate", (("Negotiate", ()),)),
    ],
)
def test_a_challenge_is_taken_apart(value, found):
    assert challenges(value) == found


# -- the forum case


def test_the_forum_case_is_explained(tmp_path):
    shutil.copytree(SAMPLES / "forum", tmp_path / "forum")
    with lab(read_fleet(tmp_path / "forum" / "servers.toml")) as base:
        for name in ("clients.toml", "packs/genesys-lab.toml"):
            file = tmp_path / "forum" / name
            file.write_text(file.read_text().replace("http://127.0.0.1:8089", base))
        result = scopeprobe(
            "explain", tmp_path / "forum" / "clients.toml", "agent-desk",
            "--scope", "admin:agent routing:queue:view",
            "--providers", tmp_path / "forum" / "packs", "--print", "json",
            env={"AGENT_DESK_SECRET": "lab-agent-desk-7e31"}, cwd=tmp_path,
        )  # fmt: skip
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    causes = {cause["code"]: cause for cause in told["causes"]}
    assert list(causes) == ["wrong_token_endpoint", "wrong_auth_method", "scopes_do_not_apply"]
    assert f"{base}/login/token" in causes["wrong_token_endpoint"]["next_step"]
    assert "client_secret_basic" in causes["wrong_auth_method"]["next_step"]
    assert causes["wrong_auth_method"]["confidence"] <= 0.75  # that Basic is demanded is invented
    assert causes["wrong_token_endpoint"]["confidence"] >= 0.9
    roles = causes["scopes_do_not_apply"]["next_step"]
    assert "they give \u201crouting:queue:view\u201d, and not \u201cadmin:agent\u201d" in roles
    assert "Of what is wanted some is limited to Home." in roles
    assert told["credential_failures"] <= 3


@pytest.mark.parametrize("region", ["mypurecloud.com", "euw2.pure.cloud", "apse1.pure.cloud"])
def test_the_api_host_of_a_region_leads_to_its_login_host(make_client, region):
    """Nothing is sent: without an issuer there is no metadata to read."""
    client = make_client("admin:agent", token_endpoint=f"https://api.{region}/oauth/token")
    case = anyio.run(case_of, Explain(client))
    assert [e.url for e in case.endpoints] == [f"https://login.{region}/oauth/token"]
    assert case.client.server.region == region
    assert case.unconfirmed == ("token_endpoint_auth_methods",)


def test_credentials_go_to_no_login_host_of_somebody_who_only_sounds_alike(make_client):
    client = make_client("a", token_endpoint="https://api.mypurecloud.com.evil.example/oauth/token")
    assert anyio.run(case_of, Explain(client)).endpoints == ()


def test_a_request_that_is_too_large_is_told_from_a_refused_scope(tmp_path):
    def answer(asked):
        if len((asked.scopes or "").split()) > 5:
            return Reply(413, b"<html>Request Entity Too Large</html>")
        return Reply(body=b'{"access_token":"opaque"}')

    scopes = ", ".join(f'"s{n}"' for n in range(20))
    with raw_server(answer) as wire:
        entries = [Entry("billing", "corp", extra=f"scopes = [{scopes}]")]
        result = explain(tmp_path, f"{wire.url}/t", "billing", "--print", "json", entries=entries)
    told = json.loads(result.stdout)
    assert [cause["code"] for cause in told["causes"]] == ["gateway_in_between"]
    assert "ask for fewer in one request" in told["causes"][0]["next_step"]
    assert told["refusing_sets"] == []
    assert told["requests"] == 2


def test_an_issuer_whose_metadata_names_no_token_endpoint_is_an_input_error(tmp_path):
    def metadata(_asked):
        return Reply(404)

    with raw_server(metadata) as wire:
        entries = [Entry("billing", "corp", extra='scopes = ["a"]')]
        words, environment = write_inputs(tmp_path, {"corp": f'issuer = "{wire.url}"'}, entries)
        result = scopeprobe("explain", *words, "billing", env=environment, cwd=tmp_path)
    assert result.returncode == 2
    assert "no token_endpoint is known" in result.stderr
    assert all(asked.scopes is None for asked in wire.asked)
