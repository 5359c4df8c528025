"""The command line: what it prints, what it ends with, what it says when inputs are wrong."""

import json
import os
import re
import shlex
import sys

import pytest
from granting import FAST, grants
from harness import Entry, Reply, raw_server, rows, scopeprobe, summary, token_body, write_inputs

from scopeprobe.cli import main
from scopeprobe.cli.app import COMMANDS, load

EVENT_FIELDS = {
    "timestamp",
    "level",
    "event",
    "client",
    "server",
    "scopes",
    "status",
    "outcome",
    "attempt",
    "elapsed_ms",
}


@pytest.fixture
def run(tmp_path):
    """Audit one client `c` that is granted `a`; name only what the test is about."""

    def audit(*options, extra="", env=None):
        with raw_server(grants("a")) as server:
            settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}\nretries = 0'}
            entries = [Entry("c", "s", extra=extra)]
            arguments, environment = write_inputs(tmp_path, settings, entries, ["a", "b"])
            return scopeprobe(
                "audit",
                *arguments,
                "-o",
                tmp_path / "out",
                *options,
                env={**environment, **(env or {})},
            )

    return audit


@pytest.mark.parametrize("words", [["audit", "--print", "pdf"], ["schema", "pdf"]])
def test_a_word_that_is_no_choice_is_told_without_words_of_python(words):
    told = scopeprobe(*words)
    assert told.returncode == 2
    assert "'pdf' is not one of" in told.stderr
    assert "Value error" not in told.stderr


@pytest.mark.parametrize(
    ("options", "extra", "code"),
    [
        pytest.param([], "", 0, id="complete"),
        pytest.param([], 'expect = { granted = ["a"] }', 0, id="as-expected"),
        pytest.param([], 'expect = { granted = ["a", "b"] }', 1, id="missing"),
        pytest.param([], "expect = { granted = [] }", 1, id="excess"),
        pytest.param([], 'expect = { denied = ["a"] }', 1, id="excess-by-denied"),
        pytest.param(["--fail-on", "never"], "expect = { granted = [] }", 0, id="never"),
        pytest.param(["--fail-on", "missing"], "expect = { granted = [] }", 0, id="other-bar"),
        pytest.param(["--max-requests", "3"], "", 3, id="incomplete"),
        pytest.param(["--fail-on", "nonsense"], "", 2, id="unknown-kind"),
        pytest.param(["--rate", "fast"], "", 2, id="bad-rate"),
        pytest.param(["--max-time", "soon"], "", 2, id="bad-duration"),
        pytest.param(["--no-such-option"], "", 2, id="unknown-option"),
        pytest.param(["--resume", "--run", "20000101T000000Z-xxxx"], "", 2, id="unknown-run"),
    ],
)
def test_the_exit_code_says_how_it_ended(run, options, extra, code):
    result = run(*options, extra=extra)
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr


def test_standard_output_carries_data_only(run, tmp_path):
    assert run().stdout == ""
    printed = run("--print", "csv").stdout
    assert printed == (tmp_path / "out" / "permissions.csv").read_text()
    printed = json.loads(run("--print", "json").stdout)
    assert printed == summary(tmp_path / "out")
    assert "granted" in run("--print", "table").stdout


def test_summary_json_has_the_members_that_scripts_rely_on(run, tmp_path):
    run(extra='expect = { granted = ["a", "b"] }\nauthorised_by = "CISO"')
    told = summary(tmp_path / "out")
    assert {key: told[key] for key in ("version", "complete", "over_bar", "requests")} == {
        "version": 1,
        "complete": True,
        "over_bar": True,
        "requests": 6,
    }
    assert told["counts"] == {
        "granted": 1,
        "denied": 1,
        "unenforced": 0,
        "unauthenticated": 0,
        "unknown": 0,
    }
    assert [(one["kind"], one["client"], one["scope"]) for one in told["findings"]] == [
        ("missing", "c", "b")
    ]
    assert told["findings"][0]["detail"] == "expected granted, is denied: refused_alone"
    assert told["warnings"] == []
    assert told["not_tested"] == []
    (client,), (server,) = told["clients"], told["servers"]
    assert (client["name"], client["server"], client["requests"]) == ("c", "s", 6)
    assert (server["name"], server["requests"], server["throttled"]) == ("s", 6, 0)
    assert told["authorised_by"] == ["CISO"]


def test_what_was_not_tested_is_said_with_its_reason(run, tmp_path):
    run("--max-requests", "3")
    assert summary(tmp_path / "out")["not_tested"] == [
        {"client": "c", "reason": "budget_spent", "cells": 2, "detail": ""}
    ]


def test_logs_have_constant_names_and_the_facts_as_fields(run, tmp_path):
    result = run("--log-file", str(tmp_path / "log"), "-v")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    filed = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    answered = [event for event in filed if event["event"] == "request_answered"]
    assert len(answered) == 6
    assert set(answered[0]) == EVENT_FIELDS
    assert answered[0]["scopes"] is None
    assert {event["outcome"] for event in answered} == {"issued", "refused"}
    names = [event["event"] for event in events]
    assert names[0] == "run_started"
    assert names[-2:] == ["run_finished", "run_summary"]


@pytest.mark.parametrize(
    ("words", "page"), [((), "report.html"), (("--no-html",), None)], ids=["page", "no-page"]
)
def test_the_last_line_of_a_log_sums_the_run_up(run, tmp_path, words, page):
    *_, last = (json.loads(line) for line in run(*words).stderr.splitlines())
    out = tmp_path / "out"
    told = summary(out)
    assert last["event"] == "run_summary"
    assert (last["run"], last["counts"]) == (told["run"], told["counts"])
    assert (last["complete"], last["over_bar"], last["resume"]) == (True, False, None)
    assert (last["out"], last["page"]) == (str(out), page and str(out / page))


def test_each_try_of_a_request_is_told_in_words_with_its_number(tmp_path):
    replies = iter((Reply(503, b"down"), Reply()))
    with raw_server(lambda _asked: next(replies, Reply())) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}
        arguments, env = write_inputs(tmp_path, settings, [Entry("c", "s")], ["a"])
        words = ("audit", *arguments, "-o", tmp_path / "out", "-vv", "--log-format", "console")
        told = scopeprobe(*words, env=env).stderr.splitlines()
    first, retried, second, *_ = (line for line in told if "[debug] request " in line)
    assert "request answered attempt=1 client=c " in first
    assert "outcome=server_error" in first
    assert "request retried attempt=1 client=c " in retried
    assert "request answered attempt=2 client=c " in second
    assert "outcome=issued" in second


def test_quiet_says_nothing_when_nothing_is_wrong(run):
    assert run("-q").stderr == ""


def test_every_option_can_be_set_in_the_environment(run, tmp_path):
    run(env={"SCOPEPROBE_MAX_REQUESTS": "3", "SCOPEPROBE_PRINT": "json"})
    assert summary(tmp_path / "out")["requests"] == 3


def test_all_errors_are_reported_at_once_with_their_places(tmp_path):
    entries = [Entry("c", "s"), Entry("C", "nowhere"), Entry("d", "s")]
    arguments, _ = write_inputs(
        tmp_path,
        {"s": 'token_endpoint = "http://login.example/t"\nrate = "fast"'},
        entries,
        ["a", 'b"'],
    )
    result = scopeprobe("audit", *arguments, "-o", tmp_path / "out")
    assert result.returncode == 2
    for message in (
        "c: client_secret: environment variable SECRET_0 is not set",
        'C: server "nowhere": there is no such server',
        "servers.s.rate",
        "servers.s.token_endpoint",
        "scopes.txt:2",
    ):
        assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_validate_prints_what_would_be_used_and_no_secret(tmp_path):
    arguments, environment = write_inputs(
        tmp_path,
        {"s": f'token_endpoint = "https://login.example/t"\n{FAST}'},
        [Entry("c", "s", secret="Tr0ub4dor-and-3")],
        ["a", "b"],
    )
    table = scopeprobe("validate", *arguments, env=environment)
    assert table.returncode == 0
    assert "https://login.example/t" in table.stdout
    told = json.loads(scopeprobe("validate", *arguments, "--print", "json", env=environment).stdout)
    assert told["clients"][0]["targets"] == [{"audience": "", "candidates": ["a", "b"]}]
    assert "Tr0ub4dor" not in table.stdout + table.stderr + json.dumps(told)


def test_init_writes_inputs_that_validate_and_overwrites_nothing(tmp_path):
    assert scopeprobe("init", tmp_path / "new").returncode == 0
    files = [tmp_path / "new" / "clients.toml", "--scopes", tmp_path / "new" / "scopes.txt"]
    assert scopeprobe("validate", *files, env={"BILLING_SECRET": "x1"}).returncode == 0
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} == {0o600}
    again = scopeprobe("init", tmp_path / "new")
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_init_writes_through_no_link(tmp_path):
    (tmp_path / "clients.toml").symlink_to(tmp_path / "elsewhere")
    assert scopeprobe("init", tmp_path).returncode == 2
    assert not (tmp_path / "elsewhere").exists()


def test_runs_lists_the_stored_runs_newest_first(run, tmp_path):
    run("--max-requests", "3")
    run()
    told = json.loads(scopeprobe("runs", "-o", tmp_path / "out", "--print", "json").stdout)["runs"]
    assert [stored["complete"] for stored in told] == [True, False]
    assert told[0]["run"] == summary(tmp_path / "out")["run"]
    assert told[0]["run"] in scopeprobe("runs", "-o", tmp_path / "out").stdout
    assert scopeprobe("runs", "-o", tmp_path / "nowhere").returncode == 2


def test_the_folder_and_those_made_for_it_are_for_nobody_else(tmp_path):
    tmp_path.chmod(0o755)
    out = tmp_path / "audits" / "corp" / "out"
    before = os.umask(0o022)
    try:
        with raw_server(grants("a")) as server:
            settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}
            arguments, env = write_inputs(tmp_path, settings, [Entry("c", "s")], ["a"])
            assert scopeprobe("audit", *arguments, "-o", out, env=env).returncode == 0
    finally:
        os.umask(before)
    made = (out, *out.relative_to(tmp_path).parents[:2])
    assert {(tmp_path / folder).stat().st_mode & 0o777 for folder in made} == {0o700}
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_the_matrix_has_a_row_a_client_and_a_column_a_scope(run, tmp_path):
    run()
    assert rows(tmp_path / "out" / "matrix.csv") == [
        {"client": "c", "audience": "", "a": "granted", "b": "denied"}
    ]


def test_the_matrix_is_empty_where_a_scope_is_no_candidate(tmp_path):
    with raw_server(grants("a", "b")) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}
        entries = [Entry(scope, "s", extra=f'scopes = ["{scope}"]') for scope in ("a", "b")]
        arguments, environment = write_inputs(tmp_path, settings, entries)
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    assert rows(tmp_path / "out" / "matrix.csv") == [
        {"client": "a", "audience": "", "a": "granted", "b": ""},
        {"client": "b", "audience": "", "a": "", "b": "granted"},
    ]


def test_a_client_with_targets_has_a_map_for_each_audience(tmp_path):
    def by_audience(asked):
        return grants("a")(asked)

    with raw_server(by_audience) as server:
        extra = '[[clients.targets]]\naudience = "https://one"\nscopes = ["a"]\n'
        extra += '[[clients.targets]]\nresource = "https://two"\nscopes = ["b"]\n'
        arguments, environment = write_inputs(
            tmp_path,
            {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'},
            [Entry("c", "s", extra=extra)],
        )
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    found = {
        (r["audience"], r["scope"]): r["verdict"] for r in rows(tmp_path / "out/clients/c.csv")
    }
    assert found == {("https://one", "a"): "granted", ("https://two", "b"): "denied"}


def test_clients_are_read_from_standard_input():
    text = json.dumps(
        {
            "clients": [
                {
                    "name": "c",
                    "client_id": "c",
                    "token_endpoint": "https://login.example/t",
                    "client_secret": {"env": "S"},
                    "scopes": ["a"],
                }
            ]
        }
    )
    result = scopeprobe("validate", "-", stdin=text, env={"S": "x1"})
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["", "audit", "validate", "init", "runs", "lab", "demo"])
def test_help_fits_80_columns_and_has_examples(name):
    words = [name] if name else []
    result = scopeprobe(*words, "--help")
    assert result.returncode == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert not name or f"scopeprobe {name}" in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_with_the_first_paragraph_of_its_help(name):
    assert COMMANDS[name].help == " ".join(load(name).help.split("\n\n")[0].split())


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        pytest.param(["--version"], 0, "scopeprobe ", "", id="version"),
        pytest.param(["audit"], 2, "", "give clients files", id="usage"),
        pytest.param(["audi"], 2, "", "Did you mean 'audit'?", id="unknown-command"),
        pytest.param(["plan", "no.toml"], 2, "", "error: no.toml", id="input"),
        pytest.param(["providers", "--print", "json"], 0, '{\n  "version": 1,', "", id="data"),
    ],
)
def test_main_takes_its_words_and_returns_the_exit_code(
    capsys, monkeypatch, *, words, code, out, err
):
    monkeypatch.setattr(sys, "argv", ["pytest", "--strange"])
    assert main(words) == code
    printed = capsys.readouterr()
    assert printed.out.startswith(out)
    assert err in printed.err


def test_main_names_the_words_it_was_given_to_go_on(capsys, monkeypatch, tmp_path):
    with raw_server(grants("a")) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}
        arguments, environment = write_inputs(tmp_path, settings, [Entry("c", "s")], ["a", "b"])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        words = ["audit", *map(str, arguments), "-o", str(tmp_path / "out"), "--max-requests", "3"]
        assert main([*words, "--log-format", "console"]) == 3
    (told,) = re.findall("^to go on: scopeprobe (.*)$", capsys.readouterr().err, re.MULTILINE)
    again = shlex.split(told)
    assert again == ["audit", "--resume", *words[1:], "--log-format", "console"]


def test_lab_lists_its_manners():
    result = scopeprobe("lab", "--list")
    assert "strict-401" in result.stdout
    assert result.returncode == 0


def test_a_folder_that_cannot_be_used_is_said_before_anything_is_sent(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "scopeprobe.db").mkdir()
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "scopeprobe.db").write_text("this is no database, but long enough" * 9)
    with raw_server(grants("a")) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}
        arguments, environment = write_inputs(tmp_path, settings, [Entry("c", "s")], ["a"])
        for out in ("file", "odd", "junk"):
            result = scopeprobe("audit", *arguments, "-o", tmp_path / out, env=environment)
            assert result.returncode == 2, result.stderr
            assert str(tmp_path / out) in result.stderr
            assert "cannot be used" in result.stderr or "is damaged" in result.stderr
    assert server.asked == []


def test_reports_that_cannot_be_written_end_the_run_as_incomplete(tmp_path):
    (tmp_path / "out" / "summary.json").mkdir(parents=True)
    with raw_server(grants("a")) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}
        arguments, environment = write_inputs(tmp_path, settings, [Entry("c", "s")], ["a"])
        words = ["audit", *arguments, "-o", tmp_path / "out"]
        result = scopeprobe(*words, env=environment)
        assert result.returncode == 3
        assert "summary.json: the reports cannot be written" in result.stderr
        (tmp_path / "out" / "summary.json").rmdir()
        asked = len(server.asked)
        assert scopeprobe(*words, "--resume", env=environment).returncode == 0
        assert len(server.asked) == asked


def test_the_resume_command_is_one_that_can_be_typed(tmp_path):
    with raw_server(grants("a")) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\n{FAST}'}
        arguments, environment = write_inputs(tmp_path, settings, [Entry("c", "s")], ["a", "b"])
        words = ["--log-format", "console", "-o", tmp_path / "my out", "--max-requests", 3]
        options = [*arguments[1:], *words]
        result = scopeprobe("audit", *options, "--", arguments[0], env=environment)
        told = next(line for line in result.stderr.splitlines() if line.startswith("to go on: "))
        again = shlex.split(told.removeprefix("to go on: scopeprobe "))
        assert scopeprobe(*again, "--max-requests", 9, env=environment).returncode == 2
        again.remove("--max-requests")
        again.remove("3")
        assert scopeprobe(*again, env=environment).returncode == 0


def test_a_log_file_that_is_a_device_keeps_its_mode(run):
    before = os.stat("/dev/null").st_mode  # noqa: PTH116 - the mode is the point
    run("--log-file", "/dev/null")
    assert os.stat("/dev/null").st_mode == before  # noqa: PTH116


def test_the_demo_touches_no_folder_but_its_own(tmp_path):
    (tmp_path / "clients.toml").write_text("mine")
    result = scopeprobe("demo", "-o", tmp_path, env={"SCOPEPROBE_OUT": str(tmp_path / "nightly")})
    assert result.returncode == 2
    assert "holds other things than a demo" in result.stderr
    assert (tmp_path / "clients.toml").read_text() == "mine"
    for _ in range(2):
        ended = scopeprobe("demo", "-o", tmp_path / "new")
        assert ended.returncode == 0
        assert "what next" in ended.stderr.splitlines()[-4]
        assert "scopeprobe init" in ended.stderr.splitlines()[-3]
    assert not (tmp_path / "nightly").exists()


@pytest.mark.parametrize("name", ["SCOPEPROBE_MAX_TIEM", "SCOPEPROBE_NONSENSE_OF_MINE"])
def test_a_variable_that_sets_nothing_is_named_and_its_value_is_not(run, name):
    variables = {name: "s3cret-value", "SCOPEPROBE_MAX_REQUESTS": "99"}
    result = run(env=variables)
    texts = [json.loads(line).get("text", "") for line in result.stderr.splitlines()]
    near = "; did you mean SCOPEPROBE_MAX_TIME?" if "MAX" in name else ""
    assert [text for text in texts if "SCOPEPROBE" in text] == [
        f"{name} sets no option of any command{near}"
    ]
    assert "s3cret-value" not in result.stderr
    assert f"notice: {name} sets" in scopeprobe("providers", env=variables).stderr
    assert scopeprobe("providers", env={"SCOPEPROBE_CLIENT_SECRET": "x"}).stderr == ""


def test_help_names_no_type_for_what_takes_no_value():
    for command in ("audit", "explain", "plan", "baseline write", "report"):
        shown = scopeprobe(*command.split(), "--help").stdout
        assert "<bool>" not in shown
        assert "--out" in shown


@pytest.mark.parametrize("words", [("--retries", "-1"), ("--max-requests", "0")])
def test_a_number_that_is_too_small_is_named(words):
    result = scopeprobe("audit", "clients.toml", *words)
    assert result.returncode == 2
    assert f"Invalid value for '{words[0]}': {words[1]} must be at least" in result.stderr


ONE = re.compile(r"\b1 (?!s\b)(\w+s)\b(?! (cannot|is))")


def test_one_is_never_many(tmp_path):
    """Of one client, one server and one scope, which is also the first of its kind."""
    with raw_server(lambda _asked: Reply(body=token_body(scope="a"))) as server:
        settings = {"s": f'token_endpoint = "{server.url}/t"\nrate = "900/s"'}
        words, secrets = write_inputs(tmp_path, settings, [Entry("c", "s")], ["a"])
        where = ("-o", tmp_path / "out")
        told = [
            scopeprobe("audit", *words, *where, "--log-format", "console", env=secrets),
            scopeprobe("plan", *words, *where, env=secrets),
            scopeprobe("baseline", "write", *where),
            scopeprobe("report", "--print", "markdown", *where),
            scopeprobe("explain", *words, "c", *where, env=secrets),
            scopeprobe("runs", *where),
        ]
    for ended in told:
        assert not ONE.search(ended.stdout + ended.stderr), ended
