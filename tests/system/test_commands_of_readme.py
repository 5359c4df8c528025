"""
The commands of the README and of the manual are run: they print what the pages show.

Where a command's output changed on purpose, `PYTHONPATH=tests/support python
tests/system/test_commands_of_readme.py` writes it anew on every page, or on those that it is given.
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
from functools import cache
from pathlib import Path

import pytest
from bound import bound
from harness import command
from manual import CONSOLE, DOCS, PAGES, ROOT, name_of

import scopeprobe as package

PLAYED = [page for page in PAGES if page != DOCS / "explain.md"]
"""All but the session that tests/docs/test_explain_page.py plays."""
UNSEEN = re.compile(r"^<!-- played before this:\n(.*?)^-->$", re.MULTILINE | re.DOTALL)
PORT = "8089"
MARK = "-- the end of a command --"


def shown(text):
    """The commands of all console blocks, with what they print."""
    for block in CONSOLE.findall(text):
        _, *commands = re.split(r"^\$ ", block, flags=re.MULTILINE)
        for told in commands:
            line, _, output = told.partition("\n")
            yield line, output


def unseen(text):
    """The commands that bring the reader of a page to where it begins."""
    found = UNSEEN.search(text)
    return re.findall(r"^\$ (.*)$", found[1], re.MULTILINE) if found else []


@contextmanager
def lab_of(line):
    """Run a page's `scopeprobe lab` on a free port. Gives the port, and what it prints."""
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
    """Find one of four digits, so that tables are as wide as on the pages."""
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
    Run all commands of a page in one shell that stands beside the samples; what each prints.

    A command speaks to the lab that was started last above it.
    """
    before = unseen(text)
    lines = [*before, *(line for line, _ in shown(text))]
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
    printed = [
        ours.sub(f":{PORT}/", tidied(labs.get(number, output)))
        for number, output in enumerate(outputs)
    ]
    return printed[len(before) :]


def point_at(port, fleet):
    """Give the sample that a lab serves the port on which it listens here."""
    clients = fleet.parent / "clients.toml"
    clients.write_text(clients.read_text().replace(f":{PORT}/", f":{port}/"))


def tidied(output):
    """What is printed, as it stands on a page."""
    lines = (
        line.rstrip() for line in output.replace("python -m scopeprobe", "scopeprobe").split("\n")
    )
    return "\n".join(lines).strip("\n") + "\n" if output.strip() else ""


def comparable(output):
    """What must be equal: not the times."""
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
    """What the commands of a page print; each page is played once."""

    @cache
    def of(page):
        return played(page.read_text(), tmp_path_factory.mktemp("page"))

    return of


@pytest.mark.parametrize(
    ("page", "number"),
    [
        pytest.param(page, number, id=f"{name_of(page)}: {line}")
        for page in PLAYED
        for number, (line, _) in enumerate(shown(page.read_text()))
    ],
)
def test_a_command_prints_what_the_page_shows(outputs, page, number):
    _, output = list(shown(page.read_text()))[number]
    assert comparable(outputs(page)[number]) == comparable(output)


def renewed(text):
    """The text with what its commands print now; where only times differ, it stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = iter(played(text, Path(folder)))

    def block(found):
        commands = ""
        for line, old in shown(found[0]):
            new = next(outputs)
            kept = comparable(old) == comparable(new)
            commands += f"$ {line}\n{old if kept else new}"
        return f"```console\n{commands}```"

    return CONSOLE.sub(block, text)


if __name__ == "__main__":
    for page in [Path(word).resolve() for word in sys.argv[1:]] or PLAYED:
        page.write_text(renewed(page.read_text()))
