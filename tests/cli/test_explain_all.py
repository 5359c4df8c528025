"""`scopeprobe explain --all`: the morning after an audit."""

import json
from base64 import b64decode

import pytest
from harness import Entry, Reply, raw_server, scopeprobe, token_body, write_inputs

EXPECTED = 'scopes = ["users.read", "orders.read", "admin"]\n[clients.expect]\n'
EXPECTED += 'granted = ["users.read", "orders.read"]\ndenied = ["admin"]'
EXPIRED, LACKING, FINE = (
    [f"{name}-{n}" for n in range(count)]
    for name, count in (("old", 7), ("lacking", 3), ("fine", 2))
)


RAISED = ("--max-auth-failures", 9)


class Corp:
    """Knows whose secret has expired, and who lacks `users.read`."""

    def __init__(self):
        self.lacking = set(LACKING)
        self.status = 400

    def __call__(self, asked):
        name = b64decode(asked.client.split()[-1]).decode().partition(":")[0]
        if name in EXPIRED:
            body = {"error": "invalid_client", "error_description": "The secret has expired."}
            return Reply(401, json.dumps(body).encode())
        scopes = set((asked.scopes or "orders.read").split())
        granted = {"orders.read"} | ({"users.read"} if name not in self.lacking else set())
        if not scopes <= granted:
            error = "invalid_client" if self.status == 401 else "invalid_scope"
            return Reply(self.status, json.dumps({"error": error}).encode())
        return Reply(body=token_body(scope=" ".join(sorted(scopes))))


@pytest.fixture
def corp(tmp_path):
    """A server, and the command line for its fleet."""
    answer = Corp()
    with raw_server(answer) as server:
        settings = f'token_endpoint = "{server.url}/t"\nrate = "1000/s"\nclient_rate = "1000/s"'
        entries = [Entry(name, "corp", extra=EXPECTED) for name in (*EXPIRED, *LACKING, *FINE)]
        words, environment = write_inputs(tmp_path, {"corp": settings}, entries)
        out = ("-o", tmp_path / "out")
        server.answers = answer
        server.run = lambda command, *more: scopeprobe(
            command, *words, *more, *out, env=environment
        )
        yield server


def test_clients_are_grouped_by_cause(corp):
    corp.run("audit")
    result = corp.run("explain", "--all")
    assert result.returncode == 0, result.stderr
    first, second, *_ = result.stdout.splitlines()
    assert first.startswith("7 clients: secret expired (old-0, old-1, ")
    assert second.startswith("3 clients: `users.read` was never granted (lacking-0, ")
    assert "fine-0 is" not in result.stdout
    assert "old-0 is explained" in result.stdout
    assert "old-1 is explained" not in result.stdout
    assert "old-1 is explained" in corp.run("explain", "--all", "-v", *RAISED).stdout


def test_programs_get_groups_and_explanations(corp):
    corp.run("audit")
    told = json.loads(corp.run("explain", "--all", "--print", "json").stdout)
    assert [(g["cause"], g["scopes"], len(g["clients"])) for g in told["groups"]] == [
        ("secret_expired", [], 7),
        ("scope_refused", ["users.read"], 3),
    ]
    assert len(told["explanations"]) == 10
    assert told["not_asked"] == []


def test_markdown_begins_with_the_groups(corp):
    corp.run("audit")
    result = corp.run("explain", "--all", "--print", "markdown")
    assert result.stdout.startswith("* 7 clients: secret expired (old-0")


def test_only_what_is_missed_is_asked_for(corp):
    """No client is explained for `admin`, which nobody is to have."""
    corp.run("audit")
    corp.asked.clear()
    corp.run("explain", "--all")
    assert not any("admin" in (asked.scopes or "") for asked in corp.asked)


def test_a_scope_that_was_granted_once_is_told_apart(corp):
    corp.answers.lacking.clear()
    corp.run("audit")
    corp.answers.lacking.add("lacking-1")
    corp.run("audit")
    told = corp.run("explain", "--all").stdout
    assert "1 client: `users.read` was granted before (lacking-1)" in told
    assert "lacking-0" not in told


@pytest.mark.parametrize("status", [400, 401])
def test_a_server_that_says_401_of_scopes_is_named(corp, status):
    corp.answers.status = status
    corp.run("audit")
    said = corp.run("explain", "--all").stdout
    assert ("corp: answers 401 to scopes" in said) is (status == 401)
    told = json.loads(corp.run("explain", "--all", "--print", "json", *RAISED).stdout)
    assert told["answer_401_to_scopes"] == (["corp"] if status == 401 else [])


def test_an_audit_that_rejects_many_names_one_command_for_all(corp, tmp_path):
    told = corp.run("audit", "--log-format", "console").stderr
    lines = [line for line in told.splitlines() if line.startswith("to learn why: ")]
    assert lines == [
        f"to learn why: scopeprobe explain -o {tmp_path / 'out'} {tmp_path / 'clients.toml'} --all"
    ]


def test_where_all_is_well_nothing_is_asked(corp):
    corp.answers.lacking.clear()
    words = [word for name in (*LACKING, *FINE) for word in ("--client", name)]
    corp.run("audit", *words)
    corp.asked.clear()
    result = corp.run("explain", "--all", "--print", "json")
    assert (result.returncode, corp.asked) == (0, [])
    assert json.loads(result.stdout)["explanations"] == []
    assert "no client of the last run needs an explanation" in result.stderr


def test_a_server_whose_metadata_is_gone_keeps_nobody_from_being_explained(corp, tmp_path):
    corp.run("audit")
    text = (tmp_path / "clients.toml").read_text()
    gone = f'[servers.gone]\nissuer = "{corp.url}/none"\n'
    (tmp_path / "clients.toml").write_text(
        gone + text.replace('name = "old-0"\nserver = "corp"', 'name = "old-0"\nserver = "gone"')
    )
    told = json.loads(corp.run("explain", "--all", "--print", "json").stdout)
    assert len(told["explanations"]) == 9
    assert [one["client"] for one in told["not_asked"]] == ["old-0"]
    assert "no token_endpoint is known" in told["not_asked"][0]["because"]


def test_a_server_that_rejects_too_many_gets_no_more_attempts(tmp_path):
    with raw_server(lambda _asked: Reply(401, b'{"error":"invalid_client"}')) as server:
        settings = f'token_endpoint = "{server.url}/t"\nrate = "1000/s"\nclient_rate = "1000/s"'
        entries = [Entry(f"c{n}", "corp") for n in range(40)]
        words, env = write_inputs(tmp_path, {"corp": settings}, entries, ["a"])
        words += ["-o", tmp_path / "out", *RAISED]
        scopeprobe("audit", *words, "--max-auth-failures-per-server", 100, env=env)
        told = scopeprobe("explain", "--all", *words, "--print", "json", env=env)
    left = json.loads(told.stdout)["not_asked"]
    assert len(left) > 10
    [because] = {one["because"] for one in left}
    assert because.startswith("corp gets no more attempts: ")
    assert because.endswith(" or rejected too many clients")


def test_without_a_run_it_says_so(corp):
    result = corp.run("explain", "--all")
    assert result.returncode == 2
    assert "no run is stored here" in result.stderr


def test_all_of_a_client_that_is_named_is_a_contradiction(corp):
    assert corp.run("explain", "--all", "--scope", "a").returncode == 2
