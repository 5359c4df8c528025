"""SARIF 2.1.0, as code scanning reads it: a result a finding, at its client's line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from scopeprobe import __version__
from scopeprobe.model.cell import PermissionMap
from scopeprobe.model.client import ClientName
from scopeprobe.model.finding import Finding, FindingKind
from scopeprobe.reports.findings import described, sentence, worst_first
from scopeprobe.reports.rules import Rule, rules
from scopeprobe.reports.summary import ClientSummary, Commands, Summary
from scopeprobe.reports.texts import json_text

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_STARTED_IN = "SRCROOT"
"""What relative names of clients files are relative to."""
_MOST_RELATED = 100
"""Further clients of one incident whose lines are named."""
_ESCAPED = str.maketrans(
    {"\\": "\\\\", "[": "\\[", "]": "\\]", "{": "{{", "}": "}}"}
    | {chr(code): " " for code in (*range(32), 127)}
)
"""Text that is neither link nor placeholder (SARIF 2.1.0 sections 3.11.5 and 3.11.6)."""


def report_sarif(_maps: Iterable[PermissionMap], summary: Summary) -> Iterator[str]:
    """Findings that fail the run are errors, all others are warnings; the worst first."""
    clients = {client.name: client for client in summary.clients}
    run = {
        "tool": {
            "driver": {
                "name": "scopeprobe",
                "semanticVersion": __version__,
                "rules": [_rule(kind, rule) for kind, rule in rules().items()],
            }
        },
        "automationDetails": {"id": f"scopeprobe/{summary.run}"},
        "invocations": [
            {
                "executionSuccessful": summary.complete,
                "startTimeUtc": summary.started,
                "endTimeUtc": summary.finished,
            }
        ],
        "originalUriBaseIds": {
            _STARTED_IN: {"description": {"text": "The folder that scopeprobe was started in."}}
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(severity, one, clients) for severity, one in worst_first(summary)],
    }
    yield json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(kind: FindingKind, rule: Rule) -> dict[str, Any]:
    step = rule.next_step_for("CLIENT", Commands())
    return {
        "id": kind,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": rule.text},
        "help": {
            "text": f"{rule.text} To do: {step}.",
            "markdown": f"{rule.text}\n\nTo do: {step}.",
        },
        "properties": {"tags": ["security", "oauth2"]},
    }


def _result(
    severity: str, one: Finding, clients: Mapping[ClientName, ClientSummary]
) -> dict[str, Any]:
    about = {
        "client": one.client,
        "server": one.server,
        "audience": one.audience,
        "scope": one.scope,
        "owner": one.owner,
        "since": one.since,
    }
    return {
        "ruleId": one.kind,
        "ruleIndex": list(rules()).index(one.kind),
        "level": severity,
        "message": {"text": sentence(one).translate(_ESCAPED)},
        **_locations(one, clients),
        "partialFingerprints": {"finding/v1": _fingerprint(one)},
        "properties": {name: value for name, value in about.items() if value},
    }


def _locations(
    one: Finding, clients: Mapping[ClientName, ClientSummary]
) -> dict[str, list[dict[str, Any]]]:
    """Where its clients are written; of a finding that names none, the first clients file."""
    if about := described(one, clients):
        first, *others = (_location(client.file, client.line) for client in about)
        related = {"relatedLocations": others[:_MOST_RELATED]} if others else {}
        return {"locations": [first], **related}
    files = [client.file for client in clients.values() if client.file]
    return {"locations": [_location(files[0], 0)]} if files else {}


def _location(file: str, line: int) -> dict[str, Any]:
    path = PurePath(file)
    artifact = (
        {"uri": path.as_uri()}
        if path.is_absolute()
        else {"uri": quote(path.as_posix()), "uriBaseId": _STARTED_IN}
    )
    region = {"region": {"startLine": line}} if line else {}
    return {"physicalLocation": {"artifactLocation": artifact, **region}}


def _fingerprint(one: Finding) -> str:
    """The same every night, wherever the client is written."""
    identity = f"{one.kind}\n{one.subject}\n{one.audience}\n{one.scope}"
    return blake2b(identity.encode(errors="replace"), digest_size=16).hexdigest()
