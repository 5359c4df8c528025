"""
The session on the page of `explain` is what the program prints.

Where its output changed on purpose, it is written anew by
`PYTHONPATH=tests/support python tests/docs/test_explain_page.py`.
"""

import re
import shlex
import tempfile
from pathlib import Path

import pytest
from forum import CLIENTS, FORUM, PORTAL, THREADS, played
from harness import scopeprobe

import scopeprobe as package
from scopeprobe.diagnosis.theories import theories

PAGE = Path(package.__file__).parent / "docs" / "explain.md"
SECTION = re.compile(r"^### (?P<theory>\w+)\n(?P<text>.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
SESSION = re.compile(
    r"^```console\n\$ (?P<command>.*?[^\\])\n(?P<output>.*?)^```$", re.MULTILINE | re.DOTALL
)
CANARY = re.compile(r"scopeprobe-canary-[0-9a-f]{12}")


def sections():
    return {found["theory"]: found["text"] for found in SECTION.finditer(PAGE.read_text())}


def printed(theory, command, folder):
    """What the command prints, up to the requests, with the addresses of the page."""
    thread = THREADS[theory]
    with played(thread) as addresses:
        words = shlex.split(command.replace("\\\n", " "))[1:]
        (folder / "clients.toml").write_text(_at(CLIENTS, addresses))
        ended = scopeprobe(
            *(_at(word, addresses) for word in words),
            env={"SCOPEPROBE_CLIENT_SECRET": thread.secret},
            cwd=folder,
        )
    output = ended.stdout.partition("\nRequest 1")[0].rstrip() + "\n"
    for name, address in addresses.items():
        output = output.replace(address, name)
    return CANARY.sub("scopeprobe-canary-000000000000", output)


def _at(text, addresses):
    for name, address in addresses.items():
        text = text.replace(name, address)
    return text


def test_every_theory_of_the_thread_has_its_section():
    assert set(sections()) == set(theories()) == set(THREADS)
    assert len(FORUM) == len(PORTAL) == len("http://127.0.0.1:40000")


@pytest.mark.parametrize("theory", THREADS)
def test_the_session_is_what_the_program_prints(theory, tmp_path):
    found = SESSION.search(sections()[theory])
    assert printed(theory, found["command"], tmp_path) == found["output"]


@pytest.mark.parametrize("theory", THREADS)
def test_the_first_cause_proves_the_theory(theory):
    (code,) = re.findall(r"^1\. (\w+)", sections()[theory], re.MULTILINE)
    assert code in theories()[theory].causes


def renewed(text):
    def section(found):
        def session(shown):
            with tempfile.TemporaryDirectory() as folder:
                output = printed(found["theory"], shown["command"], Path(folder))
            return f"```console\n$ {shown['command']}\n{output}```"

        return f"### {found['theory']}\n{SESSION.sub(session, found['text'])}"

    return SECTION.sub(section, text)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))
