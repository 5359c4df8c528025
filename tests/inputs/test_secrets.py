"""Where secrets come from, how they are kept, and what is remarked on them."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from pathlib import Path

import pytest
from clients_files import (
    BILLING,
    CORP,
    ENVIRONMENT,
    FORMATS,
    SECRET,
    WHOLE,
    complaints_of,
    fleet_of,
    with_secret,
    write,
)

from scopeprobe.errors import InputError
from scopeprobe.inputs import read_clients, secrets
from scopeprobe.inputs.secrets import CommandSecret, FileSecret, look_up

pytestmark = pytest.mark.usefixtures("_folder")


def python(code: str) -> str:
    """A `command` that runs Python, as TOML."""
    return f"{{ command = {json.dumps([sys.executable, '-c', code])} }}"


def secret_of(source: str, **options) -> str | None:
    [client] = fleet_of(CORP + with_secret(source), **options).clients
    return client.secret and client.secret.reveal()


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        ("s3cr3t", "s3cr3t"),
        ("s3cr3t\n", "s3cr3t"),
        ("s3cr3t\r\n", "s3cr3t"),
        ("s3cr3t\n\n", "s3cr3t\n"),
        (" s3cr3t \n", " s3cr3t "),
        ("s3cr3t\r", "s3cr3t\r"),
    ],
)
def test_a_file_or_output_loses_one_newline_and_nothing_else(content, secret):
    write("secret.txt", content)
    assert secret_of('{ file = "secret.txt" }') == secret
    assert secret_of(python(f"import sys; sys.stdout.buffer.write({content.encode()!r})")) == secret


def test_a_secret_file_is_relative_to_the_clients_file(tmp_path):
    (tmp_path / "secret.txt").write_text("s3cr3t")
    path = tmp_path / "clients.toml"
    path.write_text(CORP + with_secret('{ file = "secret.txt" }'))
    [client] = read_clients([path]).clients
    assert client.secret is not None
    assert client.secret.reveal() == "s3cr3t"


def test_a_command_is_run_once_for_all_its_clients():
    source = python("print('s3cr3t'); open('runs.txt', 'a').write('x')")
    fleet_of(CORP + with_secret(source, "one") + with_secret(source, "two"))
    assert Path("runs.txt").read_text() == "x"


def test_no_command_is_run_where_something_else_is_wrong():
    source = python("open('runs.txt', 'a').write('x')")
    complaints_of(CORP + with_secret(source, "one") + with_secret('{ env = "NONE" }', "two"))
    assert not Path("runs.txt").exists()


def test_a_command_gets_no_shell_and_no_standard_input():
    assert secret_of(python("import sys; print(repr(sys.stdin.read()))")) == "''"
    assert secret_of('{ command = ["echo", "$HOME", "*"] }') == "$HOME *"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('{ env = "NONE" }', "environment variable NONE is not set"),
        ('{ env = "EMPTY" }', "environment variable EMPTY is empty"),
        ('{ env = "hunter2hunter2" }', "environment variable is not set"),
        ('{ env = "hunter2-hunter2" }', "env must be the name of an environment variable"),
        ('{ file = "none.txt" }', "the file cannot be read: No such file or directory"),
        ('{ file = "." }', "the file cannot be read: Is a directory"),
        (r'{ file = "a\u0000b" }', "the file cannot be read: no system has a file of that name"),
        ('{ file = "empty.txt" }', "the file is empty"),
        ('{ file = "bytes.txt" }', "the file is not UTF-8 text"),
        (
            '{ command = ["no-such-program"] }',
            "command no-such-program cannot be run: No such file",
        ),
        ('{ command = ["false"] }', "command false ended with exit code 1"),
        ('{ command = ["true"] }', "the output of command true is empty"),
        (r'{ command = ["true", "\u0000"] }', "the command cannot be run: an argument holds a NUL"),
        ('""', "the secret is empty"),
    ],
)
def test_a_secret_that_cannot_be_had_is_placed(source, message):
    write("empty.txt", "\n")
    Path("bytes.txt").write_bytes(b"\xff")
    [said] = complaints_of(CORP + with_secret(source), environment={"EMPTY": ""})
    assert said.startswith(f"clients.toml:10 one: client_secret: {message}")


def test_what_a_failing_command_says_is_kept_quiet():
    code = f"import sys; print('{SECRET}'); print('{SECRET}', file=sys.stderr); sys.exit(3)"
    [said] = complaints_of(CORP + with_secret(python(code)))
    assert said.endswith(f"command {sys.executable} ended with exit code 3")


def test_a_command_that_takes_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr("scopeprobe.inputs.secrets.COMMAND_SECONDS", 0.1)
    [said] = complaints_of(CORP + with_secret('{ command = ["sleep", "60"] }'))
    assert said.endswith("command sleep took longer than 0.1 s")


WRONG_SECRETS = [
    pytest.param(lambda secret: [secret], id="list"),
    pytest.param(lambda secret: {"value": secret}, id="unknown key"),
    pytest.param(lambda secret: {secret: "x"}, id="as a key"),
    pytest.param(lambda secret: {"env": [secret]}, id="list in env"),
    pytest.param(lambda secret: {"env": "CRM_SECRET", "literal": secret}, id="two sources"),
    pytest.param(lambda secret: {"env": secret}, id="as a variable"),
    pytest.param(lambda secret: {"file": secret}, id="as a file"),
    pytest.param(lambda secret: {"command": secret}, id="as a command line"),
    pytest.param(lambda secret: {"command": ["false", secret]}, id="as an argument"),
    pytest.param(lambda secret: {"command": [1, secret]}, id="number in a command"),
    pytest.param(lambda _: 12345678901, id="number"),
]
ANYWHERE = [
    "client_id",
    "token_endpoint",
    "token_endpoint_auth_method",
    "server",
    "scopes",
    "tags",
    "owner",
    "expect",
    "targets",
    "token_params",
]


@pytest.mark.parametrize("name", ["clients.toml", "clients.yaml", "clients.json"])
@pytest.mark.parametrize("wrong", WRONG_SECRETS)
def test_a_secret_given_the_wrong_way_is_never_echoed(name, wrong):
    client = {**WHOLE["clients"][0], "client_secret": wrong(SECRET)}
    said = complaints_of(FORMATS[name]({**WHOLE, "clients": [client]}), name=name)
    assert all(SECRET not in text and "12345678901" not in text for text in said)


@pytest.mark.parametrize("key", ANYWHERE)
@pytest.mark.parametrize(
    "wrap", [lambda it: it, lambda it: [it], lambda it: {"k": [it]}, lambda it: [{"k": it}]]
)
def test_a_secret_in_a_wrong_place_is_never_echoed(key, wrap):
    """Whatever the value breaks, and whether it breaks anything at all."""
    bad = {"name": "bad name", "server": "corp", "client_id": "x", key: wrap(f"{SECRET} \u00e4")}
    said = complaints_of(json.dumps({"clients": [bad]}), name="clients.json")
    assert all(SECRET not in text for text in said)


def test_no_notice_and_no_repr_shows_a_secret():
    text = CORP + with_secret(f'" {SECRET}+/ "', "one") + with_secret(f'" {SECRET}+/ "', "two")
    fleet = fleet_of(text)
    assert len(fleet.notices) == 5
    assert SECRET not in repr(fleet) + fleet.digest


def test_a_secret_in_the_file_is_warned_about():
    fleet = fleet_of(CORP + with_secret(f'"{SECRET}"'))
    [said] = fleet.notices
    assert said == (
        "clients.toml: holds literal secrets (one); env, file or command keep them elsewhere"
    )


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_in_a_file_that_others_can_read_needs_leave(mode):
    path = write("clients.toml", CORP + with_secret(f'"{SECRET}"'))
    path.chmod(mode)
    with pytest.raises(InputError) as caught:
        read_clients([path])
    [said] = caught.value.messages
    assert said == (
        "clients.toml: holds literal secrets (one) and group or others can read it: chmod 600, or"
        " --allow-literal-secrets"
    )
    assert SECRET not in str(caught.value)
    fleet = read_clients([path], allow_literal_secrets=True)
    assert "holds literal secrets" in fleet.notices[0]


def test_a_file_that_others_can_read_may_name_where_secrets_are():
    path = write("clients.toml", CORP + BILLING)
    path.chmod(0o644)
    assert read_clients([path], environment=ENVIRONMENT).notices == ()


def test_a_secret_from_standard_input_is_only_warned_about():
    text = json.dumps({**WHOLE, "servers": {}, "clients": [WHOLE["clients"][1]]})
    text = text.replace('"none"', f'"client_secret_post", "client_secret": "{SECRET}"')
    fleet = read_clients(["-"], stdin=io.StringIO(text))
    assert fleet.notices[0].startswith("standard input: holds literal secrets (")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ('introspection_client_id = "api"', "introspection_client_secret"),
        ('introspection_client_secret = { env = "API" }', "introspection_client_id"),
    ],
)
def test_who_introspects_needs_an_id_and_a_secret(given, missing):
    [said] = complaints_of(CORP + given + BILLING, environment={**ENVIRONMENT, "API": "x"})
    assert said.endswith(f"servers.corp.{missing}: is missing: one is no use alone")


def test_white_space_at_the_ends_of_a_secret_is_kept_and_told():
    fleet = fleet_of(CORP + BILLING, environment={"BILLING_SECRET": "s3cr3t\n"})
    assert fleet.notices[0] == (
        "clients.toml billing: client_secret: white space at the ends of the secret is kept"
    )


@pytest.mark.parametrize(
    ("secret", "more", "is_told"),
    [
        pytest.param("a+b/c=", "", True, id="base64"),
        pytest.param("aZ09._~-", "", False, id="unreserved"),
        pytest.param("a+b", 'token_endpoint_auth_method = "client_secret_post"', False, id="post"),
    ],
)
def test_a_secret_that_servers_may_decode_differently_is_told(secret, more, is_told):
    text = CORP + with_secret('{ env = "ODD" }', more=more)
    notices = fleet_of(text, environment={"ODD": secret}).notices
    assert any('try basic_encoding = "raw"' in notice for notice in notices) == is_told


@pytest.mark.parametrize("encoding", ["raw", "rfc6749"])
def test_a_chosen_encoding_is_not_doubted(encoding):
    text = CORP + f'basic_encoding = "{encoding}"\n' + with_secret('{ env = "ODD" }')
    assert fleet_of(text, environment={"ODD": "a+b"}).notices == ()


def test_two_secrets_of_one_client_id_are_a_rotation_and_three_are_guessing():
    environment = {"A": "a", "B": "b", "C": "c"}
    clients = [
        with_secret(f'{{ env = "{variable}" }}', variable).replace(
            f'client_id = "{variable}"', 'client_id = "same"'
        )
        for variable in environment
    ]
    assert fleet_of(CORP + "".join(clients[:2]), environment=environment).notices == ()
    [said] = complaints_of(CORP + "".join(clients), environment=environment)
    assert said == (
        "clients.toml:9 A: client_id: has more than 2 different secrets on one token "
        "endpoint (A, B, C): this is no tool for guessing"
    )


def test_one_secret_of_several_clients_is_told():
    names = [f"c{number}" for number in range(7)]
    text = CORP + "".join(with_secret('{ env = "CRM_SECRET" }', name) for name in names)
    [said] = fleet_of(text).notices
    assert said == (
        "clients.toml c0: client_secret: one secret serves several: c0, c1, c2, c3, c4 and 2 more"
    )


@pytest.mark.parametrize("seconds", [1, 60])
def test_a_command_that_leaves_a_child_is_not_waited_for(seconds):
    started = time.monotonic()
    script = f"sleep {seconds} & printf %s 'of-the-command'"
    found = look_up(CommandSecret(("sh", "-c", script)), environment={})
    assert found.text().reveal() == "of-the-command"
    assert time.monotonic() - started < 1


def test_a_command_that_takes_too_long_is_ended_though_its_child_is_not(monkeypatch):
    monkeypatch.setattr(secrets, "COMMAND_SECONDS", 0.3)
    started = time.monotonic()
    found = look_up(CommandSecret(("sh", "-c", "sleep 5 & sleep 5; true")), environment={})
    assert "took longer than" in found.why
    assert time.monotonic() - started < 2


def test_a_command_without_output_is_waited_for():
    found = look_up(CommandSecret(("sh", "-c", "exec >&-; sleep 0.2; exit 7")), environment={})
    assert "exit code 7" in found.why


def test_what_is_far_too_long_is_no_secret():
    assert "longer than a secret" in look_up(FileSecret(Path("/dev/zero")), environment={}).why
    endless = look_up(CommandSecret(("cat", "/dev/zero")), environment={})
    assert "longer than a secret" in endless.why
