"""The cells for the script of a page: one JSON block, written client by client."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from itertools import groupby
from typing import Generic, TypeVar

import msgspec

from scopeprobe.model.cell import COLUMNS, Cell, Evidence, PermissionMap, Reason, Verdict
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.policy.history import CellHistory, Past
from scopeprobe.reports.findings import findings_members, worst_first
from scopeprobe.reports.summary import ClientSummary, Summary

_MOST_INDEXED = 5000
"""Distinct values of a kind that are held at once."""
_VERDICTS, _REASONS, _EVIDENCE, _KINDS = (
    {member: index for index, member in enumerate(members)}
    for members in (Verdict, Reason, Evidence, FindingKind)
)
T = TypeVar("T", bound=Hashable)


class Table(Generic[T]):
    """Values, each told once and then by its index; when it is full, they stand for themselves."""

    def __init__(self, most: int = _MOST_INDEXED) -> None:
        self._most = most
        self._indexes: dict[T, int] = {}

    def index(self, value: T) -> int | T:
        if (known := self._indexes.get(value)) is not None:
            return known
        if len(self._indexes) >= self._most:
            return value
        return self._indexes.setdefault(value, len(self._indexes))

    @property
    def values(self) -> list[T]:
        return list(self._indexes)


Answer = tuple[int, int, int, int | None, str, str, str]
"""All of a cell but its key: verdict, reason and evidence by their indexes."""
IntervalRow = tuple[int | None, str, str, int, int]
"""
A verdict by its index, its first and last day, nights, and nights that did not prove it.

None: the verdict that the cell has.
"""


def page_data(maps: Iterable[PermissionMap], summary: Summary, past: Past | None) -> Iterator[str]:
    """The JSON, in pieces that no markup can stand in. Read by `page.js`, which says its shape."""
    scopes: Table[str] = Table(most=2**31)
    sets: Table[tuple[int | str, ...]] = Table()
    answers: Table[Answer] = Table()
    pasts: Table[tuple[IntervalRow, ...]] = Table()
    told = {client.name: client for client in summary.clients}
    yield '{"clients":['
    comma = ""
    for permissions in maps:
        history = {} if past is None else {one.key: one for one in past.of(permissions)}
        targets = []
        for audience, members in groupby(permissions.cells, lambda cell: cell.audience):
            cells = list(members)
            targets.append(
                {
                    "audience": audience,
                    "scopes": sets.index(tuple(scopes.index(cell.scope) for cell in cells)),
                    "answers": [answers.index(_answer(cell)) for cell in cells],
                    "pasts": _folded(
                        [pasts.index(_intervals(cell, history[cell.key])) for cell in cells]
                    )
                    if past is not None
                    else None,
                }
            )
        yield comma + _json(_client(permissions, told.get(permissions.client), targets))
        comma = ",\n"
    yield "],\n"
    tables: dict[str, object] = {
        "run": summary.run,
        "explain": summary.commands.explain,
        "history": summary.commands.history,
        "columns": [column.name for column in COLUMNS],
        "verdicts": list(Verdict),
        "reasons": list(Reason),
        "evidence": list(Evidence),
        "kinds": list(FindingKind),
        "scopes": scopes.values,
        "sets": sets.values,
        "answers": answers.values,
        "pasts": pasts.values,
    }
    for name, values in tables.items():
        yield _json(name) + ":" + _json(values) + ",\n"
    yield '"findings":['
    comma = ""
    for told_of, (severity, one) in zip(
        findings_members(summary), worst_first(summary), strict=True
    ):
        yield comma + _json(_finding(one, severity, told_of["next_step"]))
        comma = ",\n"
    yield "]}"


def _client(
    permissions: PermissionMap, told: ClientSummary | None, targets: list[dict[str, object]]
) -> dict[str, object]:
    return {
        "name": permissions.client,
        "id": permissions.cells[0].client_id if permissions.cells else "",
        "server": told.server if told else "",
        "owner": told.owner if told else "",
        "tags": told.tags if told else (),
        "targets": targets,
    }


def _answer(cell: Cell) -> Answer:
    return (
        _VERDICTS[cell.verdict],
        _REASONS[cell.reason],
        _EVIDENCE[cell.evidence],
        cell.http_status,
        cell.error,
        cell.error_description,
        cell.limited_to,
    )


def _intervals(cell: Cell, past: CellHistory) -> tuple[IntervalRow, ...]:
    """So that the pasts of cells that were always what they are differ in nothing."""
    always = {one.verdict for one in past.intervals} == {cell.verdict}
    return tuple(
        (
            None if always else _VERDICTS[one.verdict],
            str(one.first.day),
            str(one.last.day),
            one.nights,
            one.unproved,
        )
        for one in past.intervals
    )


def _folded(values: list[T]) -> T | list[T]:
    """A single value in the place of a list of equal ones."""
    return values[0] if values and all(value == values[0] for value in values) else values


def _finding(one: Finding, severity: str, next_step: str) -> dict[str, object]:
    return {
        "severity": severity,
        "kind": _KINDS[one.kind],
        "clients": one.clients or (one.client,),
        "server": one.server,
        "audience": one.audience,
        "scope": one.scope,
        "verdict": _VERDICTS[Verdict(one.verdict)] if one.verdict else None,
        "detail": one.detail,
        "since": one.since,
        "next_step": next_step,
    }


def _json(value: object) -> str:
    """JSON in which no tag and no comment can begin."""
    return msgspec.json.encode(value).decode().replace("<", "\\u003c")
