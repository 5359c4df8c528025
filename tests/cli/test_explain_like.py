"""`scopeprobe explain X --like Y`: staging works, production does not."""

import json
from base64 import b64decode
from contextlib import ExitStack
from urllib.parse import parse_qs

import pytest
from harness import Entry, Reply, raw_server, scopeprobe, token_body, write_inputs

API = "https://api.example"
SECRETS = {"prod": "s3cret-of-prod", "staging": "s3cret-of-staging"}


class Corp:
    """Wants a form, an audience, and one of two scopes; knows one client."""

    def __init__(self, name, **wants):
        self.name = name
        self.wants = {"method": "client_secret_post", "audience": API, **wants}

    def __call__(self, asked):
        form = {key: value[0] for key, value in parse_qs(asked.form).items()}
        header = asked.headers.get("authorization", "")
        pair = b64decode(header.removeprefix("Basic ")).decode() if header else ""
        secret = pair.partition(":")[2] if pair else form.get("client_secret")
        method = "client_secret_basic" if header else "client_secret_post"
        if secret != SECRETS[self.name] or self.wants["method"] not in {"any", method}:
            return Reply(401, b'{"error":"invalid_client"}')
        if self.wants["audience"] not in {"", form.get("audience", "")}:
            return Reply(403, b'{"error":"access_denied"}')
        if "admin" in (asked.scopes or ""):
            return Reply(400, b'{"error":"invalid_scope"}')
        return Reply(body=token_body(scope=asked.scopes or ""))


@pytest.fixture
def fleet(tmp_path):
    """Give what each of the two is configured with; the command line, and the servers."""
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(raw_server(Corp(name))) for name in ("prod", "staging")
        }

        def run(prod, *more, staging=None, path="/t"):
            settings = {
                name: f'token_endpoint = "{server.url}{path if name == "prod" else "/t"}"\n'
                'rate = "1000/s"\nclient_rate = "1000/s"'
                for name, server in servers.items()
            }
            works = {"method": "client_secret_post", "audience": API, "scopes": ["a.read"]}
            entries = [
                entry("prod", works | prod),
                entry("staging", works | (staging or {})),
            ]
            words, environment = write_inputs(tmp_path, settings, entries)
            return scopeprobe(
                *("explain", *words, "prod", "--like", "staging", "-o", tmp_path / "out", *more),
                env=environment,
            )

        run.servers = servers
        yield run


def entry(name, told):
    target = f'audience = "{told["audience"]}", ' if told["audience"] else ""
    extra = f"targets = [{{ {target}scopes = {json.dumps(told['scopes'])} }}]"
    return Entry(name, name, name, told.get("secret", SECRETS[name]), told["method"], extra)


def differences(result):
    told = json.loads(result.stdout)
    return told, {one["what"]: one for one in told["like"]["differences"]}


def test_the_difference_that_decides_is_shown_by_two_requests(fleet):
    told, found = differences(fleet({"method": "client_secret_basic"}, "--print", "json"))
    assert found["auth method"]["decides"]
    assert found["auth method"]["found"] == (
        "decides: refused without it (request 1), accepted with it (request 2)"
    )
    assert told["like"]["client"] == "staging"
    assert told["causes"][0]["code"] == "wrong_auth_method"
    assert "client_secret_post" in told["causes"][0]["next_step"]
    assert told["credential_failures"] <= 2


def test_of_several_differences_only_those_that_matter_decide(fleet):
    wrong = {"audience": "", "scopes": ["a.read", "b.read"]}
    _, found = differences(fleet(wrong, "--print", "json"))
    assert found["audience"]["decides"]
    assert not found["scopes"]["decides"]
    assert found["scopes"]["found"].startswith("makes no difference (requests ")


def test_two_differences_that_both_decide(fleet):
    wrong = {"audience": "", "method": "client_secret_basic"}
    told, found = differences(fleet(wrong, "--print", "json"))
    assert found["audience"]["decides"]
    assert found["auth method"]["decides"]
    assert told["credential_failures"] <= 3


def test_a_scope_that_only_one_asks_for(fleet):
    told, found = differences(fleet({"scopes": ["a.read", "admin"]}, "--print", "json"))
    assert found["scopes"]["decides"]
    assert told["refusing_sets"] == [["admin"]]


def test_the_path_of_the_other_is_tried_at_its_own_host(fleet):
    def answer(asked):
        return Corp("prod")(asked) if asked.path == "/t" else Reply(404, b"<html>Not found</html>")

    fleet.servers["prod"].answer = answer
    _, found = differences(fleet({}, "--print", "json", path="/wrong"))
    assert found["path of the endpoint"]["decides"]
    assert found["server"]["found"].startswith("not tried: credentials go nowhere but")


@pytest.mark.parametrize(
    "wrong", [{}, {"secret": "of-yesterday"}, {"method": "client_secret_basic"}]
)
def test_credentials_go_to_their_own_server_only(fleet, wrong):
    fleet(wrong)
    for name, server in fleet.servers.items():
        other = SECRETS["staging" if name == "prod" else "prod"]
        assert server.asked
        for asked in server.asked:
            sent = asked.form + b64decode(asked.client.removeprefix("Basic ") + "==").decode(
                "utf-8", "replace"
            )
            assert other not in sent


def test_where_all_is_alike_the_secret_or_the_registration_is_left(fleet):
    result = fleet({"secret": "of-yesterday"})
    assert "secret_rejected" in result.stdout
    assert "server: " in result.stdout
    assert sum(asked.method == "POST" for asked in fleet.servers["prod"].asked) <= 3


def test_a_comparison_costs_no_more_failed_authentications_than_are_allowed(fleet):
    told = json.loads(fleet({"secret": "of-yesterday"}, "--print", "json").stdout)
    assert told["credential_failures"] == len(fleet.servers["prod"].asked) == 3


def test_the_one_that_works_is_asked_once(fleet):
    fleet({"method": "client_secret_basic"})
    assert len(fleet.servers["staging"].asked) == 1


def test_another_that_does_not_work_is_said_to(fleet):
    result = fleet({}, staging={"secret": "of-yesterday"})
    assert "does not work either, so there is nothing to compare: 401" in result.stderr
    assert result.stdout.startswith("prod works")


def test_people_and_tickets_are_told_of_the_comparison(fleet):
    people = fleet({"method": "client_secret_basic"}).stdout
    assert people.startswith("prod beside staging, which works:\n")
    assert "- auth method: client_secret_basic instead of client_secret_post; decides" in " ".join(
        people.split()
    )
    ticket = fleet({"method": "client_secret_basic"}, "--print", "markdown").stdout
    assert "* **auth method**: client\\_secret\\_basic instead of client\\_secret\\_post" in ticket


@pytest.mark.parametrize("more", [("--all",), ("--client-id", "x")])
def test_a_comparison_needs_two_clients_of_the_files(fleet, more):
    result = fleet({}, *more)
    assert result.returncode == 2
    assert "--like NAME: give CLIENTS and the NAME of the one that fails" in result.stderr
