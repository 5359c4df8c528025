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
    """One thing that somebody should look at: of a cell, a client, or a whole server."""

    kind: FindingKind
    client: ClientName
    audience: str
    scope: str
    detail: str
    verdict: str = ""
    """Of the cells that it is about."""
    reason: str = ""
    owner: str = ""
    """Of its client."""
    since: str = ""
    """The day of the first run that found it so; empty where runs tell nothing of it."""
    server: str = ""
    """Of an incident of a whole server: its name, and `client` is empty."""
    clients: tuple[ClientName, ...] = ()
    """Of such an incident: all that it is about."""

    @property
    def subject(self) -> str:
        """The client or the server that it is about."""
        return self.client or self.server
