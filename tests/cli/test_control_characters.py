"""Nothing that comes from a file, an argument or the environment acts on a terminal."""

import json

import pytest
from harness import scopeprobe
from long_runs import inputs

from scopeprobe.cli.streams import inert

BELL, CLEAR, TITLE, FLIP, C1 = "\a", "\x1b[2J", "\x1b]0;owned\a", "\u202e", "\x9b31m"
HOSTILE = f"evil{BELL}{CLEAR}{TITLE}{FLIP}{C1}\rname"


def is_inert(ended):
    return all(inert(text) == text for text in (ended.stdout, ended.stderr))


def test_names_of_an_export(tmp_path):
    apps = [
        {
            "clientId": f"id-{HOSTILE}",
            "name": HOSTILE,
            "serviceAccountsEnabled": is_kept,
            "clientAuthenticatorType": "client-secret",
        }
        for is_kept in (False, True)
    ]
    export = {"realm": f"r{HOSTILE}", "clients": apps}
    (tmp_path / "export.json").write_text(json.dumps(export))
    ended = scopeprobe("import", "keycloak", tmp_path / "export.json")
    assert "skipped: " in ended.stderr
    assert is_inert(ended)


@pytest.mark.parametrize("command", ["validate", "plan", "audit"])
def test_keys_of_input_files(tmp_path, command):
    text = json.dumps({f"key-{HOSTILE}": 1, "servers": {HOSTILE: {"rate": HOSTILE}}})
    (tmp_path / "clients.json").write_text(text)
    ended = scopeprobe(command, tmp_path / "clients.json")
    assert ended.returncode == 2
    assert "evil" in ended.stderr
    assert is_inert(ended)


@pytest.mark.parametrize(
    "words",
    [
        ["audit", "--no-such-option" + HOSTILE],
        ["no-such-command" + HOSTILE],
        ["audit", "file" + HOSTILE],
        ["runs", "-o", HOSTILE],
        ["runs", "-o", "out\udcff"],
        ["audit", "x.toml", "--strategy", HOSTILE],
        ["audit", "two\nlines"],
    ],
)
def test_arguments_are_refused(words):
    ended = scopeprobe(*words)
    assert ended.returncode == 2
    assert f"argument {len(words)}: holds a control character, or is no UTF-8" in ended.stderr
    assert is_inert(ended)


def test_options_of_the_environment_are_refused():
    ended = scopeprobe("runs", env={"SCOPEPROBE_OUT": HOSTILE})
    assert ended.returncode == 2
    assert "SCOPEPROBE_OUT: holds a control character" in ended.stderr
    assert is_inert(ended)


def test_names_of_maps_that_are_compared(tmp_path):
    header = "client,client_id,audience,scope,verdict,reason,evidence,http_status,error,"
    header += "error_description,limited_to\n"
    found = {"old": "denied,refused_alone", "new": "granted,listed_in_response"}
    for name, verdict in found.items():
        row = f'"{HOSTILE}",id,,"{HOSTILE}",{verdict},none,,,,\n'
        (tmp_path / f"{name}.csv").write_text(header + row, newline="")
    for printed in ("table", "json"):
        ended = scopeprobe("diff", tmp_path / "old.csv", tmp_path / "new.csv", "--print", printed)
        assert "evil" in ended.stdout + ended.stderr
        assert is_inert(ended)


@pytest.mark.parametrize("out", ["o" * 300, "/".join(["deep" * 50] * 30)])
def test_a_folder_with_a_name_that_is_too_long_is_an_input_error(tmp_path, out):
    class Nobody:
        url = "http://127.0.0.1:9"

    words, environment = inputs(tmp_path, Nobody, 1)
    words[words.index("-o") + 1] = tmp_path / out
    for command in (words, ["runs", "-o", tmp_path / out], ["plan", *words[1:-1]]):
        ended = scopeprobe(*command, env=environment)
        assert ended.returncode == 2, (command, ended.stderr)
        assert "File name too long" in ended.stderr
