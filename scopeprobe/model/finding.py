"""Findings: what somebody should look at, and the kinds there are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scopeprobe.model.client import ClientName


class FindingKind(StrEnum):
    MISSING = "missing"
    """Expected granted, proved otherwise."""
    EXCESS = "excess"
    """Granted or unenforced, and expected denied or not among what is expected granted."""
    CHANGED = "changed"
    """Proved to be another than when it was last proved."""
    UNAUTHENTICATED = "unauthenticated"
    UNKNOWN = "unknown"
    UNENFORCED = "unenforced"
    SECRET_EXPIRY = "secret_expiry"
    """
    A secret or a client that ends within thirty days or has ended, or a client that its server does
    not call active.
    """
    STALE_WAIVER = "stale_waiver"
    """A waiver that has expired, or that nothing needs any more."""
    UNMATCHED_EXPECTATION = "unmatched_expectation"
    """A pattern of what is expected that matches no candidate."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody should look at."""

    kind: FindingKind
    client: ClientName
    audience: str
    scope: str
    detail: str
