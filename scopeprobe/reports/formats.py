"""The formats that a finished run can be written in: each one's name, file and renderer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from enum import StrEnum
from importlib.util import find_spec
from typing import Self, TypeAlias

from scopeprobe.errors import InputError
from scopeprobe.model.cell import PermissionMap
from scopeprobe.policy.history import Past
from scopeprobe.reports.csv_files import report_csv
from scopeprobe.reports.findings import report_findings
from scopeprobe.reports.github import report_github
from scopeprobe.reports.json_report import report_json, report_jsonl
from scopeprobe.reports.junit import report_junit
from scopeprobe.reports.markdown import report_markdown
from scopeprobe.reports.openmetrics import report_openmetrics
from scopeprobe.reports.page import report_page
from scopeprobe.reports.sarif import report_sarif
from scopeprobe.reports.summary import Summary
from scopeprobe.reports.xlsx import MISSING, report_xlsx

Renderer: TypeAlias = Callable[[Iterable[PermissionMap], Summary], Iterable[str | bytes]]


class Format(StrEnum):
    """What `--format`, `--print` and the writer of files know: one line a format."""

    HTML = "html", "report.html", None
    CSV = "csv", "permissions.csv", report_csv
    FINDINGS = "findings", "findings.csv", report_findings
    JSON = "json", "report.json", report_json
    JSONL = "jsonl", "report.jsonl", report_jsonl
    MARKDOWN = "markdown", "report.md", report_markdown
    JUNIT = "junit", "junit.xml", report_junit
    SARIF = "sarif", "report.sarif", report_sarif
    GITHUB = "github", "annotations.txt", report_github
    XLSX = "xlsx", "report.xlsx", report_xlsx
    OPENMETRICS = "openmetrics", "scopeprobe.prom", report_openmetrics

    file: str
    """Its name in the output folder."""
    pieces: Renderer | None
    """None for the page, which tells of the past as well."""

    def __new__(cls, name: str, file: str, renderer: Renderer | None) -> Self:
        member = str.__new__(cls, name)
        member._value_ = name
        member.file = file
        member.pieces = renderer
        return member

    @property
    def is_text(self) -> bool:
        """It can be printed."""
        return self is not Format.XLSX

    def render(
        self, maps: Iterable[PermissionMap], summary: Summary, past: Past | None = None
    ) -> Iterator[str | bytes]:
        """
        Write a run down, piece by piece. Equal maps, summaries and pasts give equal bytes.

        The maps may be gone through several times, and none is held longer than it takes.
        """
        if self.pieces is None:
            yield from report_page(maps, summary, past)
        else:
            yield from self.pieces(maps, summary)


def refuse_missing_extras(formats: Collection[Format]) -> None:
    """Raise InputError for a format that needs what is not installed."""
    if Format.XLSX in formats and find_spec("openpyxl") is None:
        raise InputError([MISSING])
