"""What was accepted, and what is waived for a while: `baseline.toml`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase

from scopeprobe.model.cell import Cell, CellKey, PermissionMap, Verdict
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind

_HAS = {Verdict.GRANTED, Verdict.UNENFORCED}


@dataclass(frozen=True, slots=True)
class Waiver:
    """Findings that an owner answers for until a day. Globs; an empty `audience` is any."""

    owner: str
    reason: str
    expires: date
    """The last day on which it holds."""
    client: str
    scope: str = "*"
    audience: str = ""
    kind: FindingKind | None = None
    """The kind of findings it covers; None: any but `stale_waiver`."""

    def covers(self, one: Finding) -> bool:
        return (
            one.kind is not FindingKind.STALE_WAIVER
            and self.kind in {None, one.kind}
            and self.is_about(one.client, one.audience, one.scope)
        )

    def is_about(self, client: str, audience: str, scope: str) -> bool:
        return (
            fnmatchcase(client, self.client)
            and fnmatchcase(scope, self.scope)
            and (not self.audience or fnmatchcase(audience, self.audience))
        )


@dataclass(frozen=True, slots=True)
class Baseline:
    """The verdicts that were accepted, by cell, and the clients accepted as failing."""

    verdicts: Mapping[CellKey, Verdict] = field(default_factory=dict)
    unauthenticated: frozenset[ClientName] = frozenset()
    waivers: tuple[Waiver, ...] = ()

    def accepts(self, one: Finding, found: Mapping[CellKey, Cell]) -> bool:
        """The finding was there when the baseline was written."""
        if one.kind is FindingKind.UNAUTHENTICATED and not one.scope:
            return one.client in self.unauthenticated
        if one.kind not in {FindingKind.MISSING, FindingKind.EXCESS, FindingKind.UNENFORCED}:
            return False
        cell = one.client, one.audience, one.scope
        return cell in found and self.verdicts.get(cell) is found[cell].verdict

    def accepted(self, found: Iterable[Finding], maps: Sequence[PermissionMap]) -> list[Finding]:
        """Those of a run's findings, of the maps given, that are none any more with it."""
        cells = {cell.key: cell for permissions in maps for cell in permissions.cells}
        return [one for one in found if all(self.accepts(p, cells) for p in _parts(one, maps))]

    def findings(self, maps: Iterable[PermissionMap]) -> Iterator[Finding]:
        """Proved cells that are no longer as they were accepted. `unknown` is no finding."""
        for permissions in maps:
            for cell in permissions.cells:
                was = self.verdicts.get(cell.key)
                if (found := _finding(cell, was)) is not None:
                    kind, detail = found
                    yield Finding(kind, cell.client, cell.audience, cell.scope, detail)

    def renewed(self, maps: Iterable[PermissionMap]) -> Baseline:
        """The baseline that accepts these maps; what they do not prove stays as it was accepted."""
        verdicts, failing = dict(self.verdicts), set(self.unauthenticated)
        for permissions in maps:
            failing.discard(permissions.client)
            if permissions.is_unauthenticated:
                failing.add(permissions.client)
            for cell in permissions.cells:
                if cell.is_proved:
                    verdicts[cell.key] = cell.verdict
        return Baseline(verdicts, frozenset(failing), self.waivers)


def _parts(one: Finding, maps: Iterable[PermissionMap]) -> list[Finding]:
    """What an incident of several clients or scopes was made of."""
    clients = one.clients or (one.client,)
    if one.kind is FindingKind.UNAUTHENTICATED and not one.scope:
        return [replace(one, client=client) for client in clients]
    if one.scope:
        return [one]
    return [
        replace(one, client=cell.client, audience=cell.audience, scope=cell.scope)
        for permissions in maps
        if permissions.client in clients
        for cell in permissions.cells
        if cell.verdict == one.verdict
    ]


def _finding(cell: Cell, was: Verdict | None) -> tuple[FindingKind, str] | None:
    is_now = cell.verdict
    if is_now is Verdict.DENIED and was in _HAS:
        return FindingKind.MISSING, f"was accepted as {was}, is denied: {cell.reason}"
    if is_now in _HAS and was not in _HAS:
        before = f"was accepted as {was}" if was else "is not in the baseline"
        return FindingKind.EXCESS, f"{before}, is {is_now}: {cell.reason}"
    return None


def waived(
    found: Collection[Finding],
    waivers: Iterable[Waiver],
    maps: Iterable[PermissionMap],
    today: date,
) -> Iterator[Finding]:
    """
    What no waiver covers, and the waivers that have expired or that nothing needs any more.

    A waiver is needed as long as a cell that it is about is not proved: nobody knows yet.
    """
    waivers = list(waivers)
    holding = [waiver for waiver in waivers if waiver.expires >= today]
    yield from (one for one in found if not any(waiver.covers(one) for waiver in holding))
    settled = _settled(waivers, maps)
    for waiver in waivers:
        is_needed = any(waiver.covers(one) for one in found)
        if waiver not in holding:
            yield _stale(waiver, f"expired on {waiver.expires}: {waiver.reason} ({waiver.owner})")
        elif waiver in settled and not is_needed:
            yield _stale(waiver, f"nothing needs it any more: {waiver.reason} ({waiver.owner})")


def _settled(waivers: Sequence[Waiver], maps: Iterable[PermissionMap]) -> list[Waiver]:
    """Those that are about some cells, all of which are proved."""
    about: dict[bool, list[Waiver]] = {True: [], False: []}
    for permissions in maps if waivers else ():
        mine = [waiver for waiver in waivers if fnmatchcase(permissions.client, waiver.client)]
        for cell in permissions.cells if mine else ():
            about[cell.is_proved] += [
                waiver
                for waiver in mine
                if waiver not in about[cell.is_proved] and waiver.is_about(*cell.key)
            ]
    return [waiver for waiver in about[True] if waiver not in about[False]]


def _stale(waiver: Waiver, detail: str) -> Finding:
    return Finding(
        FindingKind.STALE_WAIVER, ClientName(waiver.client), waiver.audience, waiver.scope, detail
    )
