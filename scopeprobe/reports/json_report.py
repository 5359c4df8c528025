"""The report as one JSON document, or as a line for every cell; their schemas ship beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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


def report_json(maps: Iterable[PermissionMap], summary: Summary) -> Iterator[str]:
    """Cells go where the list of none has its end, as if all had been written at once."""
    members = {"version": 1, "summary": msgspec.json.decode(summary.as_json()), "cells": []}
    head, end = json_text(members).rsplit("]", maxsplit=1)
    yield head
    is_first = True
    for permissions in maps:
        if permissions.cells:
            listed = json_text(list(_members(permissions))).rstrip().removeprefix("[")
            yield ("" if is_first else ",") + listed.removesuffix("\n]").replace("\n", "\n  ")
            is_first = False
    yield f"]{end}" if is_first else f"\n  ]{end}"


def report_jsonl(maps: Iterable[PermissionMap], _summary: Summary) -> Iterator[str]:
    """Every cell as `schemas/cell-1.json` says; equal maps give equal bytes."""
    for permissions in maps:
        yield _encode_lines(_members(permissions)).decode()


def schemas() -> Mapping[str, dict[str, Any]]:
    """The JSON Schemas (2020-12) by the names of their files."""
    return {"report-1.json": _schema(Document), "cell-1.json": _schema(Cell)}


def _schema(type_: type) -> dict[str, Any]:
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": draft, **msgspec.json.schema(type_)}


def _members(permissions: PermissionMap) -> Iterator[dict[str, str | int | None]]:
    """The cells, one after the other, as JSON has them."""
    names = [column.name for column in COLUMNS]
    for cell in permissions.cells:
        yield dict(zip(names, values_of(cell), strict=True))


_encode_lines = msgspec.json.Encoder().encode_lines
