"""The findings at the end of a run: for people grouped by client, for machines one event each."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from scopeprobe.cli.logs import ERROR, WARNING, LogObserver
from scopeprobe.cli.options import DEFAULT_OUT
from scopeprobe.cli.streams import wrapped
from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.reports import findings
from scopeprobe.reports.findings import is_explained, worst_first
from scopeprobe.reports.formats import Format
from scopeprobe.reports.summary import Summary

MOST_LINES = 20
"""Findings that are named one by one; the file has them all."""
MOST_OF_ONE = 5
"""Those of one client or server: it hides no other."""
MOST_COMMANDS = 3
"""Clients and servers that get a command each to learn why; more get one for all."""
_LEVELS = {findings.ERROR: ERROR, findings.WARNING: WARNING}
_SINCE = {FindingKind.EXCESS, FindingKind.CHANGED}
"""Kinds of which the question is since when."""

WordsToExplain: TypeAlias = Callable[[PermissionMap | None], Sequence[str]]
"""The words by which `explain` asks for what a client was asked; None: for all that need it."""


def log_findings(summary: Summary, logs: LogObserver, *, for_people: bool) -> None:
    """One event each, the worst last; people are told on the terminal, and the log file of all."""
    log = logs.record if for_people else logs.log
    for members, (severity, one) in reversed(
        list(zip(findings.findings_members(summary), worst_first(summary), strict=True))
    ):
        del members["severity"]
        log(_LEVELS[severity], "finding", **members, server=one.server)


def finding_lines(
    summary: Summary, maps: Sequence[PermissionMap], out: Path, words: WordsToExplain | None
) -> Iterator[str]:
    """
    The findings by client or server, the worst last, each with the command that explains it.

    :param words: those by which `explain` asks for the same; None: there are none.
    """
    told = worst_first(summary)
    groups: dict[str, list[tuple[str, Finding]]] = {}
    shown = 0
    for severity, one in told:
        group = groups.get(one.subject, [])
        if shown < MOST_LINES and len(group) < MOST_OF_ONE:
            groups[one.subject] = [*group, (severity, one)]
            shown += 1
    if len(told) > shown:
        yield f"… and {len(told) - shown} more in {out / Format.FINDINGS.file}"
    explained = {one.subject for _, one in told if is_explained(one)}
    has_one_for_all = len(explained) > MOST_COMMANDS
    by_client = {permissions.client: permissions for permissions in maps}
    for subject, members in reversed(groups.items()):
        yield subject
        yield from (_line(severity, one) for severity, one in reversed(members))
        first = members[0][1]
        client = first.clients[0] if first.clients else first.client
        if subject in explained:
            if words is not None and not has_one_for_all:
                yield f"  to learn why: {command('explain', out, words(by_client[client]))}"
        elif any(one.kind in _SINCE for _, one in members):
            yield f"  since when: {command('history', out, [client])}"
    if has_one_for_all and words is not None:
        yield f"to learn why: {command('explain', out, words(None))}"


def _line(severity: str, one: Finding) -> str:
    is_warning = severity == findings.WARNING
    parts = (
        f"warning, {one.kind}" if is_warning else one.kind,
        " ".join(filter(None, (one.audience, one.scope))),
        one.detail.removeprefix(f"{one.server}: "),
    )
    text = ": ".join(filter(None, parts))
    return wrapped(text, "  ", "    ")


def command(name: str, out: Path, words: Sequence[str]) -> str:
    """A command line that looks into an output folder, to be pasted."""
    folder = () if out == DEFAULT_OUT else ("-o", str(out))
    return shlex.join(("scopeprobe", name, *folder, *words))
