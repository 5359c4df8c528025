"""A run taken apart: what it found of the clients of each owner, tag or server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import sha256

from scopeprobe.model.cell import PermissionMap, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding
from scopeprobe.policy.history import Past
from scopeprobe.reports.summary import ClientSummary, Summary, counts

UNNAMED = "none"
"""The folder of clients without owner or tag."""
_LONGEST = 60
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class SplitBy(StrEnum):
    """What a run is taken apart by, and the groups of a client."""

    OWNER = "owner"
    TAG = "tag"
    SERVER = "server"

    def groups_of(self, client: ClientSummary) -> tuple[str, ...]:
        match self:
            case SplitBy.OWNER:
                return (client.owner,)
            case SplitBy.TAG:
                return client.tags or ("",)
            case SplitBy.SERVER:
                return (client.server,)

    @property
    def folder(self) -> str:
        return f"by-{self}"


@dataclass(frozen=True, slots=True)
class Part:
    """What was found of one group, in the form of a run."""

    by: SplitBy
    folder: str
    """Its name: no way out of the folder around it, whatever the group is called."""
    maps: tuple[PermissionMap, ...]
    summary: Summary
    """Requests, tokens and times are those of the whole run."""
    past: Past | None


def parts(
    maps: Sequence[PermissionMap], summary: Summary, past: Past | None, by: SplitBy
) -> Iterator[Part]:
    """One part a group, by name. A client with two tags is in the parts of both."""
    groups: dict[str, list[ClientSummary]] = {}
    for client in summary.clients:
        for group in by.groups_of(client):
            groups.setdefault(group, []).append(client)
    folders = _folders(sorted(groups))
    for group, members in sorted(groups.items()):
        names = {client.name for client in members}
        mine = tuple(one for one in maps if one.client in names)
        yield Part(
            by,
            folders[group],
            mine,
            _summary_of(summary, members, mine),
            past and replace(past, clients=[name for name in past.clients if name in names]),
        )


def _folders(groups: Iterable[str]) -> Mapping[str, str]:
    """A folder name for each; where one is not its group's own name, a digest tells it apart."""
    folders: dict[str, str] = {}
    taken: set[str] = set()
    for group in groups:
        name = _NOT_IN_NAMES.sub("-", group or UNNAMED).strip(".-")[:_LONGEST]
        if name != (group or UNNAMED) or name.lower() in taken:
            digest = sha256(group.encode("utf-8", "surrogatepass")).hexdigest()[:8]
            name = f"{name}-{digest}".lstrip("-")
        taken.add(name.lower())
        folders[group] = name
    return folders


def _summary_of(
    summary: Summary, members: Sequence[ClientSummary], maps: Sequence[PermissionMap]
) -> Summary:
    names, servers = {one.name for one in members}, {one.server for one in members}
    not_tested = tuple(one for one in summary.not_tested if one.client in names)
    left = [told for permissions in maps for told in permissions.tally]
    is_open = any(verdict is Verdict.UNKNOWN and reason.is_open for verdict, reason in left)
    is_open |= any(not one.cells for one in not_tested)
    findings = tuple(_about(summary.findings, names))
    return replace(
        summary,
        complete=summary.complete or not is_open,
        over_bar=bool(findings),
        counts=counts(maps),
        clients=tuple(members),
        servers=tuple(one for one in summary.servers if one.name in servers),
        not_tested=not_tested,
        findings=findings,
        warnings=tuple(_about(summary.warnings, names)),
        shared_tokens=tuple(name for name in summary.shared_tokens if name in servers),
    )


def _about(found: Iterable[Finding], names: set[ClientName]) -> Iterator[Finding]:
    """Those of these clients; waivers name clients by globs, incidents name several."""
    for one in found:
        mine = tuple(name for name in one.clients if name in names)
        if mine:
            yield replace(one, clients=mine)
        elif one.client and any(fnmatchcase(name, one.client) for name in names):
            yield one
