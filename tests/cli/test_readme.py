"""
The README is the manual, so it is true: its commands are run, its tables held against the code.

Where a command's output changed on purpose, `python tests/test_readme.py` writes it anew.
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
from dataclasses import fields
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from harness import command
from typer.main import get_command

import scopeprobe as package
from scopeprobe.cli import app as cli
from scopeprobe.cli import run_audit
from scopeprobe.inputs.schema import ClientEntry, ExpectEntry, ServerEntry, TargetEntry
from scopeprobe.model.cell import Evidence, Reason, Verdict
from scopeprobe.model.client import AuthMethod, GrantType
from scopeprobe.model.events import Event
from scopeprobe.model.server import Server
from scopeprobe.policy import FINDING_KINDS
from scopeprobe.providers.load import PackTable
from scopeprobe.reports.csv_files import COLUMNS
from scopeprobe.reports.summary import Summary

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = "8089"
MARK = "-- the end of a command --"


# -- commands


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
        command(*words[1:]), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        yield port, process.stdout.readline()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)
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
            timeout=120,
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


def test_every_option_is_named():
    text = README.read_text()
    options = {
        (name, option)
        for name, subcommand in get_command(cli.app).commands.items()
        for parameter in subcommand.params
        for option in parameter.opts
        if option.startswith("--")
    }
    assert {(name, option) for name, option in options if option not in text} == set()


# -- the two commands it opens with


def shell_commands():
    return re.findall(r"^```sh\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


def test_it_opens_with_the_demo_and_the_tests():
    demo, tests = shell_commands()
    assert demo.endswith("/scopeprobe demo\n")
    assert tests.endswith("/pytest\n")
    assert demo.count("\n") == tests.count("\n") == 1
    before = README.read_text().partition("```sh")[0]
    assert len(before.strip().split("\n\n")) == 3  # a title, what it is, what the command does


def test_the_checks_run_both_commands_as_they_stand_there():
    script = (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    for ending in ("/scopeprobe demo", "/pytest"):
        assert f"readme_command '{ending}'" in script


# -- tables


def table(*header):
    """The rows of the table that begins with this header; code spans without their marks."""
    found = re.search(
        rf"^\| {re.escape(' | '.join(header))} \|\n\|[-|]+\|\n((?:\|.*\|\n)+)",
        README.read_text(),
        re.MULTILINE,
    )
    return [
        [cell.strip() for cell in row.removeprefix("|").removesuffix("|").split("|")]
        for row in (line.strip() for line in found[1].splitlines())
    ]


def bare(cell):
    return cell.strip(" `")


def test_the_keys_are_those_of_the_schema():
    entries = {"server": ServerEntry, "client": ClientEntry, "target": TargetEntry}
    keys = {key for entry in entries.values() for key in entry.model_fields}
    told = {bare(key): of for key, of, *_ in table("key", "of", "default", "meaning")}
    assert told == {
        key: ", ".join(of for of, entry in entries.items() if key in entry.model_fields)
        for key in keys
    }
    meaning = next(row[3] for row in table("key", "of", "default", "meaning") if "expect" in row[0])
    assert all(f"`{key}`" in meaning for key in ExpectEntry.model_fields)


def test_the_defaults_are_those_of_a_server():
    told = {
        bare(key): bare(default)
        for key, _, default, _ in table("key", "of", "default", "meaning")
        if default
    }
    defaults = {field.name: field.default for field in fields(Server)}
    assert told == {
        "rate": str(defaults["rates"][0]),
        "client_rate": str(defaults["client_rates"][0]),
        "timeout": f"{defaults['timeout']:g}s",
        **dict.fromkeys(("allow_http", "allow_private", "allow_single_token"), "false"),
        "send_scope": str(defaults["send_scope"]).lower(),
        "token_endpoint_auth_method": AuthMethod.CLIENT_SECRET_BASIC,
        "basic_encoding": defaults["basic_encoding"],
        "grant_type": GrantType.CLIENT_CREDENTIALS,
        **{
            key: str(defaults[key])
            for key in ("burst", "in_flight", "retries", "max_auth_failures", "max_scope_bytes")
        },
    }


def test_the_methods_are_those_of_the_model():
    assert [bare(row[0]) for row in table("method", "needs", "what is sent")] == list(AuthMethod)


def test_the_keys_of_a_pack_are_those_of_its_schema():
    told = [bare(row[0]) for row in table("key of a pack", "meaning")]
    assert sorted(told) == sorted(keys_of_a_pack())


def keys_of_a_pack():
    """Every key that a pack's file may have; those of a table behind its name."""
    for field in msgspec.structs.fields(PackTable):
        inner = [t for t in get_args(field.type) if isinstance(t, type)]
        tables = [t for t in inner if issubclass(t, msgspec.Struct)]
        if tables:
            yield from (f"{field.name}.{key}" for key in tables[0].__struct_fields__)
        else:
            yield field.name


def test_the_verdicts_reasons_and_evidence_are_those_of_the_model():
    assert [bare(row[0]) for row in table("verdict", "when, and only when")] == list(Verdict)
    assert [bare(row[0]) for row in table("evidence", "the verdict rests on")] == list(Evidence)
    reasons = {bare(row[0]): row[1] for row in table("reason", "of", "what happened")}
    assert list(reasons) == list(Reason)
    assert {reason for reason, of in reasons.items() if of == "unknown, open"} == {
        reason for reason in Reason if reason.is_open
    }
    assert {of.partition(",")[0] for of in reasons.values()} == set(Verdict)


def test_the_findings_are_those_of_the_policy():
    rows = table("finding", "when", "in the default bar")
    assert tuple(bare(row[0]) for row in rows) == FINDING_KINDS
    default = [parameter.default for parameter in audit_options() if parameter.name == "fail_on"]
    assert ",".join(bare(row[0]) for row in rows if row[2] == "yes") == default[0]


def audit_options():
    return get_command(cli.app).commands["audit"].params


def test_the_columns_are_those_of_the_reports():
    assert tuple(bare(row[0]) for row in table("column", "holds")) == COLUMNS


def test_the_members_of_the_summary_are_those_of_its_shape():
    told = [bare(row[0]) for row in table("member of summary.json", "holds")]
    members = {field.name for field in fields(Summary)}
    assert set(told) == members


def test_no_line_of_output_is_wider_than_a_terminal():
    """But for those that a terminal wraps itself: they name paths, or quote what is wrong."""
    whole = ("$ ", "error: ", "notice: ", "wrote ")
    wide = [
        line
        for block in CONSOLE.findall(README.read_text())
        for line in block.splitlines()
        if len(line) > 80 and not line.startswith(whole)
    ]
    assert wide == []


def test_the_exit_codes_are_those_of_the_program():
    codes = [int(row[0]) for row in table("code", "meaning")]
    assert sorted(codes) == sorted(
        {*map(int, cli.Exit), *map(int, run_audit.Exit), 128 + signal.SIGTERM}
    )


def test_the_log_events_are_those_of_the_model():
    paragraph = (
        README.read_text().partition("The event names are constants")[2].partition("\n\n")[0]
    )
    told = re.findall(r"`(\w+)`", paragraph)
    events = [event.name for event in get_args(Event)]
    assert sorted(told) == sorted([*events, "progress", "notice", "run_summary"])


# -- writing it anew


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
