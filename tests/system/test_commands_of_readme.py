"""
The README's commands are run: they print what it shows.

Where a command's output changed on purpose, `python tests/system/test_commands_of_readme.py`
writes it anew.
"""

import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from bound import bound
from harness import command

import scopeprobe as package

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


PORT = "8089"


MARK = "-- the end of a command --"


def blocks(text):
    """The console blocks, each as its commands with what they print."""
    for block in CONSOLE.findall(text):
        _, *commands = re.split(r"^\$ ", block, flags=re.MULTILINE)
        yield [(line, output) for line, _, output in (c.partition("\n") for c in commands)]


@contextmanager
def lab_of(line):
    """Run the README's `scopeprobe lab` on a free port. Gives the port, and what it prints."""
    port = free_port()
    words = shlex.split(line.replace(f"--port {PORT}", f"--port {port}"))
    process = subprocess.Popen(
        bound(command(*words[1:])), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        yield port, process.stdout.readline()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
        process.stdout.close()


def free_port():
    """Find one of four digits, so that tables are as wide as in the README."""
    for port in random.sample(range(2000, 9999), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


def environment():
    """Stand for a terminal of 80 columns, on which logs and tables are for people."""
    source = str(Path(package.__file__).parent.parent)
    ours = {"COLUMNS": "80", "NO_COLOR": "1", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}
    ours |= {"SCOPEPROBE_LOG_FORMAT": "console", "SCOPEPROBE_PRINT": "table"}
    return {**os.environ, "PYTHONPATH": source, "PYTHONIOENCODING": "utf-8", **ours}


def played(text, folder):
    """
    Run all commands in one shell that stands beside the samples; what each of them prints.

    A command speaks to the lab that was started last above it.
    """
    lines = [line for block in blocks(text) for line, _ in block]
    shutil.copytree(ROOT / "samples", folder / "samples")
    labs: dict[int, str] = {}
    with ExitStack() as running:
        script, port = f'scopeprobe() {{ {shlex.join(command())} "$@"; }}\n', PORT
        for number, line in enumerate(lines):
            words = line.replace(f":{PORT}/", f":{port}/")
            if " --fleet " in line:
                port, printed = running.enter_context(lab_of(line))
                labs[number] = printed
                point_at(port, folder / line.partition(" --fleet ")[2])
                words = "true"
            script += f"{words}\nsaid=$?; echo '{MARK}'; (exit $said)\n"
        shell = subprocess.run(
            ["sh"],
            input=script,
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    outputs = shell.stdout.split(f"{MARK}\n")[:-1]
    assert len(outputs) == len(lines), shell.stdout
    ours = re.compile(r"(?<=//127\.0\.0\.1):\d{4}/")
    return [
        ours.sub(f":{PORT}/", tidied(labs.get(number, output)))
        for number, output in enumerate(outputs)
    ]


def point_at(port, fleet):
    """Give the sample that a lab serves the port on which it listens here."""
    clients = fleet.parent / "clients.toml"
    clients.write_text(clients.read_text().replace(f":{PORT}/", f":{port}/"))


def tidied(output):
    """What is printed, as it stands in the README."""
    lines = (
        line.rstrip() for line in output.replace("python -m scopeprobe", "scopeprobe").split("\n")
    )
    return "\n".join(lines).strip("\n") + "\n" if output.strip() else ""


def comparable(line, output):
    """What must be equal: not the times; and of a help its words, wherever they are wrapped."""
    if line.endswith("--help"):
        return re.sub(r"[─│╭╮╰╯]", " ", output).split()
    for pattern, word in (
        (r"\b\d{8}T\d{6}Z-[0-9a-f]{4}\b", "RUN"),
        (r"\b(\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d(\.\d+Z|Z|\b)", "TIME"),
        (r"\b\d{4}-\d\d-\d\d\b", "DATE"),
        (r"\b\d+(\.\d+)? s\b", "N s"),
    ):
        output = re.sub(pattern, word, output)
    return output.rstrip().split("\n")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return played(README.read_text(), tmp_path_factory.mktemp("readme"))


LINES = [line for block in blocks(README.read_text()) for line, _ in block]


@pytest.mark.parametrize("number", range(len(LINES)), ids=LINES)
def test_a_command_prints_what_the_readme_shows(outputs, number):
    line, shown = [command for block in blocks(README.read_text()) for command in block][number]
    assert comparable(line, outputs[number]) == comparable(line, shown)


def renewed(text):
    """The text with what its commands print now; where only times differ, it stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = iter(played(text, Path(folder)))
    shown = iter([command for block in blocks(text) for command in block])

    def block(found):
        commands = ""
        for _ in re.findall(r"^\$ ", found[1], re.MULTILINE):
            (line, old), new = next(shown), next(outputs)
            kept = comparable(line, old) == comparable(line, new)
            commands += f"$ {line}\n{old if kept else new}"
        return f"```console\n{commands}```"

    return CONSOLE.sub(block, text)


if __name__ == "__main__":
    README.write_text(renewed(README.read_text()))
    sys.exit(0)
