"""Completion as people meet it: a real shell, a line that was begun, and the tab key."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bound import bound
from harness import Entry, summary, write_inputs

INTERACTIVE = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source <(scopeprobe completion bash)"),
    "zsh": (
        ["zsh", "-f", "-i"],
        "autoload -Uz compinit; compinit -u -D; source <(scopeprobe completion zsh)",
    ),
}
LINES = [
    ("scopeprobe histo", "history"),
    ("scopeprobe audit --client bil", "billing-nightly"),
    ("scopeprobe audit --tag pro", "production"),
    ("scopeprobe discover clients.toml corp-l", "corp-login"),
    ("scopeprobe audit -o out --run 2", "the last run"),
]
MARKED = pytest.mark.shells
"""Shells that are not everywhere: `-m shells` runs these tests."""


@pytest.fixture
def folder(tmp_path, fleet_of_nights):
    fleet_of_nights.night()
    settings = 'token_endpoint = "https://corp.example/token"\nscopes = ["a"]'
    entry = Entry("billing-nightly", "corp-login", extra='tags = ["production"]')
    write_inputs(tmp_path, {"corp-login": settings}, [entry])
    return tmp_path


@pytest.fixture
def environment(tmp_path):
    """One in which `scopeprobe` is the program under test."""
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    home = {"HOME": str(tmp_path), "ZDOTDIR": str(tmp_path), "PS1": "ready> ", "TERM": "dumb"}
    return {**os.environ, **home, "PATH": path}


@pytest.mark.parametrize("shell", ["bash", pytest.param("zsh", marks=MARKED)])
@pytest.mark.parametrize(("line", "word"), LINES)
def test_the_tab_key_completes(folder, environment, shell, line, word):
    words, setup = INTERACTIVE[shell]
    ours, its = pty.openpty()
    streams = {"stdin": its, "stdout": its, "stderr": its}
    in_charge = ["setsid", "--ctty", *words]  # an interactive shell wants a terminal of its own
    with subprocess.Popen(bound(in_charge), cwd=folder, env=environment, **streams) as child:
        os.close(its)
        _wait_for(ours, "ready> ")
        os.write(ours, f"{setup}; echo is''set\n".encode())
        _wait_for(ours, "isset\r\n")
        os.write(ours, f"{line}\t".encode())
        shown = _wait_for(ours, _meant(word, folder))
        child.kill()
    os.close(ours)
    assert "Traceback" not in shown


@pytest.mark.shells
@pytest.mark.parametrize(("line", "word"), LINES)
def test_fish_completes(folder, environment, line, word):
    script = f"scopeprobe completion fish | source; complete -C '{line}'"
    shown = subprocess.run(
        bound([shutil.which("fish"), "--no-config", "-c", script]),
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    offered = [told.partition("\t")[0] for told in shown.stdout.splitlines()]
    assert offered
    assert all(told.startswith(_meant(word, folder)) for told in offered)
    assert shown.stderr == ""


def _meant(word, folder):
    return summary(folder / "out")["run"] if word == "the last run" else word


def _wait_for(terminal, text):
    shown = ""
    while text not in shown:
        shown += os.read(terminal, 1000).decode(errors="replace")
    return shown
