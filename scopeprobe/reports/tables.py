"""The CSV files: long form, and the matrix of all clients."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from scopeprobe.model.findings import Finding, PermissionMap

COLUMNS = (
    "client",
    "client_id",
    "audience",
    "scope",
    "verdict",
    "reason",
    "evidence",
    "http_status",
    "error",
    "error_description",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def inert(cell: str) -> str:
    """Stop a spreadsheet from running a cell that a server chose (CWE-1236)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def permissions_csv(findings: Iterable[Finding]) -> str:
    """One row a cell, in the order given."""
    return _csv(
        COLUMNS,
        (
            (
                finding.client,
                finding.client_id,
                finding.audience,
                finding.scope,
                finding.verdict.value,
                finding.reason.value,
                finding.evidence.value,
                "" if finding.http_status is None else str(finding.http_status),
                finding.error,
                finding.error_description,
            )
            for finding in findings
        ),
    )


def matrix_csv(maps: Iterable[PermissionMap]) -> str:
    """One row a client and audience, one column a scope; empty where a scope is no candidate."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for permissions in maps:
        for finding in permissions.findings:
            row = rows.setdefault((finding.client, finding.audience), {})
            row[finding.scope] = finding.verdict.value
    scopes = sorted({scope for row in rows.values() for scope in row})
    return _csv(
        ("client", "audience", *scopes),
        ((*key, *(row.get(scope, "") for scope in scopes)) for key, row in rows.items()),
    )


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(inert, header))
    writer.writerows(map(inert, row) for row in rows)
    return text.getvalue()
