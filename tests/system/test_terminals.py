"""What a person at a terminal meets: help that starts at once, and a question."""

import os
import pty
import re
import subprocess
import sys

import pytest
from bound import bound
from harness import Entry, command, write_inputs


def test_more_than_a_thousand_requests_are_asked_about_on_a_terminal(tmp_path):
    servers = {"corp": 'token_endpoint = "https://login.invalid/t"'}
    entries = [Entry(f"c{n}", "corp") for n in range(30)]
    arguments, environment = write_inputs(tmp_path, servers, entries, [f"s{n}" for n in range(40)])
    words = command("audit", *arguments, "-o", tmp_path / "out")
    ours, its = pty.openpty()
    terminal = {"stdin": its, "stdout": its, "stderr": its}
    with subprocess.Popen(bound(words), env={**os.environ, **environment}, **terminal) as child:
        os.close(its)
        said = b""
        while b"Go on?" not in said:
            said += os.read(ours, 1000)
        os.write(ours, b"n\n")
        assert child.wait() == 2
    os.close(ours)
    assert re.search(rb"each: about 1,[23]\d\d requests, 3,\d\d\d at most", said)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_what_no_command_is_needed_for_imports_none(word):
    code = f"from scopeprobe.cli import main; main(['{word}']); import sys; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    imported = set(result.stdout.splitlines()[-1].split())
    assert imported & {"aiohttp", "pydantic", "sqlite3", "ruamel.yaml", "structlog"} == set()
    rooms = {name for name in imported if name.startswith("scopeprobe.")}
    assert rooms == {
        "scopeprobe.cli",
        "scopeprobe.cli.app",
        "scopeprobe.cli.environment",
        "scopeprobe.cli.exit_codes",
        "scopeprobe.cli.streams",
        "scopeprobe.errors",
    }


def test_a_secret_that_is_asked_for_is_not_shown():
    secret = b"typed-s3cret-of-nobody"
    words = ("explain", "--client-id", "billing", "--token-endpoint", "https://login.invalid/t")
    ours, its = pty.openpty()
    terminal = {"stdin": its, "stdout": its, "stderr": its}
    with subprocess.Popen(bound(command(*words)), **terminal) as child:
        os.close(its)
        said = b""
        while b"Secret of billing: " not in said:
            said += os.read(ours, 1000)
        os.write(ours, secret + b"\n")
        while more := _read(ours):
            said += more
        assert child.wait() == 0
    os.close(ours)
    assert b"unreachable" in said
    assert secret not in said


def test_a_page_of_the_manual_goes_through_the_pager_of_the_terminal():
    ours, its = pty.openpty()
    terminal = {"stdin": its, "stdout": its, "stderr": its}
    environment = {**os.environ, "TERM": "xterm", "PAGER": "sed s/^/paged:/", "MANPAGER": ""}
    with subprocess.Popen(bound(command("docs", "excess")), env=environment, **terminal) as child:
        os.close(its)
        said = b""
        while more := _read(ours):
            said += more
        assert child.wait() == 0
    os.close(ours)
    lines = said.decode().splitlines()
    assert lines
    assert all(line.startswith("paged:") for line in lines)
    assert re.search("\x1b\\[[0-9;]+mexcess", said.decode()), "as bold as rich makes it"


def _read(terminal):
    """What is written to a terminal; nothing once its last writer has gone."""
    try:
        return os.read(terminal, 1000)
    except OSError:
        return b""
