"""The formats that a finished run can be written in: each one's name, file and renderer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Self, TypeAlias

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

Renderer: TypeAlias = Callable[[Sequence[PermissionMap], Summary], str]


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
    OPENMETRICS = "openmetrics", "scopeprobe.prom", report_openmetrics

    file: str
    """Its name in the output folder."""
    as_text: Renderer | None
    """Whole; None for the page, which is written in pieces and tells of the past as well."""

    def __new__(cls, name: str, file: str, renderer: Renderer | None) -> Self:
        member = str.__new__(cls, name)
        member._value_ = name
        member.file = file
        member.as_text = renderer
        return member

    def render(
        self, maps: Sequence[PermissionMap], summary: Summary, past: Past | None = None
    ) -> Iterator[str]:
        """Write a run down, piece by piece. Equal maps, summaries and pasts give equal bytes."""
        if self.as_text is None:
            yield from report_page(maps, summary, past)
        else:
            yield self.as_text(maps, summary)
