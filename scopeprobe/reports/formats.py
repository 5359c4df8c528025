"""Every form that a finished run can be written in: from its maps and its summary, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeAlias

from scopeprobe.model.cell import PermissionMap
from scopeprobe.reports.csv_files import permissions_csv
from scopeprobe.reports.json_report import report_json, report_jsonl
from scopeprobe.reports.junit import report_junit
from scopeprobe.reports.markdown import report_markdown
from scopeprobe.reports.openmetrics import report_openmetrics
from scopeprobe.reports.summary import Summary

Renderer: TypeAlias = Callable[[Sequence[PermissionMap], Summary], str]


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    OPENMETRICS = "openmetrics"


FILES: Mapping[Format, str] = {
    Format.CSV: "permissions.csv",
    Format.JSON: "report.json",
    Format.JSONL: "report.jsonl",
    Format.MARKDOWN: "report.md",
    Format.JUNIT: "junit.xml",
    Format.OPENMETRICS: "scopeprobe.prom",
}


def _csv(maps: Sequence[PermissionMap], _summary: Summary) -> str:
    return permissions_csv(cell for permissions in maps for cell in permissions.cells)


_RENDERERS: Mapping[Format, Renderer] = {
    Format.CSV: _csv,
    Format.JSON: report_json,
    Format.JSONL: report_jsonl,
    Format.MARKDOWN: report_markdown,
    Format.JUNIT: report_junit,
    Format.OPENMETRICS: report_openmetrics,
}


def render(form: Format, maps: Sequence[PermissionMap], summary: Summary) -> str:
    """Write a run down. Equal maps and summaries give equal bytes."""
    return _RENDERERS[form](maps, summary)
