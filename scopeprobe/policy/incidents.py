"""One incident is one finding: what fails alike is told once, and since when it does."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

from scopeprobe.model.cell import (
    Cell,
    CellKey,
    PermissionMap,
    Reason,
    Verdict,
    what_stood_in_the_way,
)
from scopeprobe.model.client import Client, ClientName
from scopeprobe.model.finding import Finding, FindingKind

EVERY_SERVER = "every server"
"""In the place of a server's name where none could be reached: look at this machine's way out."""
_KINDS = {
    Verdict.UNAUTHENTICATED: FindingKind.UNAUTHENTICATED,
    Verdict.UNKNOWN: FindingKind.UNKNOWN,
    Verdict.UNENFORCED: FindingKind.UNENFORCED,
}
THIS_RUN = "this run"
"""In the place of a server's name where the run ended before it asked."""
_RUN_ENDED = frozenset(
    {Reason.NOT_ASKED, Reason.BUDGET_SPENT, Reason.DEADLINE, Reason.QUIET, Reason.INTERRUPTED}
)
_FOLDED = frozenset(_KINDS.values())
_OF_NO_CELL = frozenset(
    {FindingKind.SECRET_EXPIRY, FindingKind.STALE_WAIVER, FindingKind.UNMATCHED_EXPECTATION}
)
_MOST_NAMES = 5
Nights: TypeAlias = Sequence[tuple[date, PermissionMap]]
"""What runs found out about one client, the newest first."""
_Verdicts: TypeAlias = Mapping[tuple[str, str], AbstractSet[Verdict]]
"""What one of them found out, by audience and scope."""
_ANYWHERE = ("", " ")
"""In the place of both: no scope has a space."""


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why no cell of a server was proved to be granted or denied."""

    verdict: Verdict
    reason: Reason
    words: str = ""
    """What stood in the way, where something did."""
    code: str = ""
    """The same as a code: servers that share it may be behind one broken way out."""


def incidents(
    found: Iterable[Finding], maps: Sequence[PermissionMap], clients: Iterable[Client]
) -> list[Finding]:
    """Findings with their verdicts and owners, of which those of one incident became one."""
    by_name = {client.name: client for client in clients}
    cells = _CellsOf(maps)
    told = [_completed(one, cells.of(one), by_name) for one in found]
    servers = {name: by_name[name].server.name for name in cells if name in by_name}
    causes = _causes(cells, servers)
    is_cut_off = _are_cut_off(list(causes.values()))
    by_incident: defaultdict[str, list[Finding]] = defaultdict(list)
    by_reason: defaultdict[str, list[Finding]] = defaultdict(list)
    rest = []
    for one in told:
        server = servers.get(one.client, "")
        if one.kind is FindingKind.UNKNOWN and one.reason in _RUN_ENDED:
            by_reason[one.reason].append(one)
        elif one.kind in _FOLDED and causes.get(server) is not None:
            by_incident[EVERY_SERVER if is_cut_off else server].append(one)
        else:
            rest.append(one)
    for server, parts in by_incident.items():
        cause = causes[next(iter(causes)) if is_cut_off else server]
        if is_cut_off and cause is not None and len(set(causes.values())) > 1:
            cause = replace(cause, words=cause.code)  # its words name a single server
        rest += _of_server(server, parts, cause, servers, cells)
    for reason, parts in by_reason.items():
        cause = _Cause(Verdict.UNKNOWN, Reason(reason))
        rest += _of_server(THIS_RUN, parts, cause, servers, cells)
    order = list(FindingKind)
    return sorted(
        _of_clients(rest, cells),
        key=lambda one: (one.client, one.audience, one.scope, order.index(one.kind), one.server),
    )


class _CellsOf(Mapping[ClientName, Sequence[Cell]]):
    """The cells of each client that has some, of which those of one are at hand at a time."""

    def __init__(self, maps: Sequence[PermissionMap]) -> None:
        self._maps = maps
        self._positions = {one.client: n for n, one in enumerate(maps) if one.tally}
        self._by_key: tuple[int, Mapping[CellKey, Cell]] = -1, {}
        """Of the client at a position, whom the last finding was about."""

    def __iter__(self) -> Iterator[ClientName]:
        return iter(self._positions)

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, client: ClientName) -> Sequence[Cell]:
        return self._maps[self._positions[client]].cells

    def of(self, one: Finding) -> Cell | None:
        """The cell that a finding is about, or the first of its target."""
        position = self._positions.get(one.client)
        if position is None:
            return None
        if self._by_key[0] != position:
            self._by_key = position, _by_key(self._maps[position].cells)
        return self._by_key[1].get((one.client, one.audience, one.scope))


def _by_key(cells: Sequence[Cell]) -> Mapping[CellKey, Cell]:
    """Each by its key, and the first of each target by the key without a scope."""
    by_key: dict[CellKey, Cell] = {}
    for cell in reversed(cells):
        by_key[cell.client, cell.audience, ""] = by_key[cell.key] = cell
    return by_key


def _completed(one: Finding, cell: Cell | None, clients: Mapping[ClientName, Client]) -> Finding:
    owner = clients[one.client].owner if one.client in clients else ""
    if cell is None or one.kind in _OF_NO_CELL:
        return replace(one, owner=owner)
    return replace(one, owner=owner, verdict=cell.verdict, reason=cell.reason)


# -- servers


def _causes(
    cells: Mapping[ClientName, Sequence[Cell]], servers: Mapping[ClientName, str]
) -> dict[str, _Cause | None]:
    """Of each server why all its clients fail alike; None where they do not."""
    of_server: defaultdict[str, list[Cell]] = defaultdict(list)
    answering = set[str]()
    for client, server in servers.items():
        mine = () if server in answering else cells[client]
        if any(cell.verdict not in _KINDS for cell in mine):
            answering.add(server)
        of_server[server] += mine
    return {
        server: None if server in answering else _cause(members)
        for server, members in of_server.items()
    }


def _cause(cells: Sequence[Cell]) -> _Cause | None:
    """
    Where a server is given up, its other clients are not asked, or not until that proves a thing.

    So neither is another cause than what its first clients met.
    """
    tally = Counter((cell.verdict, cell.reason) for cell in cells)
    pairs = tally
    for following in (Reason.ENDPOINT_LEFT_ALONE, Reason.AUTHENTICATION_UNPROVED):
        pairs = Counter({pair: n for pair, n in pairs.items() if pair[1] is not following}) or pairs
    verdicts = {verdict for verdict, _ in pairs}
    if len(verdicts) > 1:
        return None
    (verdict,) = verdicts
    is_alike = len(pairs) == 1 or all(reason.is_out_of_reach for _, reason in pairs)
    if not is_alike and verdict is not Verdict.UNENFORCED:
        return None
    verdict, reason = max(sorted(pairs), key=lambda pair: pairs[pair])
    alike = [cell for cell in cells if (cell.verdict, cell.reason) == (verdict, reason)]
    code = max((cell.error for cell in alike if cell.error), default="")
    return _Cause(verdict, reason, what_stood_in_the_way(alike), code)


def _are_cut_off(causes: Sequence[_Cause | None]) -> bool:
    """Whether several servers, and all of them, cannot be reached for one cause."""
    reasons = {None if cause is None else cause.reason for cause in causes}
    codes = {None if cause is None else cause.code for cause in causes}
    return len(causes) > 1 and reasons <= {Reason.UNREACHABLE, Reason.TIMED_OUT} and len(codes) == 1


def _of_server(
    server: str,
    parts: Sequence[Finding],
    cause: _Cause | None,
    servers: Mapping[ClientName, str],
    cells: Mapping[ClientName, Sequence[Cell]],
) -> Sequence[Finding]:
    """One finding of several clients; those of a single client stay its own."""
    names = tuple(sorted({one.client for one in parts}))
    if not names[1:] or cause is None:
        return parts
    kinds = {one.kind for one in parts}
    kind = _KINDS[cause.verdict] if _KINDS[cause.verdict] in kinds else min(kinds)
    members = sum(server in {EVERY_SERVER, THIS_RUN, its} for its in servers.values())
    how_many = f"all {members}" if members == len(names) else f"{len(names)} of {members}"
    unasked = sum(
        all(cell.reason is Reason.ENDPOINT_LEFT_ALONE for cell in cells[name]) for name in names
    )
    why = ": ".join(filter(None, (cause.reason, cause.words)))
    told = cause.reason is Reason.ENDPOINT_LEFT_ALONE
    given_up = f"; {unasked} not asked any more" if unasked and not told else ""
    return [
        Finding(
            kind=kind,
            client=ClientName(""),
            audience="",
            scope="",
            detail=f"{server}: {how_many} clients: {why}{given_up} ({_few(names)})",
            verdict=cause.verdict,
            reason=cause.reason,
            owner=_few(sorted({one.owner for one in parts} - {""})),
            server=server,
            clients=names,
        )
    ]


def _few(names: Sequence[str]) -> str:
    left = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {left} more" if left > 0 else "")


# -- clients


def _of_clients(
    found: Iterable[Finding], cells: Mapping[ClientName, Sequence[Cell]]
) -> Iterator[Finding]:
    """
    Cells of a target that were not settled, or not enforced, for one reason are one finding.

    So are those of a target that are all alike. What was settled cell by cell is told so.
    """
    groups: defaultdict[tuple[str, ...], list[Finding]] = defaultdict(list)
    for one in found:
        if one.kind in _FOLDED and one.scope:
            groups[one.kind, one.client, one.audience, one.reason].append(one)
        else:
            yield one
    for parts in groups.values():
        first = parts[0]
        target = [cell for cell in cells[first.client] if cell.audience == first.audience]
        is_one = first.kind is not FindingKind.UNKNOWN or Reason(first.reason).is_open
        if len(parts) > 1 and (is_one or len(parts) == len(target)):
            how_many = f"{len(parts)} of its {len(target)} scopes"
            alike = [cell for cell in target if cell.reason == first.reason]
            words = (how_many, first.reason, what_stood_in_the_way(alike))
            yield replace(first, scope="", detail=": ".join(filter(None, words)))
        else:
            yield from parts


# -- since when


def dated(
    found: Iterable[Finding], nights_of: Callable[[ClientName], Nights], today: date
) -> list[Finding]:
    """Findings with the day of the first run that found them so without a break."""
    by_client: dict[ClientName, list[tuple[date, _Verdicts]]] = {}

    def since(one: Finding) -> str:
        if not one.verdict:
            return ""
        if one.kind is FindingKind.CHANGED or one.reason in _RUN_ENDED:
            return today.isoformat()
        days = []
        for client in one.clients or (one.client,):
            if client not in by_client:
                by_client[client] = _verdicts_of(nights_of(client))
            days.append(_first_day(one, by_client[client], today))
        return max(days).isoformat()

    return [replace(one, since=since(one)) for one in found]


def _first_day(one: Finding, nights: Iterable[tuple[date, _Verdicts]], today: date) -> date:
    """A night that proved nothing is no break of what is proved before and after it."""
    first, is_proof = today, one.verdict not in {Verdict.UNKNOWN, Verdict.UNAUTHENTICATED}
    place = _ANYWHERE if one.server else (one.audience, one.scope)
    for day, found in nights:
        verdicts = found.get(place, frozenset())
        if one.verdict in verdicts:
            first = day
        elif not verdicts or not is_proof or verdicts & {Verdict.GRANTED, Verdict.DENIED}:
            break
    return first


def _verdicts_of(nights: Nights) -> list[tuple[date, _Verdicts]]:
    """What was found out of each scope, of each target (scope: empty), and of all together."""
    of_map: dict[int, dict[tuple[str, str], set[Verdict]]] = {}
    for _, permissions in nights:
        if id(permissions) in of_map:
            continue
        found = of_map[id(permissions)] = defaultdict(set)
        for cell in permissions.cells:
            for place in ((cell.audience, cell.scope), (cell.audience, ""), _ANYWHERE):
                found[place].add(cell.verdict)
    return [(day, of_map[id(permissions)]) for day, permissions in nights]
