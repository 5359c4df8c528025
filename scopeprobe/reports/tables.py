"""The CSV files: long form, and the matrix of all clients."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from scopeprobe.model.cell import COLUMNS, Finding, PermissionMap

HEADER = ",".join(COLUMNS) + "\n"
_FORMULA = frozenset("=+-@\t\r")


def inert(cell: str) -> str:
    """Stop a spreadsheet from running a cell that a server chose (CWE-1236)."""
    return f"'{cell}" if cell[:1] in _FORMULA else cell


def permissions_csv(findings: Iterable[Finding]) -> str:
    """A whole permission map."""
    return HEADER + permission_rows(findings)


def permission_rows(findings: Iterable[Finding]) -> str:
    """One row a cell, in the order given, without the header."""
    return _csv(
        (
            inert(finding.client),
            inert(finding.client_id),
            inert(finding.audience),
            inert(finding.scope),
            finding.verdict,
            finding.reason,
            finding.evidence,
            "" if finding.http_status is None else finding.http_status,
            inert(finding.error),
            inert(finding.error_description),
        )
        for finding in findings
    )


def matrix_csv(maps: Iterable[PermissionMap]) -> str:
    """One row a client and audience, one column a scope; empty where a scope is no candidate."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for permissions in maps:
        for finding in permissions.findings:
            row = rows.setdefault((finding.client, finding.audience), {})
            row[finding.scope] = finding.verdict
    scopes = sorted({scope for row in rows.values() for scope in row})
    header = ("client", "audience", *map(inert, scopes))
    cells = (
        (*map(inert, key), *(row.get(scope, "") for scope in scopes)) for key, row in rows.items()
    )
    return _csv([header, *cells])


def _csv(rows: Iterable[Sequence[str | int]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
