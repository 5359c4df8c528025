"""However it is told to end, and whatever its terminal is: files are written, nothing is lost."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from bound import bound
from harness import command, maps, raw_server, reasons, scopeprobe
from long_runs import inputs, strict

FOREIGN = "Prüfung…ночь"


def wait_for(condition, process):
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)


@pytest.fixture
def running(tmp_path):
    """An audit that takes a while; called with what stands before its words, and its streams."""
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path, server, 4, rate="20/s")

        def start(*before, **how):
            process = subprocess.Popen(
                bound([*before, *command(*words, "--log-format", "console")]),
                env={**os.environ, **environment},
                text=True,
                **{"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, **how},
            )
            wait_for(lambda: len(server.asked) >= 20, process)
            return process

        start.out = tmp_path / "out"
        start.resume = lambda: scopeprobe(*words, "--resume", env=environment).returncode
        yield start


@pytest.mark.parametrize(
    ("signals", "code"),
    [
        pytest.param([signal.SIGHUP], 129, id="the terminal hangs up"),
        pytest.param([signal.SIGINT] * 20, 130, id="Ctrl-C again and again"),
        pytest.param([signal.SIGTERM, signal.SIGINT, signal.SIGHUP], 143, id="one after another"),
    ],
)
def test_a_signal_and_all_that_follow_leave_the_files(running, signals, code):
    process = running()
    for number in signals:
        process.send_signal(number)
        time.sleep(0.003)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == code, stderr
    assert "Traceback" not in stderr
    found = Counter(reasons(running.out).values())
    assert found["interrupted"] > 0
    assert found["refused_alone"] > 0
    assert running.resume() == 0


def test_a_terminal_that_goes_away_under_nohup_ends_nothing(running):
    ours, its = pty.openpty()
    nohup = ("sh", "-c", 'trap "" HUP; exec "$@"', "sh")
    process = running(*nohup, stdin=its, stdout=its, stderr=its)
    os.close(its)
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 0
    assert "interrupted" not in reasons(running.out).values()


@pytest.mark.parametrize("module", ["scopeprobe.cli.app", "typer", "scopeprobe.audits.rounds"])
def test_ctrl_c_during_imports_is_no_traceback(module, tmp_path):
    code = f"""
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
signal.signal(signal.SIGINT, signal.default_int_handler)
from scopeprobe.cli import main
sys.exit(main(["audit", "nothing.toml", "-o", {str(tmp_path)!r}]))
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )
    assert ended.returncode == 130, ended.stderr
    assert ended.stderr == ""


def test_a_judge_without_an_end_is_not_waited_for(tmp_path):
    """Its thread cannot be ended, and goes on until the process is gone."""
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path, server, 1)
        code = f"""
import sys
from scopeprobe.audits import behaviors, off_the_loop
from scopeprobe.cli import main
def endless(told):
    while True:
        pass
behaviors.learn_behavior = endless
off_the_loop.SECONDS_OF_WORK, off_the_loop.SECONDS_BETWEEN_LOOKS = 0.5, 0.1
sys.exit(main({list(map(str, words))!r}))
"""
        ended = subprocess.run(
            bound([sys.executable, "-c", code]),
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert ended.returncode == 70, ended.stderr
    assert "Endless in off_the_loop.py" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("printed", ["table", "csv", "json"])
def test_a_terminal_without_our_letters_ends_nothing(tmp_path, encoding, printed):
    with raw_server(strict) as server:
        words, environment = inputs(tmp_path, server, 1, scopes=["s01"])
        words[words.index("-o") + 1] = tmp_path / FOREIGN
        text = (tmp_path / "clients.toml").read_text()
        (tmp_path / "clients.toml").write_text(
            text + f'[[clients.targets]]\naudience = "{FOREIGN}"\n'
        )
        environment |= {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        ended = subprocess.run(
            bound(command(*words, "--print", printed, "--log-format", "console")),
            env={**os.environ, **environment},
            capture_output=True,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    maps = (tmp_path / FOREIGN / "permissions.csv").read_bytes()
    if printed == "csv":
        assert ended.stdout == maps


def test_a_killed_audit_leaves_whole_files(running):
    process = running()
    process.kill()
    process.communicate()
    assert not list(running.out.glob("**/.*.draft"))
    assert running.resume() == 0
    assert len(maps(running.out)) == 6
