"""Policy files and baselines, read and checked like clients files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import tomlkit
from pydantic import Field, ValidationError
from tomlkit.items import Table

from scopeprobe.inputs.client_builder import expectation_of
from scopeprobe.inputs.clients_file import add_errors, unknown_key
from scopeprobe.inputs.fleet import Fleet
from scopeprobe.inputs.parsers import read_document
from scopeprobe.inputs.problems import Place, Problems
from scopeprobe.inputs.schema import Date, Entry, ExpectEntry, Text, Texts
from scopeprobe.inputs.sources import StandardInput
from scopeprobe.model.cell import CellKey, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.scope_names import Scope
from scopeprobe.policy import (
    Baseline,
    FindingKind,
    Rule,
    Waiver,
    complaints_of_rules,
    unmatched_expectations,
)

E = TypeVar("E", bound=Entry)
_ACCEPTED = (Verdict.GRANTED, Verdict.DENIED, Verdict.UNENFORCED)
_ACCEPTED_TABLES = re.compile(r"^\[\[accepted\]\]\n(?:(?![\[#]).*\n?)*", re.MULTILINE)
"""A table that `baseline write` wrote, up to the next table or comment."""
_HEAD = """\
# What was accepted, written by `scopeprobe baseline write`. Waivers and comments are yours: they
# stay as they are.
"""


class RuleEntry(Entry):
    tags: Annotated[Texts, Field(min_length=1)]
    """It holds for clients with all of these tags."""
    audience: Text | None = None
    """The target that it is about; all unless given."""
    expect: ExpectEntry
    """What should be, beside what the clients say themselves."""
    allow_unmatched: bool = False
    """There may be no client with these tags."""


class PolicyEntry(Entry):
    """What fleets are expected to have, by the tags of clients."""

    rules: Annotated[tuple[RuleEntry, ...], Field(strict=False)] = ()
    """What clients with certain tags are expected to have."""


class AcceptedEntry(Entry):
    client: Text
    """Its name."""
    audience: str = ""
    """The target; empty for the only one."""
    granted: Texts = ()
    """Scopes that are accepted as granted."""
    denied: Texts = ()
    """Scopes that are accepted as denied."""
    unenforced: Texts = ()
    """Scopes that are accepted as unenforced."""
    unauthenticated: bool = False
    """That it cannot log in is accepted."""


class WaiverEntry(Entry):
    owner: Text
    """Who answers for the waiver."""
    reason: Text
    """Why the finding is waived."""
    expires: Date
    """The last day of the waiver; after it the waiver itself is a finding."""
    client: Text
    """The name of a client, or a glob of names."""
    scope: Text = "*"
    """A scope, or a glob of scopes."""
    audience: Text = ""
    """The target; any unless given."""
    kind: Annotated[FindingKind, Field(strict=False)] | None = None
    """Which findings; any but `stale_waiver` unless given."""


class BaselineEntry(Entry):
    """What was found and accepted, and waivers."""

    accepted: Annotated[tuple[AcceptedEntry, ...], Field(strict=False)] = ()
    """What was found and accepted; `scopeprobe baseline write` writes it."""
    waivers: Annotated[tuple[WaiverEntry, ...], Field(strict=False)] = ()
    """Findings that are no findings for a while."""


def read_policy(path: Path, fleet: Fleet | None = None) -> tuple[Rule, ...]:
    """
    Read a policy file: `[[rules]]` with `tags`, `expect` and, where it is about one, `audience`.

    :param fleet: whom the rules are for; None: nobody knows yet.
    :raises InputError: with all that is wrong with it, also rules that hold for nobody and patterns
        that match no candidate.
    """
    problems = Problems()
    entries = _entries(path, {"rules": RuleEntry}, problems)["rules"]
    problems.raise_errors()
    rules = []
    for place, entry in entries:
        assert isinstance(entry, RuleEntry)  # noqa: S101 - its section was read so
        rules.append(
            Rule(
                frozenset(entry.tags),
                expectation_of(entry.expect, place.at("expect")),
                entry.audience,
                entry.allow_unmatched,
                str(place),
            )
        )
    if fleet is not None:
        problems.errors += complaints_of_rules(fleet.described, rules)
        unmatched = unmatched_expectations(fleet.described, rules, unread=fleet.unread)
        problems.errors += [str(one) for one in unmatched if not one.is_guard]
        problems.raise_errors()
    return tuple(rules)


def read_baseline(path: Path) -> Baseline:
    """
    Read a baseline: `[[accepted]]` cells by client and audience, and `[[waivers]]`.

    :raises InputError: with all that is wrong with it.
    """
    problems = Problems()
    sections = _entries(path, {"accepted": AcceptedEntry, "waivers": WaiverEntry}, problems)
    problems.raise_errors()
    verdicts: dict[CellKey, Verdict] = {}
    failing = set()
    for _, entry in sections["accepted"]:
        assert isinstance(entry, AcceptedEntry)  # noqa: S101 - its section was read so
        for verdict in _ACCEPTED:
            for scope in getattr(entry, verdict):
                verdicts[entry.client, entry.audience, scope] = verdict
        if entry.unauthenticated:
            failing.add(ClientName(entry.client))
    waivers = tuple(Waiver(**entry.model_dump()) for _, entry in sections["waivers"])
    return Baseline(verdicts, frozenset(failing), waivers)


def baseline_text(baseline: Baseline, before: str = _HEAD) -> str:
    """The text of a baseline's file; what people wrote into the file `before` is kept."""
    kept = _ACCEPTED_TABLES.sub("", before).rstrip("\n")
    accepted = tomlkit.aot()
    for client, audience in sorted({(cell[0], cell[1]) for cell in _cells(baseline)}):
        accepted.append(_table(baseline, client, audience))
    document = tomlkit.document()
    document["accepted"] = accepted
    return f"{kept}\n\n{tomlkit.dumps(document)}"


def _cells(baseline: Baseline) -> Iterable[CellKey]:
    yield from baseline.verdicts
    yield from ((client, "", Scope("")) for client in baseline.unauthenticated)


def _table(baseline: Baseline, client: str, audience: str) -> Table:
    table = tomlkit.table()
    table["client"] = client
    if audience:
        table["audience"] = audience
    if not audience and client in baseline.unauthenticated:
        table["unauthenticated"] = True
    for verdict in _ACCEPTED:
        scopes = tomlkit.array()
        for cell, accepted in sorted(baseline.verdicts.items()):
            if cell[:2] == (client, audience) and accepted is verdict:
                scopes.append(cell[2])
        if scopes:
            table[verdict.value] = scopes.multiline(len(scopes) > 1)
    return table


def _entries(
    path: Path, models: dict[str, type[Entry]], problems: Problems
) -> dict[str, list[tuple[Place, Entry]]]:
    """Read sections that are lists of tables; each table is checked by itself."""
    document = read_document(path, StandardInput(None))
    data = {} if document.data is None else document.data
    found: dict[str, list[tuple[Place, Entry]]] = {name: [] for name in models}
    if not isinstance(data, dict):
        problems.error(document.place, "must be a table")
        return found
    for name, items in data.items():
        place = document.place.at(name)
        if name not in models:
            problems.error(place, unknown_key(name, tuple(models)))
        elif not isinstance(items, list):
            problems.error(place, f"must be a list of tables: write [[{name}]] in TOML")
        else:
            for index, item in enumerate(items):
                _check(models[name], item, place.at(index), problems, found[name])
    return found


def _check(
    model: type[Entry],
    item: object,
    place: Place,
    problems: Problems,
    found: list[tuple[Place, Entry]],
) -> None:
    try:
        found.append((place, model.model_validate(item)))
    except ValidationError as error:
        add_errors(error, model, place, problems)
