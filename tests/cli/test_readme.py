"""README and manual are true: their tables are held against the code."""

import re
import signal
from dataclasses import fields, is_dataclass
from typing import get_args, get_type_hints

import pytest
from manual import CONSOLE, README, bare, table, text_of_all

from scopeprobe.cli import app as cli
from scopeprobe.cli.exit_codes import Exit
from scopeprobe.inputs.schema import ClientEntry, ExpectEntry, ServerEntry, TargetEntry
from scopeprobe.model.cell import COLUMNS, Evidence, Reason, Verdict
from scopeprobe.model.client import AuthMethod, GrantType
from scopeprobe.model.events import Event
from scopeprobe.model.finding import FindingKind
from scopeprobe.model.provider import ProviderTraits
from scopeprobe.model.server import Connection, ServerLimits
from scopeprobe.providers.load import PackTable
from scopeprobe.reports.findings import COLUMNS as FINDINGS_COLUMNS
from scopeprobe.reports.formats import Format
from scopeprobe.reports.summary import Summary

# -- commands


def test_every_option_is_named():
    options = {
        option
        for name in cli.COMMANDS
        for parameter in cli.load(name).params
        for option in parameter.opts
        if option.startswith("--")
    }
    assert options <= set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text_of_all()))


def test_the_commands_are_those_of_the_program():
    told = [re.findall(r"`([\w-]+)`", command)[0] for command, _ in table("command", "does")]
    assert sorted(told) == sorted(cli.COMMANDS)


def test_the_formats_are_those_of_the_program():
    told = [(bare(name), bare(file)) for name, file, _ in table("`-f`", "file", "for")]
    assert told == [(form.value, form.file) for form in Format]


@pytest.mark.parametrize("command", ["audit", "explain"])
def test_a_table_has_the_options_of_a_command_with_their_defaults(command):
    told = {
        frozenset(map(bare, options.split(", "))): bare(default)
        for options, default, _ in table(f"option of {command}", "default", "meaning")
    }
    assert told == {
        frozenset(parameter.opts): default_of(parameter)
        for parameter in cli.load(command).params
        if parameter.param_type_name == "option" and "--help" not in parameter.opts
    }


def default_of(parameter):
    """What stands in the column: switches are off, and nothing is said of what is counted."""
    return "" if parameter.default in {None, 0} else str(parameter.default)


# -- the README


def shell_commands():
    return re.findall(r"^```sh\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


def test_it_opens_with_a_result_and_the_demo_and_the_tests():
    demo, tests = shell_commands()
    assert demo.endswith("/scopeprobe demo\n")
    assert tests.endswith("/pytest\n")
    assert demo.count("\n") == tests.count("\n") == 1
    title, what_it_is, result = README.read_text().partition("\n## ")[0].split("\n\n", 2)
    assert title == "# scopeprobe"
    assert what_it_is.startswith("scopeprobe finds out")
    assert len(CONSOLE.findall(result)) == 1


def test_its_verdicts_are_those_of_the_manual():
    marked = table("mark", "verdict", "when, and only when")
    assert [row[1:] for row in marked] == table("verdict", "when, and only when")


def test_it_is_short():
    assert len(README.read_text().splitlines()) <= 250


# -- tables


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
    parts = (Connection, ServerLimits, ProviderTraits)
    defaults = {field.name: field.default for part in parts for field in fields(part)}
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
    yield from keys_of({**get_type_hints(PackTable), **get_type_hints(ProviderTraits)})


def keys_of(types, place=""):
    for name, type_ in types.items():
        tables = [part for part in get_args(type_) if is_dataclass(part)]
        if tables:
            yield from keys_of(get_type_hints(tables[0]), f"{place}{name}.")
        else:
            yield f"{place}{name}"


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
    rows = table("finding", "when", "fails the run by default")
    assert tuple(bare(row[0]) for row in rows) == tuple(FindingKind)
    default = [parameter.default for parameter in audit_options() if parameter.name == "fail_on"]
    assert ",".join(bare(row[0]) for row in rows if row[2] == "yes") == default[0]


def audit_options():
    return cli.load("audit").params


def test_the_columns_are_those_of_the_reports():
    assert tuple(bare(row[0]) for row in table("column", "holds")) == tuple(
        column.name for column in COLUMNS
    )


def test_the_columns_of_the_findings_are_those_of_the_file():
    rows = table("column of findings.csv", "holds")
    assert tuple(bare(name) for row in rows for name in row[0].split(",")) == FINDINGS_COLUMNS


def test_the_members_of_the_summary_are_those_of_its_shape():
    told = [bare(row[0]) for row in table("member of summary.json", "holds")]
    members = {field.name for field in fields(Summary)}
    assert set(told) == members


def test_no_line_of_output_is_wider_than_a_terminal():
    """But for those that a terminal wraps itself: they name paths, or quote what is wrong."""
    whole = ("$ ", "--", "error: ", "notice: ", "wrote ", "to learn why: ")
    wide = [
        line
        for block in CONSOLE.findall(text_of_all())
        for line in block.splitlines()
        if len(line) > 80 and not line.lstrip().startswith(whole)
    ]
    assert wide == []


def test_the_exit_codes_are_those_of_the_program():
    codes = [int(row[0]) for row in table("code", "meaning")]
    stopped = {128 + signal.SIGTERM, 128 + signal.SIGHUP}
    assert sorted(codes) == sorted({*map(int, Exit), *stopped})


def test_the_log_events_are_those_of_the_model():
    paragraph = text_of_all().partition("The event names are constants")[2].partition("\n\n")[0]
    told = re.findall(r"`(\w+)`", paragraph)
    events = [event.name for event in get_args(Event)]
    assert sorted(told) == sorted([*events, "finding", "progress", "notice", "run_summary"])
