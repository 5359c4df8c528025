"""The order of an audit: what is to be audited, and how."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path
from typing import Self

from scopeprobe.audits.rounds import Rounds
from scopeprobe.engine.budgets import Budgets
from scopeprobe.inputs import Fleet
from scopeprobe.model.assignment import Proof, Strategy
from scopeprobe.model.events import Observer
from scopeprobe.model.journal import KnownFacts
from scopeprobe.policy import Policy
from scopeprobe.reports.formats import Format
from scopeprobe.reports.page import MOST_CELLS
from scopeprobe.reports.split import SplitBy
from scopeprobe.reports.summary import Commands

KEPT = 100
RESTARTED = 12 * 3600
"""Seconds within which a job is started again: by then it is not the next night's."""
DEFAULT_FAIL_ON = ("missing", "excess", "unauthenticated")


class Resume(Enum):
    """Whether an audit goes on with a run that is there."""

    NEVER = auto()
    MUST = auto()
    """It is an error where none is stored."""
    IF_ANY = auto()
    """
    For jobs that a scheduler starts again: with the last run, where it was begun within RESTARTED,
    is not complete and asked the same; else a new one is begun.
    """


@dataclass(frozen=True, slots=True)
class Audit:
    """What to audit, and how."""

    fleet: Fleet
    out: Path
    limits: Budgets = field(default_factory=Budgets)
    fail_on: Collection[str] = DEFAULT_FAIL_ON
    """The kinds of findings that fail the run."""
    policy: Policy = field(default_factory=Policy)
    previous: str | None = None
    """The run that cells are compared with, or `last`; None: with none."""
    new_only: bool = False
    """Only findings that were not there before fail the run."""
    formats: Collection[Format] = ()
    """Files beside the CSV ones."""
    commands: Commands = field(default_factory=Commands)
    """What people are told to type."""
    with_page: bool = True
    """Write `report.html` too, unless it would hold more than MOST_CELLS."""
    split_by: SplitBy | None = None
    """Write the files of each owner, tag or server as well, beside those of the whole."""
    keep: int = KEPT
    """Finished runs that stay in the folder's database."""
    strategy: str = "each"
    """One of STRATEGIES."""
    proof: Proof = Proof.SAFE
    is_patient: bool = False
    """Wait for another audit that writes into the folder."""
    resume: Resume = Resume.NEVER
    run_id: str | None = None
    """Which run to go on with; None: the last one."""
    observer: Observer = field(default=lambda _event: None)
    rounds: Callable[[Strategy, KnownFacts, Budgets], Rounds] = Rounds
    """Who asks: this process, unless given."""

    def formats_of(self, cells: int) -> tuple[Format, ...]:
        """What is written beside the CSV files of a run with so many cells."""
        page = (Format.HTML,) if self.with_page and cells <= MOST_CELLS else ()
        return tuple(dict.fromkeys((*self.formats, *page)))

    def observed_by(self, observer: Observer) -> Self:
        return replace(self, observer=observer)
