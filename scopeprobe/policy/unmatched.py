"""Expectations that match nothing: a typo in one would be green for ever."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from scopeprobe.errors import did_you_mean
from scopeprobe.model.cell import CellKey
from scopeprobe.model.client import Client, ClientName, Expectation, Target
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.policy.findings import Rule

ALLOWED = "; where that is meant, write allow_unmatched = true beside it"
_GLOB = re.compile(r"[*?\[]")
_SEPARATOR = re.compile(r"[^a-zA-Z0-9]")


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A pattern that matches no candidate of any target that it holds for."""

    place: str
    client: ClientName
    """Empty where it was written for several."""
    audience: str
    pattern: str
    is_guard: bool
    """A pattern of what nobody is to have: it may be there for scopes that are still to come."""
    detail: str

    def __str__(self) -> str:
        return f"{self.place}: {self.pattern} {self.detail}"

    def as_finding(self) -> Finding:
        told = f"{self.place}: {self.detail}"
        kind = FindingKind.UNMATCHED_EXPECTATION
        return Finding(kind, self.client, self.audience, self.pattern, told)


@dataclass(slots=True)
class _Written:
    """What is written in one place, and the targets that it holds for."""

    expect: Expectation
    holders: list[tuple[Client, Target]] = field(default_factory=list)

    @property
    def client(self) -> ClientName:
        names = {client.name for client, _ in self.holders}
        return names.pop() if len(names) == 1 else ClientName("")

    @property
    def audience(self) -> str:
        labels = {target.label for _, target in self.holders}
        return labels.pop() if len(labels) == 1 else ""


def unmatched_expectations(
    clients: Iterable[Client],
    rules: Iterable[Rule] = (),
    *,
    found: Iterable[CellKey] = (),
    unread: Collection[ClientName] = (),
) -> Iterator[Unmatched]:
    """
    Patterns of clients and rules that match no candidate, unless `allow_unmatched` is beside them.

    :param clients: all of the inputs, of which a run may ask only some.
    :param found: cells of a run; a rights API tells of scopes that were no candidates.
    :param unread: clients whose candidates are not all known: nothing is said of what is for them.
    """
    clients = list(clients)
    told: dict[tuple[str, str], set[str]] = {}
    for name, audience, scope in found:
        told.setdefault((name, audience), set()).add(scope)
    for one in (*_of_clients(clients), *_of_rules(clients, rules)):
        names = {client.name for client, _ in one.holders}
        if one.expect.allows_unmatched or not names or not names.isdisjoint(unread):
            continue
        known: set[str] = {scope for _, target in one.holders for scope in target.candidates}
        known.update(*(told.get((client.name, target.label), ()) for client, target in one.holders))
        yield from _unmatched(one, known)


def _of_clients(clients: Iterable[Client]) -> Iterable[_Written]:
    """By place: defaults hold for many clients, and a client's own for all of its targets."""
    written: dict[object, _Written] = {}
    for client in clients:
        for target in client.targets:
            place = target.expect.place or (client.name, target.label)
            written.setdefault(place, _Written(target.expect)).holders.append((client, target))
    return written.values()


def _of_rules(clients: Sequence[Client], rules: Iterable[Rule]) -> Iterator[_Written]:
    for rule in rules:
        yield _Written(
            rule.expect,
            [
                (client, target)
                for client in clients
                for target in client.targets
                if rule.holds_for(client, target)
            ],
        )


def _unmatched(one: _Written, known: Collection[str]) -> Iterator[Unmatched]:
    for key, patterns in (("granted", one.expect.granted or ()), ("denied", one.expect.denied)):
        for pattern in patterns:
            if not _matches_some(pattern, known):
                yield Unmatched(
                    place=f"{one.expect.place}.{key}" if one.expect.place else key,
                    client=one.client,
                    audience=one.audience,
                    pattern=pattern,
                    is_guard=key == "denied" and _GLOB.search(pattern) is not None,
                    detail=f"matches no candidate{_alike(pattern, known) or ALLOWED}",
                )


def _alike(pattern: str, known: Collection[str]) -> str:
    """Which name was probably meant, or which beginning of names by a glob such as `invocies.*`."""
    glob = _GLOB.search(pattern)
    if glob is None:
        return did_you_mean(pattern, known)
    head, rest = pattern[: glob.start()], pattern[glob.start() :]
    if rest != "*":
        return ""
    heads = {name[: cut.end()] for name in known for cut in _SEPARATOR.finditer(name)}
    near = did_you_mean(head, heads)
    return near and f"{near.removesuffix('?')}*?"


def _matches_some(pattern: str, known: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in known)


def complaints_of_rules(clients: Sequence[Client], rules: Iterable[Rule]) -> Iterator[str]:
    """Rules that hold for nobody: a tag that no client has, or an audience of no target."""
    tags = {tag for client in clients for tag in client.tags}
    for rule in rules:
        unknown = sorted(rule.tags - tags)
        members = [client for client in clients if rule.tags <= set(client.tags)]
        labels = {target.label for client in members for target in client.targets}
        if rule.allows_unmatched:
            continue
        for tag in unknown:
            near = did_you_mean(tag, tags) or ALLOWED
            yield f"{rule.place}.tags: no client has the tag {tag}{near}"
        if not unknown and not members:
            yield f"{rule.place}.tags: no client has all of them{ALLOWED}"
        elif members and rule.audience is not None and rule.audience not in labels:
            near = did_you_mean(rule.audience, labels) or ALLOWED
            yield f"{rule.place}.audience: no client with these tags has that audience{near}"
