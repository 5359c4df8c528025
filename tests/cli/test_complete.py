"""What is offered at the cursor: quick, silent, harmless, and read only."""

import os

import pytest
from harness import Entry, scopeprobe, write_inputs

SHELLS = ["bash", "zsh", "fish"]


@pytest.fixture
def folder(tmp_path):
    """One with clients of three servers, and tags of which some would harm a shell."""
    servers = {
        name: f'token_endpoint = "https://{name}.example/token"\nscopes = ["a"]'
        for name in ("corp", "corp-eu", "other")
    }
    tags = '["prod", "$(touch hurt)", "`touch hurt`", "two words", "*"]'
    entries = [
        Entry("billing", "corp", extra=f"tags = {tags}"),
        Entry("billing-eu", "corp-eu", extra='tags = ["pre-prod"]'),
        Entry("shop", "other"),
    ]
    write_inputs(tmp_path, servers, entries)
    return tmp_path


def offered(line, cwd):
    """What bash is offered behind a command line, cursor at its end."""
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    ended = scopeprobe(env={"_SCOPEPROBE_COMPLETE": "complete_bash", **asked}, cwd=cwd)
    assert ended.stderr == ""
    assert ended.returncode == 0
    return ended.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("scopeprobe his", ["history"]),
        ("scopeprobe audit --fail", ["--fail-on"]),
        ("scopeprobe audit clients.toml --client b", ["billing", "billing-eu"]),
        ("scopeprobe audit --client bi", ["billing", "billing-eu"]),
        ("scopeprobe validate --tag ", ["prod", "pre-prod"]),
        ("scopeprobe explain clients.toml sh", ["shop"]),
        ("scopeprobe explain c", ["clients.toml"]),
        ("scopeprobe explain billing --like s", ["shop"]),
        ("scopeprobe discover clients.toml co", ["corp", "corp-eu"]),
        ("scopeprobe audit -f sar", ["sarif"]),
        ("scopeprobe baseline s", ["show"]),
        ("scopeprobe schema ba", ["baseline"]),
        ("scopeprobe docs verd", ["verdicts"]),
    ],
)
def test_words_are_offered(folder, line, words):
    assert offered(line, folder) == words


def test_runs_and_their_clients_are_those_of_the_folder_that_is_named(fleet_of_nights):
    fleet_of_nights.night()
    fleet_of_nights.night()
    out = fleet_of_nights.out
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    runs = offered(f"scopeprobe report -o {out} 2", out.parent)
    assert len(runs) == 2
    assert offered(f"scopeprobe diff -o {out} last pre", out.parent) == ["previous"]
    assert offered(f"scopeprobe history -o {out} t", out.parent) == ["three", "two"]
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


@pytest.mark.parametrize(
    "text",
    [
        "[[clients]",
        "clients = 1\nservers = [1]\ndefaults = 2",
        '[[clients]]\nname = 7\ntags = "x"\n[[clients]]\nx = 1',
        "\x00",
    ],
)
def test_files_that_are_wrong_offer_nothing_and_say_nothing(tmp_path, text):
    (tmp_path / "clients.toml").write_text(text)
    for line in ("audit --client ", "audit --tag ", "discover corp", "explain nobody"):
        assert offered(f"scopeprobe {line}", tmp_path) == []


def test_a_client_that_is_half_written_hides_no_other(tmp_path):
    (tmp_path / "clients.toml").write_text('[[clients]]\n[[clients]]\nname = "one"\n')
    assert offered("scopeprobe audit --client ", tmp_path) == ["one"]


def test_no_secret_is_looked_up_and_no_pipe_is_read(tmp_path):
    servers = {"corp": 'token_endpoint = "https://corp.example/token"'}
    secret = f'client_secret = {{ command = ["touch", "{tmp_path}/run"] }}'
    write_inputs(tmp_path, servers, [Entry("one", "corp")])
    file = tmp_path / "clients.toml"
    file.write_text(file.read_text().replace('client_secret = { env = "SECRET_0" }', secret))
    assert offered("scopeprobe audit --client ", tmp_path) == ["one"]
    assert not (tmp_path / "run").exists()
    os.mkfifo(tmp_path / "pipe.toml")
    assert offered("scopeprobe explain pipe.toml o", tmp_path) == ["one"]


def test_nothing_that_a_shell_would_act_on_is_offered(folder):
    assert all(
        word.isascii() and "$" not in word for word in offered("scopeprobe plan --tag ", folder)
    )


def test_an_unknown_variable_is_no_message_at_the_cursor(folder, monkeypatch):
    monkeypatch.setenv("SCOPEPROBE_MAX_TIEM", "1h")
    assert offered("scopeprobe plan --client sh", folder) == ["shop"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_printed_for_every_shell(shell):
    printed = scopeprobe("completion", shell)
    assert printed.returncode == 0
    assert f"_SCOPEPROBE_COMPLETE=complete_{shell}" in printed.stdout
    assert scopeprobe("completion", "cmd").returncode == 2
