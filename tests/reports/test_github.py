"""GitHub's annotations, read as its runner reads them (actions/runner, ActionCommand.cs)."""

from urllib.parse import unquote

import pytest
from harness import scopeprobe
from summaries import told

from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.reports.github import report_github
from scopeprobe.reports.summary import ClientSummary


def read(text):
    """Level, properties and message of each line: `::level name=value,name=value::message`."""
    commands = []
    for line in "".join(text).splitlines():
        assert line.startswith("::")
        head, _, message = line.removeprefix("::").partition("::")
        level, _, told = head.partition(" ")
        properties = dict(part.split("=", 1) for part in told.split(","))
        named = {name: unquote(value) for name, value in properties.items()}
        commands.append((level, named, unquote(message)))
    return commands


def excesses(number, scope="s"):
    return [
        Finding(FindingKind.EXCESS, ClientName("a"), "", f"{scope}{n:02}", "not expected")
        for n in range(number)
    ]


def test_an_annotation_stands_at_the_line_of_its_client():
    described = ClientSummary(ClientName("a"), "corp", {}, 1, "strict", file="c,1:2%.toml", line=7)
    [(level, properties, message)] = read(
        report_github((), told(*excesses(1), clients=(described,)))
    )
    assert level == "error"
    assert properties == {"title": "excess: a", "file": "c,1:2%.toml", "line": "7"}
    assert message.startswith("a s00: not expected. To do: take it away")


@pytest.mark.parametrize(("number", "shown", "left"), [(10, 10, None), (11, 9, 2), (70, 9, 61)])
def test_what_github_would_drop_is_counted_by_the_last(number, shown, left):
    commands = read(report_github((), told(*excesses(number), warnings=excesses(3))))
    errors = [message for level, _, message in commands if level == "error"]
    assert len([level for level, *_ in commands if level == "warning"]) == 3
    assert len(errors) == shown + (left is not None)
    assert all(f"s{n:02}" in message for n, message in enumerate(errors[:shown]))
    if left is not None:
        assert errors[-1].startswith(f"{left} more findings: ")


def test_no_text_of_a_server_ends_an_annotation_or_begins_another():
    hostile = "s\r\n::error::fake%0A::"
    one = Finding(FindingKind.EXCESS, ClientName("a"), "", "x", hostile)
    [(_, _, message)] = read(report_github((), told(one)))
    assert message.startswith("a x: s\r\n::error::fake%0A::. ")


def test_annotations_are_printed_by_audit_and_by_report(fleet_of_nights):
    fleet_of_nights.secrets["two"] = "rotated"
    printed = fleet_of_nights.night("--print", "github", codes=(1,)).stdout
    [(level, properties, message)] = read(printed)
    assert (level, properties["title"]) == ("error", "unauthenticated: two")
    assert properties["file"] == str(fleet_of_nights.folder / "clients.toml")
    inputs = f"--scopes {fleet_of_nights.folder / 'scopes.txt'} {properties['file']}"
    assert message.endswith(f"To do: scopeprobe explain -o {fleet_of_nights.out} {inputs} two.")
    again = scopeprobe("report", "--print", "github", "-o", fleet_of_nights.out)
    assert again.stdout == printed
