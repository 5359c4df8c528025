"""What an auditor of a real server may conclude about a cell, whatever the lab plays."""

from __future__ import annotations

from typing import Literal, TypeAlias

from scopeprobe.lab.answers import Mark, Table

Verdict: TypeAlias = Literal["granted", "denied", "unenforced", "unauthenticated", "unknown"]

CellKind: TypeAlias = Literal[
    "granted", "ungranted", "unknown_scope", "wrong_secret", "unknown_client"
]
"""
What a cell truly is: granted, existing but not granted, existing nowhere; or, of a client that
cannot authenticate, why not.
"""

OPPOSITES: dict[CellKind, Verdict] = {
    "granted": "denied",
    "ungranted": "granted",
    "unknown_scope": "granted",
}
"""By kind of cell, the verdict that would be false."""


class Conclusion(Table, frozen=True):
    """The verdicts that the truth and the knowledge about the server admit."""

    verdicts: tuple[Verdict, ...]
    source: Mark

    def __post_init__(self) -> None:
        if not self.verdicts:
            raise ValueError("some verdict must be admitted")
        if self.source not in ("V", "D") and "unknown" not in self.verdicts:
            raise ValueError(f"a row marked {self.source} must admit unknown")


class Conclusions(Table, frozen=True):
    """`[conclusions]`: one row a kind of cell."""

    granted: Conclusion
    ungranted: Conclusion
    unknown_scope: Conclusion
    wrong_secret: Conclusion
    unknown_client: Conclusion

    def of(self, kind: CellKind) -> Conclusion:
        return {
            "granted": self.granted,
            "ungranted": self.ungranted,
            "unknown_scope": self.unknown_scope,
            "wrong_secret": self.wrong_secret,
            "unknown_client": self.unknown_client,
        }[kind]
