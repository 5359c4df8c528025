"""What a person at a terminal meets: help that starts at once, and a question."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from big_nights import BROKEN, DEAD, BigNight
from bound import bound
from harness import Entry, command, raw_server, scopeprobe_process, write_inputs

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
REJECTED = "credentials_rejected: 401 Unknown key"
"""Why the broken client cannot log in, in the words of its server."""


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
        "scopeprobe.cli.help_screens",
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


# -- a fleet as real ones are, looked at when it is over


def on_terminal(words, environment, width):
    """What a terminal of that width shows in the end, and the exit code."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    inherited = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "NO_COLOR"}}
    terminal = {"stdin": its, "stdout": its, "stderr": its}
    env = {**inherited, "TERM": "xterm-256color", **environment}
    with subprocess.Popen(bound(command(*words)), env=env, **terminal) as child:
        os.close(its)
        said = b""
        while more := _read(ours):
            said += more
        code = child.wait()
    os.close(ours)
    text = ANSI.sub("", said.decode()).replace("\r\n", "\n")
    return [line.rpartition("\r")[2] for line in text.splitlines()], code


@pytest.fixture(params=[80, 160])
def width(request):
    return request.param


def test_a_bad_night_ends_with_the_broken_client_and_the_dead_server(tmp_path, width):
    night = BigNight(tmp_path, is_bad=True)
    with raw_server(night) as server:
        words, environment = night.words(server.url)
        lines, code = on_terminal(words, environment, width)
    assert code == 3
    last = lines[-24:]  # all of it is on one screen
    assert last[-1] == "1 client cannot log in, 1 excess, 1 missing; 1 server cannot be reached"
    assert last[last.index(BROKEN) + 1] == f"  unauthenticated: {REJECTED}"
    told = " ".join(" ".join(last[last.index(DEAD) :]).split())
    assert "warning, unknown: all 12 clients: unreachable: 127.0.0.1:" in told
    assert "refuses connections" in told
    commands = ("to learn why", "to go on", "to look at it all")  # are to be pasted
    texts = [line for line in lines if not line.lstrip().startswith(commands)]
    assert max(map(len, texts)) <= width
    about_dead = texts[texts.index(DEAD, -20) + 1 : texts.index("reporting-job-05", -20)]
    assert len(about_dead) == {80: 4, 160: 2}[width]
    row = next(line for line in lines if line.startswith(f"{BROKEN} "))
    assert row.split()[1:] == ["cannot", "log", "in"]


def test_a_good_night_ends_with_no_findings(tmp_path, width):
    night = BigNight(tmp_path)
    with raw_server(night) as server:
        words, environment = night.words(server.url)
        lines, code = on_terminal(words, environment, width)
    assert (code, lines[-1]) == (0, "no findings")
    rows = [line.split() for line in lines if "billing-service" in line]
    assert len({row[0] for row in rows}) == 20
    assert all(row[1:] == ["40", "40"] for row in rows)


def test_the_log_of_a_job_tells_both_in_its_last_lines(tmp_path):
    night = BigNight(tmp_path, is_bad=True)
    with raw_server(night) as server:
        words, environment = night.words(server.url)
        ended = scopeprobe_process(*words, env=environment)
    *found, summary = [json.loads(line) for line in ended.stderr.splitlines()][-5:]
    assert summary["event"] == "run_summary"
    assert summary["findings"].startswith("1 client cannot log in")
    broken = found[-1]
    assert (broken["event"], broken["level"], broken["client"]) == ("finding", "error", BROKEN)
    assert broken["detail"] == REJECTED
    dead = next(one for one in found if one["server"] == DEAD)
    assert "refuses connections" in dead["detail"]
    assert ended.stdout == ""


def test_ctrl_c_at_a_question_ends_it_as_an_interrupt_does(tmp_path):
    servers = {"corp": 'token_endpoint = "https://login.invalid/t"'}
    entries = [Entry(f"c{n}", "corp") for n in range(30)]
    arguments, environment = write_inputs(tmp_path, servers, entries, [f"s{n}" for n in range(40)])
    words = command("audit", *arguments, "-o", tmp_path / "out")
    ours, its = pty.openpty()

    def take_terminal():
        os.setsid()
        fcntl.ioctl(its, termios.TIOCSCTTY, 0)

    terminal = {"stdin": its, "stdout": its, "stderr": its, "preexec_fn": take_terminal}
    with subprocess.Popen(words, env={**os.environ, **environment}, **terminal) as child:
        os.close(its)
        said = b""
        while b"Go on?" not in said:
            said += os.read(ours, 1000)
        os.write(ours, b"\x03")
        while more := _read(ours):
            said += more
        assert child.wait() == 130
    os.close(ours)
    assert b"interrupted: nothing was sent" in said
    assert b"Traceback" not in said
