"""The report as one JSON document, or as a line for every cell; their schemas ship beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from scopeprobe.model.cell import COLUMNS, Cell, PermissionMap, values_of
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.texts import json_text


@dataclass(frozen=True, slots=True)
class Document:
    """`report.json`: `schemas/report-1.json`. Members are only ever added to version 1."""

    summary: Summary
    cells: tuple[Cell, ...]
    version: int = 1


def report_json(maps: Sequence[PermissionMap], summary: Summary) -> str:
    members = {
        "version": 1,
        "summary": msgspec.json.decode(summary.as_json()),
        "cells": list(_members(maps)),
    }
    return json_text(members)


def report_jsonl(maps: Sequence[PermissionMap], _summary: Summary) -> str:
    """Every cell as `schemas/cell-1.json` says; equal maps give equal bytes."""
    return "".join(msgspec.json.encode(cell).decode() + "\n" for cell in _members(maps))


def schemas() -> Mapping[str, dict[str, Any]]:
    """The JSON Schemas (2020-12) by the names of their files."""
    return {"report-1.json": _schema(Document), "cell-1.json": _schema(Cell)}


def _schema(type_: type) -> dict[str, Any]:
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": draft, **msgspec.json.schema(type_)}


def _members(maps: Iterable[PermissionMap]) -> Iterator[dict[str, str | int | None]]:
    """The cells, one after the other, as JSON has them."""
    names = [column.name for column in COLUMNS]
    for permissions in maps:
        for cell in permissions.cells:
            yield dict(zip(names, values_of(cell), strict=True))
