"""The findings of a run, the worst first: what `findings.csv` and the last lines of a run say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from scopeprobe.model.cell import PermissionMap, Reason
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.policy.incidents import EVERY_SERVER
from scopeprobe.reports.csv_files import csv_text, inert
from scopeprobe.reports.rules import rules
from scopeprobe.reports.summary import ClientSummary, Commands, Summary
from scopeprobe.reports.texts import counted

ERROR, WARNING = "error", "warning"
"""A finding that fails the run, and one that does not."""
COLUMNS = (
    "severity", "kind", "client", "audience", "scope", "verdict", "reason", "owner", "detail",
    "since", "next_step",
)  # fmt: skip
FINDINGS_HEADER = ",".join(COLUMNS) + "\n"
_AWAY = frozenset({Reason.UNREACHABLE, Reason.TIMED_OUT, Reason.TLS_FAILURE})
_NOT_ASKED = frozenset(
    {Reason.NOT_ASKED, Reason.BUDGET_SPENT, Reason.DEADLINE, Reason.QUIET, Reason.INTERRUPTED}
)
"""Where nothing needs to be explained: the run ended first."""


def worst_first(summary: Summary) -> list[tuple[str, Finding]]:
    """Every finding with its severity: servers before clients, errors before warnings."""
    ranks = {kind: rank for rank, kind in enumerate(rules())}

    def badness(one: Finding) -> tuple[int, bool, str, str, str, str]:
        return ranks[one.kind], not one.server, one.server, one.client, one.audience, one.scope

    return [
        (severity, one)
        for severity, found in ((ERROR, summary.findings), (WARNING, summary.warnings))
        for one in sorted(found, key=badness)
    ]


def report_findings(_maps: Iterable[PermissionMap], summary: Summary) -> Iterator[str]:
    """`findings.csv`: the header alone where there are none."""
    yield FINDINGS_HEADER
    for members in findings_members(summary):
        yield csv_text([[inert(members[column]) for column in COLUMNS]])


def findings_members(summary: Summary) -> Iterator[dict[str, str]]:
    """What is told of each finding, by column, the worst first."""
    for severity, one in worst_first(summary):
        yield {
            "severity": severity,
            "kind": one.kind,
            "client": one.client,
            "audience": one.audience,
            "scope": one.scope,
            "verdict": one.verdict,
            "reason": one.reason,
            "owner": one.owner,
            "detail": one.detail,
            "since": one.since,
            "next_step": next_step(one, summary.commands),
        }


def next_step(one: Finding, commands: Commands = Commands()) -> str:  # noqa: B008 - frozen
    """What to do about it, or to type."""
    if one.reason in _NOT_ASKED:
        return "go on with --resume"
    client = one.clients[0] if one.clients else one.client
    return rules()[one.kind].next_step_for(client, commands)


def is_explained(one: Finding) -> bool:
    """`explain` says why."""
    return rules()[one.kind].is_explained and one.reason not in _NOT_ASKED


def described(one: Finding, clients: Mapping[ClientName, ClientSummary]) -> list[ClientSummary]:
    """The clients that it is about, as far as a clients file describes them."""
    named = (clients[name] for name in one.clients or (one.client,) if name in clients)
    return [client for client in named if client.file]


# -- in one line


def sentence(one: Finding, commands: Commands = Commands()) -> str:  # noqa: B008 - frozen
    """What is wrong where, and what to do about it."""
    where = " ".join(filter(None, (one.subject, one.audience, one.scope)))
    what = one.detail.removeprefix(f"{one.server}: ").removesuffix(".")
    return f"{where}: {what}. To do: {next_step(one, commands)}."


def headline(summary: Summary) -> str:
    """The findings by kind, the worst first."""
    away = [one for one in summary.warnings if _is_away(one)]
    others = len(summary.warnings) - len(away)
    parts = [
        ", ".join(_counts(summary.findings)),
        _who_is_away([one.server for one in away]),
        counted(others, "warning") if others else "",
    ]
    if not summary.findings and not away:
        parts[0] = "no finding fails the run" if summary.warnings else "no findings"
    return "; ".join(filter(None, parts))


def _who_is_away(servers: Sequence[str]) -> str:
    if EVERY_SERVER in servers:
        return "no server can be reached"
    return f"{counted(len(servers), 'server')} cannot be reached" if servers else ""


def _is_away(one: Finding) -> bool:
    """A server that gives no answers to anybody."""
    return bool(one.server) and one.kind is FindingKind.UNKNOWN and one.reason in _AWAY


def _counts(found: Iterable[Finding]) -> Iterator[str]:
    found = list(found)
    locked_out = {
        name
        for one in found
        if one.kind is FindingKind.UNAUTHENTICATED
        for name in one.clients or (one.client,)
    }
    if locked_out:
        yield f"{counted(len(locked_out), 'client')} cannot log in"
    kinds = Counter(one.kind for one in found)
    for kind in rules():
        if kinds[kind] and kind is not FindingKind.UNAUTHENTICATED:
            yield f"{kinds[kind]} {kind.replace('_', ' ')}"
